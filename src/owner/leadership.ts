/**
 * Leadership: whether this owner has its space. It claims the space, stands by for it, loses it, and gives it up.
 *
 * Whatever went wrong, one path mends it: make sure that the claim stands, claim anew where it does not, and bring the
 * store from its head to the ledger's by one commit.
 *
 * Invariant: once the space is lost or released, nothing is ever claimed.
 */
import type { OwnershipDriver } from '../actor/ownership-driver.ts';
import type { Context } from '../actor/participant.ts';
import { OwnedElsewhereError, TandemError } from '../base/errors.ts';
import { backoffMs, pause } from '../base/time.ts';
import type { Change } from '../state/change.ts';
import { printPosition } from '../state/position.ts';
import type { Books } from './cadence.ts';
import type { Claimant } from './claimant.ts';
import type { Committer } from './committer.ts';
import type { FencedEvent, Uncommitted } from './events.ts';
import { fencedError } from './lease.ts';
import type { Standby } from './standby.ts';
import type { StateView } from './state-view.ts';

/** Errors that end an owner: the space is another's. */
const ENDING: ReadonlySet<string> = new Set(['FENCED', 'OWNED_ELSEWHERE']);

export interface LeadershipParts {
  readonly context: Context;
  readonly books: Books;
  readonly claimant: Claimant;
  readonly committer: Committer;
  readonly ownership: OwnershipDriver;
  /** Begins to follow, where this owner is to wait until the space is free. */
  readonly startStandby: () => Standby;
}

/** The owner, for its leadership. */
export interface Led {
  /** Readings are made of a standby's state from now on; `undefined` for the owner's own. */
  show(standby: StateView | undefined): void;
  /** Everything that runs in the owner ends. */
  close(): void;
}

export class Leadership {
  readonly #parts: LeadershipParts;
  readonly #owner: Led;
  readonly #abort = new AbortController();
  #standby: Standby | undefined;
  #ended: TandemError | undefined;
  #hasLed = false;
  /** The last claim that was asked for; settles, and never rejects. */
  #claiming: Promise<void> | undefined;

  constructor(parts: LeadershipParts, owner: Led) {
    this.#parts = parts;
    this.#owner = owner;
  }

  /** Whether it waits for the space to be free. */
  get isStandby(): boolean {
    return this.#standby !== undefined;
  }

  /** Why this owner sets nothing any more. */
  get ended(): TandemError | undefined {
    return this.#ended;
  }

  /** Whether this owner has led at least once. */
  get hasLed(): boolean {
    return this.#hasLed;
  }

  /** Whether its memory is the truth: since it first led, also while Redis is out, and until it ends. */
  get isLeading(): boolean {
    return this.#hasLed && !this.#ended;
  }

  /** It leads: the space is claimed, and the store is where the ledger is. */
  led(): void {
    this.#hasLed = true;
  }

  /** Whether nothing may be begun any more. */
  get isOver(): boolean {
    return this.#abort.signal.aborted;
  }

  /** @throws TandemError `FENCED`, `OWNED_ELSEWHERE`, `STOPPED` or `STANDBY` */
  requireWritable(): void {
    // planted: writable
    if (this.#ended) throw this.#ended;
    if (!this.#standby) return;
    const what = `space "${this.#parts.context.space}" is another's; await ready() before setting it`;
    throw new TandemError('STANDBY', what, { retryable: true });
  }

  /** From now on nothing is set. */
  end(error: TandemError): void {
    this.#ended ??= error;
  }

  /** From now on nothing is begun, and nothing claimed. */
  abort(): void {
    this.#abort.abort();
  }

  /** Stops to follow, where it stands by. */
  stopStandby(): void {
    this.#standby?.stop();
  }

  /** Follows until the space is free and claimed, then connects as any owner. Never rejects. */
  async standBy(): Promise<void> {
    const { connection, runtime } = this.#parts.context;
    const { signal } = this.#abort;
    const standby = this.#parts.startStandby();
    this.#standby = standby;
    this.#owner.show(standby);
    this.#mirror(standby);
    const isLeading = (): boolean => this.#parts.ownership.ownership === 'leading';
    for (let failures = 0; !isLeading() && !signal.aborted; failures += 1) {
      if (failures > 0) await pause(runtime.time, backoffMs(runtime.time, failures - 1), signal);
      await standby.untilFree(signal);
      if (signal.aborted) break;
      await this.#claim(signal).catch((error: unknown) => this.#standByAgain(error));
    }
    this.#endStandby();
    if (!signal.aborted) connection.start();
  }

  /**
   * Makes sure that the space is this owner's, and that the store is where the ledger is.
   * @param machine aborted when the connection machine calls the catch-up off
   */
  async hold(machine: AbortSignal): Promise<void> {
    const signal = AbortSignal.any([machine, this.#abort.signal]);
    try {
      signal.throwIfAborted();
      // Each call under way has a deadline; where one was refused, the head is asked for behind it.
      await this.#parts.committer.settled();
      if (!(await this.#parts.claimant.holds())) await this.#claim(signal);
      signal.throwIfAborted();
      // Also when nothing changed: a commit proves that Redis takes writes.
      await this.#bring();
    } catch (error) {
      if (error instanceof TandemError && ENDING.has(error.code)) this.lose(error);
      // A stop that calls it off is no failure: the end is on its way.
      if (this.isOver) await new Promise<never>(() => {});
      throw error;
    }
  }

  /** Gives up the lease. A claim that is on its way may be granted yet, and is waited for. */
  async release(): Promise<void> {
    await Promise.all([this.#parts.committer.settled(), this.#claiming]);
    await this.#parts.committer.release();
  }

  /** The space is another's. Says what could not be committed, and ends the owner for good. */
  lose(error: TandemError): void {
    if (this.#ended?.code === error.code) return;
    this.#ended = error;
    const { context, ownership } = this.#parts;
    const { space, runtime, reporter, waiters } = context;
    waiters.refuse(error);
    ownership.send('fenced');
    const uncommitted = this.#uncommitted();
    runtime.observers.tell('fenced', { space, code: error.code, uncommitted: uncommitted.length });
    reporter.emit({ type: 'fenced', uncommitted, error } satisfies FencedEvent);
    this.#owner.close();
  }

  // ---- the claim ----

  async #claim(signal: AbortSignal): Promise<void> {
    const { context, books, claimant, ownership } = this.#parts;
    ownership.send(this.isStandby ? 'free' : 'lost');
    const claimed = claimant.claim(signal, this.#standby);
    this.#claiming = claimed.catch(() => {});
    await claimed;
    if (books.progress.isIncomplete)
      context.reporter.report(
        new TandemError('KEYS_LOST', `Redis has lost keys of space "${context.space}"`),
      );
    // Listeners that hear that this owner leads find the state that it leads with.
    this.#endStandby();
    ownership.send('claimed');
  }

  async #bring(): Promise<void> {
    const { context, committer } = this.#parts;
    const sent = committer.send('commit');
    if (typeof sent === 'string') throw headMoved(context.space, 'busy');
    const { outcome, head } = await sent;
    if (outcome === 'fenced') throw fencedError(context.space, head.ownerName, head.fence);
    if (outcome !== 'committed') throw headMoved(context.space, outcome);
  }

  // ---- standing by ----

  /** While it stands by, this owner's mode, errors and head are its standby's. */
  #mirror({ follower }: Standby): void {
    const { connection, reporter, heads, waiters } = this.#parts.context;
    connection.mirror(follower);
    follower.on('mode', ({ mode, reason }) => mode !== 'stopped' && connection.enter(mode, reason));
    follower.on('error', ({ error }) => reporter.report(error));
    follower.watchHead(() => {
      heads.notify();
      waiters.check();
    });
  }

  #endStandby(): void {
    if (this.#standby === undefined) return;
    this.#standby.stop();
    this.#standby = undefined;
    this.#owner.show(undefined);
    this.#parts.context.heads.notify();
  }

  async #standByAgain(failure: unknown): Promise<void> {
    const { context, committer, ownership } = this.#parts;
    ownership.send('held');
    // An owner that lives after all, or came first, is no failure of a standby.
    if (failure instanceof OwnedElsewhereError || this.isOver) return;
    context.reporter.report(failure);
    // Its own lease would keep it waiting as a living owner's does.
    await committer.release().catch(() => {});
  }

  // ---- the end ----

  /** What the store is not known to have; after a takeover, what the new owner's line did not take over. */
  #uncommitted(): Uncommitted[] {
    const { ledger, progress, lease } = this.#parts.books;
    const { epoch } = ledger.line;
    const { lostTo } = lease;
    let { revision } = progress.committed;
    if (lostTo && lostTo.epoch !== epoch) revision = lostTo.base.epoch === epoch ? lostTo.base.revision : 0;
    else if (lostTo) revision = Math.min(revision, lostTo.revision);
    // planted: uncommitted
    const changes = ledger.changesSince(revision) ?? ledger.everything();
    return changes.map((change) => this.#asUncommitted(change));
  }

  #asUncommitted({ key, revision, json }: Change): Uncommitted {
    const { ledger } = this.#parts.books;
    const { epoch } = ledger.get(key) ?? ledger.line;
    const value: unknown = json === '' ? undefined : JSON.parse(json);
    return { key, value, position: printPosition({ epoch, revision }) };
  }
}

function headMoved(space: string, outcome: string): TandemError {
  return new TandemError('HEAD_MOVED', `space "${space}" is ${outcome} in Redis`, { retryable: true });
}
