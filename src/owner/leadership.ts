/**
 * Leadership: whether this owner has its space. It stands by for the space, claims it, gives it up and
 * loses it.
 *
 * One path mends whatever goes wrong (`hold`): make sure that the claim stands, claim again where it does
 * not, and bring the store to the ledger's head by one commit.
 *
 * Invariant: once the space is lost or released, nothing is ever claimed.
 */
import { keysError } from '../actor/keys-error.ts';
import { leaseWords, ownerWords } from '../actor/obstacle.ts';
import type { OwnershipDriver } from '../actor/ownership-driver.ts';
import type { Context } from '../actor/context.ts';
import type { Uncommitted } from '../actor/stopped.ts';
import { OwnedElsewhereError, TandemError } from '../base/errors.ts';
import { backoffMs, pause } from '../base/time.ts';
import type { OwnerState } from '../state/reading.ts';
import type { Books } from './books.ts';
import type { Claimant } from './claimant.ts';
import type { Committer } from './committer.ts';
import type { FencedEvent } from './events.ts';
import { fencedError } from './lease.ts';
import { LeaseKeeper } from './lease-keeper.ts';
import type { Standby } from './standby.ts';
import { findUncommitted, hasUncommitted } from './uncommitted.ts';

/** Errors that end an owner: the space is another's. */
const ENDING: ReadonlySet<string> = new Set(['FENCED', 'OWNED_ELSEWHERE']);

export interface LeadershipParts {
  readonly context: Context;
  readonly books: Books;
  readonly claimant: Claimant;
  readonly committer: Committer;
  readonly ownership: OwnershipDriver;
  /** Starts the follower of a standby. */
  readonly startStandby: () => Standby;
}

/** The owner, as its leadership sees it. */
export interface Led {
  /** Takes readings from a standby's state from now on; with `undefined`, from the owner's own. */
  show(standby: Standby | undefined): void;
  /** Ends everything that runs in the owner. */
  close(): void;
}

export class Leadership {
  readonly #parts: LeadershipParts;
  readonly #owner: Led;
  readonly #keeper: LeaseKeeper;
  readonly #abort = new AbortController();
  #standby: Standby | undefined;
  #ended: TandemError | undefined;
  #hasLed = false;
  #ownerState: OwnerState = 'never';
  /** As of the end. */
  #uncommitted: Promise<readonly Uncommitted[]> | undefined;
  /** The last claim that was asked for. It never rejects. */
  #claiming: Promise<unknown> | undefined;

  constructor(parts: LeadershipParts, owner: Led) {
    this.#parts = parts;
    this.#owner = owner;
    const { context, books } = parts;
    this.#keeper = new LeaseKeeper(context.space, context.runtime, books.lease);
  }

  /** Whether this owner still waits for the space to be free. */
  get isStandby(): boolean {
    return this.#standby !== undefined;
  }

  /** What keeps this owner from leading, in words; empty where nothing is known to. */
  get obstacle(): string {
    const { heldBy } = this.#parts.claimant;
    if (heldBy !== undefined) return leaseWords(heldBy);
    if (this.#standby === undefined) return '';
    const { owner, ownerName } = this.#standby.follower.status;
    return `this is a standby, and ${ownerWords(owner, ownerName)}`;
  }

  /** The reason why nothing can be set any more; `undefined` before the end. */
  get ended(): TandemError | undefined {
    return this.#ended;
  }

  /** Whether this owner has led at least once. */
  get hasLed(): boolean {
    return this.#hasLed;
  }

  /** Whether its memory is the truth: from the first time it leads until it ends, also while Redis is out. */
  get isLeading(): boolean {
    return this.#hasLed && !this.#ended;
  }

  /** How this owner stands in its own eyes. One that stops is alive until it has ended. */
  get ownerState(): OwnerState {
    return this.#ownerState;
  }

  /** Records that this owner leads: the space is claimed, and the store is where the ledger is. */
  led(): void {
    this.#hasLed = true;
    this.#parts.context.proofWatch.changed();
  }

  /** Whether `abort` was called: nothing new may begin. */
  get isOver(): boolean {
    return this.#abort.signal.aborted;
  }

  /** @throws TandemError `FENCED`, `OWNED_ELSEWHERE`, `STOPPED` or `STANDBY` */
  requireWritable(): void {
    // planted: writable
    if (this.#ended) throw this.#ended;
    if (!this.#standby) return;
    const what = `space "${this.#parts.context.space}" is not this standby's yet; await ready() first`;
    throw new TandemError('STANDBY', what);
  }

  /** From now on nothing can be set: callers get this error. */
  end(error: TandemError): void {
    this.#ended ??= error;
  }

  /**
   * This owner has ended, and its state is known from here on to be another's or nobody's.
   * @param isGivenUp whether it has given up its lease
   */
  over(isGivenUp: boolean): void {
    if (this.#ownerState !== 'alive') return;
    const isComplete = this.#hasLed && !hasUncommitted(this.#parts.books);
    this.#ownerState = isGivenUp && isComplete ? 'released' : 'lost';
  }

  /** From now on nothing begins, and nothing is claimed. */
  abort(): void {
    this.#abort.abort();
  }

  /** Stops the follower of the standby, if there is one. */
  stopStandby(): void {
    this.#standby?.stop();
  }

  /** Follows the space until it is free and claimed, then connects as any owner does. Never rejects. */
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
      await this.#keeper
        .during(this.#claim(signal), signal)
        .catch((error: unknown) => this.#standByAgain(error));
    }
    this.#endStandby();
    if (!signal.aborted) connection.start();
  }

  /**
   * Makes sure that the space is this owner's, and that the store is where the ledger is.
   * @param machine aborted when the connection machine calls this catch-up off
   * @throws TandemError whatever kept it; after `FENCED` and `OWNED_ELSEWHERE` the owner has ended
   */
  async hold(machine: AbortSignal): Promise<void> {
    const signal = AbortSignal.any([machine, this.#abort.signal]);
    try {
      signal.throwIfAborted();
      await this.#keeper.during(this.#mend(signal), signal);
    } catch (error) {
      if (error instanceof TandemError && ENDING.has(error.code)) this.lose(error);
      // A stop called this off, which is no failure: the machine stops next, and needs no result.
      if (this.isOver) await new Promise<never>(() => {});
      throw error;
    }
  }

  async #mend(signal: AbortSignal): Promise<void> {
    // Calls on their way come first: each has a deadline, and the store's head is final only behind them.
    await this.#parts.committer.settled();
    if (!(await this.#parts.claimant.holds())) await this.#claim(signal);
    signal.throwIfAborted();
    await this.#settleTurn(signal);
    // A commit goes out even when nothing changed: it proves that Redis takes writes.
    await this.#commitAll();
  }

  /** Gives up the lease, after every commit and claim on its way: a claim may still be granted. */
  async release(): Promise<void> {
    await Promise.all([this.#parts.committer.settled(), this.#claiming]);
    // What is left of a large turn, the next owner settles.
    await this.#settleTurn().catch(() => {});
    await this.#parts.committer.release();
  }

  /**
   * The space is another's. From this call on nothing is set or sent, and every wait has failed. The events
   * `ownership` and `error` say it at once. `fenced` is emitted with the uncommitted changes once they are
   * found, and then the owner ends for good.
   */
  lose(error: TandemError): void {
    if (this.#ended?.code === error.code) return;
    this.#ended = error;
    this.#ownerState = 'lost';
    const { context, ownership } = this.#parts;
    context.waiters.refuse(error);
    context.ended.abort(error);
    ownership.send('fenced');
    context.reporter.report(error);
    this.abort();
    void this.#endFenced(error);
  }

  async #endFenced(error: TandemError): Promise<void> {
    const { space, runtime, reporter } = this.#parts.context;
    const uncommitted = await this.uncommitted();
    runtime.observers.tell('fenced', { space, code: error.code, uncommitted: uncommitted.length });
    reporter.emit({ type: 'fenced', uncommitted, error } satisfies FencedEvent);
    this.#owner.close();
  }

  /** The changes that the store is not known to have, as of the end of this owner. Call it after the end. */
  uncommitted(): Promise<readonly Uncommitted[]> {
    const { context, books } = this.#parts;
    return (this.#uncommitted ??= context.runtime.slices.run(findUncommitted(books)));
  }

  // ---- the claim ----

  async #claim(signal: AbortSignal): Promise<void> {
    const { context, books, claimant, ownership } = this.#parts;
    ownership.send(this.isStandby ? 'free' : 'lost');
    const claimed = claimant.claim(signal, this.#standby);
    this.#claiming = claimed.catch(() => {});
    const { areAdded } = await claimed;
    // One that stops is alive until it has ended: what was set is still to be committed.
    if (this.#ended === undefined || this.#ended.code === 'STOPPED') this.#ownerState = 'alive';
    context.proofWatch.changed();
    if (books.progress.isIncomplete) context.reporter.report(keysError(context.space, areAdded));
    // The view changes first: a listener of `leading` reads the state with which this owner leads.
    this.#endStandby();
    ownership.send('claimed');
  }

  /** Brings the store to the ledger's head. */
  async #commitAll(): Promise<void> {
    const { context, committer } = this.#parts;
    const sent = committer.send('commit');
    if (typeof sent === 'string') throw headMoved(context.space, 'busy');
    const { outcome, head } = await sent;
    if (outcome === 'fenced') throw fencedError(context.space, head.ownerName, head.fence);
    if (outcome !== 'committed') throw headMoved(context.space, outcome);
  }

  /** Settles a turn in force, of this owner or of the last one. The replacement of the whole state ends it too. */
  async #settleTurn(signal?: AbortSignal): Promise<void> {
    const { context, books, committer } = this.#parts;
    while (books.progress.unsettled > 0 && !books.progress.isIncomplete) {
      const { outcome, head } = await committer.settleTurn();
      signal?.throwIfAborted();
      if (outcome === 'fenced') throw fencedError(context.space, head.ownerName, head.fence);
      if (outcome !== 'settled') throw headMoved(context.space, outcome);
    }
  }

  // ---- standing by ----

  /** While this owner stands by, it shows the mode, the errors and the head of the standby's follower. */
  #mirror({ follower }: Standby): void {
    const { connection, reporter, heads, waiters, proofWatch } = this.#parts.context;
    connection.mirror(follower);
    follower.on('mode', ({ mode, reason }) => mode !== 'stopped' && connection.enter(mode, reason));
    follower.on('error', ({ error }) => reporter.report(error));
    proofWatch.mirror(follower.proofWatch);
    follower.on('freshness', () => proofWatch.look());
    follower.on('ownerChanged', () => proofWatch.look());
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
    this.#parts.context.connection.mirror(undefined);
    this.#parts.context.proofWatch.mirror(undefined);
    this.#parts.context.heads.notify();
  }

  async #standByAgain(failure: unknown): Promise<void> {
    const { context, committer, ownership } = this.#parts;
    ownership.send('held');
    // That the owner lives after all, or that another came first, is no failure of a standby.
    if (failure instanceof OwnedElsewhereError || this.isOver) return;
    context.reporter.report(failure);
    // A lease of its own would keep it waiting, as a living owner's does.
    await committer.release().catch(() => {});
  }
}

function headMoved(space: string, outcome: string): TandemError {
  const what = `space "${space}" could not be committed to Redis: ${outcome}`;
  return new TandemError('HEAD_MOVED', what);
}
