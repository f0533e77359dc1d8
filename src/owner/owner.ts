/**
 * The owner actor: its memory is the truth, and Redis is brought to it.
 *
 * `set` writes into the ledger and returns. At the end of the turn one cut of all that Redis lacks goes out (`Dispatch`).
 * Whatever goes wrong is mended by one path, the catch-up.
 */
import type { Actor } from 'xstate';
import { createActor } from 'xstate';
import type { Mode } from '../state/mode.ts';
import type { Ownership } from '../state/mode.ts';
import { ownershipMachine } from '../../machines/ownership.ts';
import type {
  ParticipantEvent,
  ParticipantLogic,
  ParticipantScope,
  ErrorEvent,
  ModeEvent,
} from '../actor/participant.ts';
import { Participant, participantLogic } from '../actor/participant.ts';
import { Dispatch } from './commit-scheduler.ts';
import { asTandemError, OwnedElsewhereError, TandemError, timeoutError } from '../base/errors.ts';
import type { Change } from '../state/frame.ts';
import type { Captured } from '../state/ledger.ts';
import { Feed } from './feed.ts';
import { Ledger } from '../state/ledger.ts';
import { bytesOf } from '../state/frame.ts';
import { between, requireBoolean, requireFunction, requireObject, requireOneOf } from '../base/options.ts';
import type { Position } from '../state/position.ts';
import { compare, parsePosition, printPosition } from '../state/position.ts';
import type { Proof } from '../state/reading.ts';
import { Reading, readingOf } from '../state/reading.ts';
import type { Entry } from '../state/revision-map.ts';
import type { Definition, InputOf, KeyOf, Space, ValueOf } from '../state/space.ts';
import { Scrub } from './scrub.ts';
import type { Runtime } from '../ports/runtime.ts';
import type { Committed, Link } from '../ports/store.ts';
import type { Inheritance } from './standby.ts';
import { Standby } from './standby.ts';
import { fencedError, Tenure } from './tenure.ts';
import { backoffMs, pause, withDeadline } from '../base/time.ts';

export interface OwnOptions {
  /** `'resume'` goes on from what Redis has; `'reset'` empties it. Default `'resume'`. */
  readonly start?: 'resume' | 'reset' | undefined;
  /**
   * Follows until the space is free, then claims it and goes on from what it holds. Until then nothing can be set, and
   * `ready()` waits. Default false.
   */
  readonly standby?: boolean | undefined;
  /** For how long the space stays this owner's without a sign of life, ms. Default 3,000. */
  readonly leaseMs?: number | undefined;
  /** How often to give a sign of life when nothing changes, ms. Default 250. */
  readonly heartbeatMs?: number | undefined;
  /**
   * Followers are told of a small change at once, and Redis holds it 10 ms later: what they show may be ahead of Redis by so much. With
   * `false` they are told by the commit, and show nothing that Redis does not hold. Default true.
   */
  readonly announce?: boolean | undefined;
}

/** What an owner had not committed when it lost its space. */
export interface Uncommitted {
  readonly key: string;
  /** `undefined` is a delete. */
  readonly value: unknown;
  readonly position: string;
}

export type FencedEvent = {
  readonly type: 'fenced';
  /** Oldest change first. What was under way when the space was lost is among them. */
  readonly uncommitted: readonly Uncommitted[];
  readonly error: TandemError;
};
export type OwnershipChangedEvent = { readonly type: 'ownership'; readonly ownership: Ownership };
export type OwnerEmitted = ModeEvent | ErrorEvent | FencedEvent | OwnershipChangedEvent;

/** Of the time that a stop has, for what was set; the rest is for giving up the lease. */
const FLUSH_SHARE = 0.75;

/** What ends an owner: the space is another's. */
const ENDING: ReadonlySet<string> = new Set(['FENCED', 'OWNED_ELSEWHERE']);

export class Owner<D extends Definition = Definition> extends Participant<D, OwnerEmitted> {
  override readonly isOwner = true;
  protected readonly links: readonly Link[];
  /** What the direct path reads. */
  readonly feed: Feed;
  readonly #ledger = new Ledger();
  readonly #tenure: Tenure;
  readonly #scrub: Scrub;
  readonly #ownership: Actor<typeof ownershipMachine>;
  #led = false;
  readonly #dispatch: Dispatch;
  #ended: TandemError | undefined;
  #stopping: Promise<void> | undefined;
  #releasing = false;
  /** What kept it, for who waited in vain. */
  readonly #why = (): unknown => this.runtime.store.commands.error ?? this.lastError;
  /** The last claim that was asked for; settles, and never rejects. */
  #claiming: Promise<void> | undefined;
  readonly #startStandby: () => Standby;
  /** While this owner waits for the space to be free. */
  #standby: Standby | undefined;
  readonly #abort = new AbortController();

  constructor(space: Space<D>, runtime: Runtime, scope: ParticipantScope, options: OwnOptions = {}) {
    super(space, runtime, scope);
    requireObject('own', options);
    const start = requireOneOf('start', options.start ?? 'resume', ['resume', 'reset']);
    const leaseMs = between('leaseMs', options.leaseMs ?? 3_000, 50, 3_600_000);
    const heartbeatMs = between(
      'heartbeatMs',
      options.heartbeatMs ?? Math.min(250, leaseMs / 2),
      10,
      leaseMs / 2,
    );
    this.feed = new Feed(this.#ledger, runtime.time, {
      leaseMs,
      heartbeatMs,
      sent: (changes) => this.#toldSent(changes),
    });
    this.links = [runtime.store.commands];
    const inheritance = (): Inheritance | undefined => this.#standby;
    const announce = requireBoolean('announce', options.announce ?? true);
    this.#tenure = new Tenure(runtime, this.#ledger, {
      space: space.name,
      start,
      leaseMs,
      heartbeatMs,
      announce,
      inheritance,
    });
    this.#dispatch = new Dispatch(runtime.time, this.#ledger, this.#tenure, {
      space: space.name,
      heartbeatMs,
      isOpen: () => !this.#releasing && this.mode === 'connected',
      isAwaited: () => !this.waiters.isEmpty,
      isReadDirectly: () => this.feed.isRead,
      replied: (reply) => this.#replied(reply),
      failed: (error) => this.#failed(error),
      concluded: () => {
        this.waiters.check();
        this.#schedule();
      },
    });
    const keysLost = (): void => {
      this.#tenure.countNext();
      runtime.time.endOfTurn(() => this.#dispatch.commit());
    };
    const foreign = (): void => {
      this.report(
        new TandemError('CONTENT_MISMATCH', `space "${space.name}" holds in Redis what its owner never set`),
      );
      this.#tenure.suspect();
      this.#diverged('not what its owner set');
    };
    const found = (keys: readonly string[]): void => this.#putRight(keys);
    this.#scrub = new Scrub(runtime, this.#ledger, space.name, { found, keysLost, foreign });
    this.#startStandby = () => new Standby(space, runtime, scope.self, leaseMs);
    this.#ownership = createActor(ownershipMachine, {
      parent: scope.self,
      id: 'ownership',
      input: { standby: requireBoolean('standby', options.standby ?? false) },
    });
  }

  /** Whether this owner has the space, wants it, or has lost it. */
  get ownership(): Ownership {
    return this.#ownership.getSnapshot().value as Ownership;
  }

  override start(): void {
    super.start();
    this.#ownership.subscribe(({ value }) => {
      const ownership = value as Ownership;
      this.runtime.observers.tell('ownership', { space: this.space.name, ownership });
      this.emit({ type: 'ownership', ownership });
    });
    this.#ownership.start();
  }

  protected override connect(): void {
    if (this.ownership === 'standby') void this.#standBy();
    else super.connect();
  }

  /** Follows until the space is free and claimed, then goes on as any owner. Never rejects. */
  async #standBy(): Promise<void> {
    const { signal } = this.#abort;
    const standby = this.#startStandby();
    this.#standby = standby;
    standby.onMode(({ mode, reason }) => mode !== 'stopped' && this.enter(mode, reason));
    standby.follower.on('error', ({ error }) => this.report(error));
    standby.follower.watchHead(() => this.advanced());
    const { time } = this.runtime;
    for (let failures = 0; this.ownership !== 'leading' && !signal.aborted; failures += 1) {
      if (failures > 0) await pause(time, backoffMs(time, failures - 1), signal);
      await standby.untilFree(signal);
      if (signal.aborted) break;
      // One that lives after all, or came first, is no failure of a standby's.
      await this.#claim(signal).catch((error: unknown) => this.#standByAgain(error));
    }
    this.#endStandby();
    if (!signal.aborted) super.connect();
  }

  #endStandby(): void {
    if (this.#standby === undefined) return;
    this.#standby.stop();
    this.#standby = undefined;
    this.advanced();
  }

  async #standByAgain(failure: unknown): Promise<void> {
    this.#ownership.send({ type: 'held' });
    if (failure instanceof OwnedElsewhereError || this.#abort.signal.aborted) return;
    this.report(failure);
    // Its own lease would keep it waiting as a living owner's does.
    await this.#tenure.release().catch(() => {});
  }

  // ---- state ----

  /**
   * Sets a key: in memory, at once. The value is captured; changing the object afterwards changes nothing.
   * @throws TandemError `UNKNOWN_KEY`, `FENCED`, `OWNED_ELSEWHERE` or `STOPPED`
   * @throws InvalidValueError `INVALID_VALUE`, `NOT_JSON` or `TOO_LARGE`. Nothing is set then.
   */
  set<K extends KeyOf<D>>(key: K, value: InputOf<D, K>): void {
    this.#requireWritable();
    const json = this.space.capture(key, value);
    this.#stamp();
    this.#ledger.set(key, json);
    this.#schedule();
  }

  /**
   * Deletes a key. Returns whether it held a value.
   * @throws TandemError `UNKNOWN_KEY`, `FENCED`, `OWNED_ELSEWHERE` or `STOPPED`
   */
  delete<K extends KeyOf<D>>(key: K): boolean {
    this.#requireWritable();
    this.space.requireSchema(key);
    this.#stamp();
    const existed = this.#ledger.delete(key);
    this.#schedule();
    return existed;
  }

  /**
   * Runs a synchronous function whose changes go out in one frame: all of them, or, when it throws, none.
   * @throws TandemError `INVALID_BATCH` for a function that returns a promise; and what the function throws
   */
  batch<T>(run: () => T): T {
    requireFunction('batch', run);
    this.#requireWritable();
    this.#stamp();
    try {
      return this.#ledger.batch(run);
    } finally {
      this.#schedule();
    }
  }

  /** When, and in which span, what follows is set. */
  #stamp(): void {
    const { time, tracer } = this.runtime;
    this.#ledger.stamp(time.now(), tracer.current());
  }

  override get<K extends KeyOf<D>>(key: K): Reading<K, ValueOf<D, K>> {
    const entry = this.#ledger.get(key) ?? this.#standby?.entry(key);
    if (entry === undefined) this.space.requireSchema(key);
    return readingOf(key, entry, this.#read(key, entry), this.proof);
  }

  override *entries(prefix = ''): Iterable<Reading<KeyOf<D>, ValueOf<D, KeyOf<D>>>> {
    for (const entry of this.#standby?.entries() ?? this.#ledger.entries()) {
      if (entry.key.startsWith(prefix)) yield this.#reading(entry.key as KeyOf<D>, entry);
    }
  }

  override get size(): number {
    return this.#standby?.follower.size ?? this.#ledger.size;
  }

  override readingsSince(from: Position): Reading<KeyOf<D>, ValueOf<D, KeyOf<D>>>[] | undefined {
    if (this.#standby) {
      // A standby holds values as they travel; they are read as those of `entries` are.
      const standby = this.#standby;
      const changed = standby.follower.readingsSince(from);
      return changed?.map(({ key }) => this.#reading(key as KeyOf<D>, standby.entry(key)));
    }
    if (!this.#ledger.canContinue(from)) return undefined;
    return this.#ledger.entriesSince(from).map((entry) => this.#reading(entry.key as KeyOf<D>, entry));
  }

  override get correctedAt(): Position | undefined {
    return this.#standby?.follower.correctedAt;
  }

  override get state(): string {
    return this.#standby?.follower.state ?? super.state;
  }

  override get reason(): string {
    return this.#standby?.follower.reason ?? super.reason;
  }

  #reading<K extends KeyOf<D>>(key: K, entry: Entry<Captured> | undefined): Reading<K, ValueOf<D, K>> {
    return new Reading(key, entry, this.#read(key, entry), this.proof);
  }

  /** What the schema reads from what was set, once someone asks. */
  #read<K extends KeyOf<D>>(key: K, entry: Entry<Captured> | undefined): ValueOf<D, K> | undefined {
    const captured = entry?.value;
    if (captured === undefined) return undefined;
    if (captured.value === undefined) captured.value = this.space.read(key, captured.json);
    return captured.value;
  }

  /** An owner's memory is the truth, from when it first owns for as long as it does; a standby's is a follower's. */
  get proof(): Proof {
    return this.#standby?.follower.proof ?? this.#truth;
  }

  readonly #truth: Proof = {
    source: 'memory',
    staleMs: () => (this.#led && !this.#ended ? 0 : Infinity),
    freshness: () => (this.#led && !this.#ended ? 'live' : 'stale'),
    ownerAlive: () => this.#led && !this.#ended,
    leaseMs: () => (this.#ended ? 0 : this.#tenure.leaseMs),
  };

  protected get position(): Position {
    return this.#standby?.position ?? this.#ledger.head;
  }

  // ---- waiting ----

  /**
   * Resolves when this owner leads: the space is claimed, and Redis is where this process is.
   * @param options timeoutMs default 10,000
   * @throws OwnedElsewhereError `OWNED_ELSEWHERE` where a living owner renews the lease
   * @throws TandemError `TIMEOUT`, `FENCED` or `STOPPED`
   */
  ready({ timeoutMs = 10_000 }: { timeoutMs?: number } = {}): Promise<void> {
    return this.waiters.wait(
      () => this.#led && !this.#ended,
      `space "${this.space.name}" was not owned`,
      timeoutMs,
      this.#why,
    );
  }

  /**
   * Resolves when everything set before is committed in Redis, with the position that was reached.
   * @param options timeoutMs default 1,000
   * @throws TandemError `TIMEOUT`, `FENCED`, `OWNED_ELSEWHERE` or `STOPPED`
   */
  async flush({ timeoutMs = 1_000 }: { timeoutMs?: number } = {}): Promise<string> {
    const what = `what was set in space "${this.space.name}" was not committed`;
    const started = this.runtime.time.now();
    // Revisions are final only once the space is owned.
    await this.waiters.wait(() => this.#led, what, timeoutMs, this.#why);
    const { revision } = this.#ledger.head;
    const leftMs = Math.max(0, timeoutMs - (this.runtime.time.now() - started));
    this.#dispatch.hurry();
    await this.waiters.wait(() => this.#tenure.committed.revision >= revision, what, leftMs, this.#why);
    return printPosition(this.#tenure.committed);
  }

  override async waitFor(
    position: string,
    { timeoutMs = 1_000 }: { timeoutMs?: number } = {},
  ): Promise<void> {
    const awaited = parsePosition(position);
    if (this.#standby) return this.#standby.follower.waitFor(position, { timeoutMs });
    const isThere = (): boolean => compare(this.position, awaited) >= 0;
    await this.waiters.wait(isThere, `space "${this.space.name}" did not come to ${position}`, timeoutMs);
  }

  /**
   * Flushes, gives up the lease, says goodbye.
   * @param options timeoutMs for all of it; default 2,000
   */
  override stop({ timeoutMs = 2_000 }: { timeoutMs?: number } = {}): Promise<void> {
    this.#stopping ??= this.#stopNow(timeoutMs).finally(() => this.leave());
    return this.#stopping;
  }

  async #stopNow(timeoutMs: number): Promise<void> {
    if (this.#ended) return;
    const { name } = this.space;
    const { time } = this.runtime;
    const deadline = time.now() + timeoutMs;
    // From now on nothing is set, so that what is flushed is everything.
    this.#ended = new TandemError('STOPPED', `the owner of space "${name}" is stopped`);
    // A batch that this is called in is put in once it returns.
    await Promise.resolve();
    const isClean = (): boolean => !this.#tenure.isDirty && !(this.#led && this.mode === 'recovering');
    try {
      // Some of the time is left for the lease.
      const what = `what was set in space "${name}" was not committed`;
      await this.waiters.wait(isClean, what, timeoutMs * FLUSH_SHARE, this.#why);
    } catch (error) {
      this.report(error);
    }
    // Nothing is begun from now on: a heartbeat after the goodbye, or a claim, would take the lease back.
    this.#releasing = true;
    this.#dispatch.stop();
    this.#abort.abort();
    try {
      const late = (): Error => timeoutError(`the lease of space "${name}" was not given up`, timeoutMs);
      if (this.runtime.store.commands.up)
        await withDeadline(time, Math.max(0, deadline - time.now()), this.#release(), late);
    } catch (error) {
      this.report(error);
    }
    this.#ownership.send({ type: 'released' });
    this.close();
  }

  /** A claim that is on its way may be granted yet. */
  async #release(): Promise<void> {
    await Promise.all([this.#dispatch.settled(), this.#claiming]);
    await this.#tenure.release();
  }

  override close(): void {
    this.#ended ??= new TandemError('STOPPED', `the owner of space "${this.space.name}" is stopped`);
    this.#abort.abort();
    this.#standby?.stop();
    this.#dispatch.stop();
    this.feed.end();
    super.close();
  }

  // ---- the machine's work ----

  protected override entered(mode: Mode): void {
    // A standby's mode is that of a follower.
    if (this.#standby) return;
    if (mode === 'connected') {
      this.#led = true;
      this.waiters.check();
      this.#dispatch.start();
      this.#scrub.start();
      this.#schedule();
    } else {
      this.#dispatch.stop();
      this.#scrub.stop();
      this.waiters.check();
    }
  }

  override receive(event: ParticipantEvent): void {
    const { type, key, value } = event as { type: string; key: KeyOf<D>; value: InputOf<D, KeyOf<D>> };
    if (type === 'set') this.set(key, value);
    else if (type === 'delete') this.delete(key);
    else if (type === 'stop') void this.stop();
  }

  /** Start, reconnect and repair are one path: claim where no claim stands, then bring the store to here. */
  protected override async catchUp(machine: AbortSignal): Promise<void> {
    const signal = AbortSignal.any([machine, this.#abort.signal]);
    try {
      signal.throwIfAborted();
      // Each of them has a deadline; and where they were refused, the head is asked for behind them.
      await this.#dispatch.settled();
      if (!(await this.#tenure.holds())) await this.#claim(signal);
      signal.throwIfAborted();
      // Also when nothing changed: a commit proves that Redis takes writes.
      await this.#bring();
    } catch (error) {
      if (error instanceof TandemError && ENDING.has(error.code)) this.#lose(error);
      // What the stop has called off is no failure: the end is on its way.
      if (this.#abort.signal.aborted) await new Promise<never>(() => {});
      throw error;
    }
  }

  async #claim(signal: AbortSignal): Promise<void> {
    this.#ownership.send({ type: this.#standby ? 'free' : 'lost' });
    const isFirst = !this.#ledger.isLoaded;
    const claimed = this.#tenure.claim(signal);
    this.#claiming = claimed.catch(() => {});
    await claimed;
    if (this.#tenure.hasLostKeys)
      this.report(new TandemError('KEYS_LOST', `Redis has lost keys of space "${this.space.name}"`));
    if (isFirst) this.#dropUnreadable();
    // Who hears that this owner leads finds the state that it leads with.
    this.#endStandby();
    this.#ownership.send({ type: 'claimed' });
  }

  /** What this owner's schemas refuse is not part of the state that it owns. Each is reported, then deleted. */
  #dropUnreadable(): void {
    for (const { key, value } of this.#ledger.entries()) {
      if (value === undefined) continue;
      try {
        value.value = this.space.read(key, value.json);
      } catch (error) {
        this.report(error);
        this.#ledger.delete(key);
      }
    }
  }

  // ---- the way to Redis ----

  async #bring(): Promise<void> {
    const bringing = this.#tenure.commit()!;
    this.#dispatch.add(bringing);
    const { outcome, head } = await bringing;
    if (outcome === 'fenced') throw fencedError(this.space.name, head.ownerName, head.fence);
    if (outcome === 'committed') return;
    const what = `space "${this.space.name}" is ${outcome} in Redis`;
    throw new TandemError('HEAD_MOVED', what, { retryable: true });
  }

  /** Someone else has written what this owner owns: it is said again, to Redis and to followers that have read it. */
  #putRight(keys: readonly string[]): void {
    if (this.#ended) return;
    const some = keys.slice(0, 10).join(', ');
    const what = `${keys.length} keys of space "${this.space.name}" were changed in Redis by someone else: ${some}`;
    this.report(new TandemError('CONTENT_MISMATCH', what));
    this.#ledger.restate(keys);
    this.#schedule();
  }

  /** Something was set: whoever reads here is told, and it goes out. */
  #schedule(): void {
    this.feed.changed();
    this.advanced();
    this.#dispatch.schedule();
  }

  #replied(reply: Committed): void {
    const { outcome, head } = reply;
    if (outcome === 'committed') return;
    if (outcome === 'fenced') this.#lose(fencedError(this.space.name, head.ownerName, head.fence));
    else this.#diverged(outcome);
  }

  /** Whatever does not go well is for the machine to mend. */
  #failed(error: unknown): void {
    const failure = asTandemError(error, 'REDIS_UNAVAILABLE', 'the commit failed');
    if (this.runtime.store.commands.up) this.report(failure);
    // Unless the machine has moved on, and this was a call of the connection before.
    if (this.mode === 'connected') this.tell({ type: 'link.down', reason: failure.message });
  }

  #diverged(outcome: string): void {
    const reason = `what Redis holds is ${outcome}`;
    this.runtime.observers.tell('gap', { space: this.space.name, role: 'owner', reason });
    this.tell({ type: 'gap', reason });
  }

  #toldSent(changes: readonly Change[]): void {
    const { observers } = this.runtime;
    if (observers.isEmpty) return;
    const size = { keys: changes.length, bytes: bytesOf(changes), conflated: 0 };
    observers.tell('sent', { space: this.space.name, path: 'direct', ...size });
  }

  // ---- the end ----

  #requireWritable(): void {
    if (this.#ended) throw this.#ended;
    if (!this.#standby) return;
    throw new TandemError(
      'STANDBY',
      `space "${this.space.name}" is another's; await ready() before setting it`,
      { retryable: true },
    );
  }

  /** The space is another's. Says what could not be committed, and stops for good. */
  #lose(error: TandemError): TandemError {
    if (this.#ended?.code === error.code) return error;
    this.#ended = error;
    this.waiters.refuse(error);
    this.#ownership.send({ type: 'fenced' });
    const uncommitted = this.#tenure.uncommitted().map((change) => this.#asUncommitted(change));
    const { code } = error;
    this.runtime.observers.tell('fenced', { space: this.space.name, code, uncommitted: uncommitted.length });
    this.emit({ type: 'fenced', uncommitted, error });
    this.close();
    return error;
  }

  #asUncommitted({ key, revision, json }: Change): Uncommitted {
    const { epoch } = this.#ledger.get(key) ?? this.#ledger.line;
    return {
      key,
      value: json === '' ? undefined : JSON.parse(json),
      position: printPosition({ epoch, revision }),
    };
  }
}

/** An owner as actor logic, to be invoked or spawned in a machine of the user's. */
export function ownerLogic<D extends Definition>(
  space: Space<D>,
  runtime: Runtime,
  options?: OwnOptions,
): ParticipantLogic<'owner', Owner<D>, OwnerEmitted> {
  return participantLogic<'owner', Owner<D>, OwnerEmitted>(
    'owner',
    (scope) => new Owner(space, runtime, scope, options),
  );
}
