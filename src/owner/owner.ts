/**
 * The owner: its memory is the truth, and Redis is brought to it.
 *
 * Where to read on. `set` writes into the ledger and returns. At the end of the turn the `CommitScheduler`
 * lets the `Committer` send what the `Cadence` decides. `Leadership` claims the space and mends whatever
 * goes wrong. `Feed` serves the readers of the direct path. `Scrub` finds keys that others have changed in
 * Redis, and `Repair` puts them right.
 */
import type { ConnectionWork } from '../actor/connection-driver.ts';
import type { ErrorEvent, FreshnessEvent, ModeEvent, OwnerChangedEvent } from '../actor/events.ts';
import type { ParticipantEvent, ParticipantLogic, ParticipantScope } from '../actor/logic.ts';
import { participantLogic } from '../actor/logic.ts';
import type { OwnershipChangedEvent } from '../actor/ownership-driver.ts';
import { TandemError } from '../base/errors.ts';
import { OwnershipDriver } from '../actor/ownership-driver.ts';
import type { Stopped } from '../actor/stopped.ts';
import { Participant } from '../actor/participant.ts';
import type { OwnerIdentity } from '../actor/proof-watch.ts';
import { between, requireBoolean, requireFunction, requireObject, requireOneOf } from '../base/options.ts';
import { inRoot } from '../base/root.ts';
import { randomId } from '../base/time.ts';
import type { Runtime } from '../ports/runtime.ts';
import type { HistoryBounds, Link } from '../ports/store.ts';
import type { Captured } from '../state/captured.ts';
import { Ledger } from '../state/ledger.ts';
import type { Mode, Ownership } from '../state/mode.ts';
import type { Position } from '../state/position.ts';
import { printPosition } from '../state/position.ts';
import type { AnyReading, ReadingOf } from '../state/any-reading.ts';
import type { Frozen } from '../state/frozen.ts';
import type { OwnerState, Proof } from '../state/reading.ts';
import { readingOf, Row } from '../state/reading.ts';
import type { Entry } from '../state/entry.ts';
import type { Definition, InputOf, KeyOf, ValueOf } from '../state/definition.ts';
import type { Space } from '../state/space.ts';
import type { Books } from './books.ts';
import { Cadence } from './cadence.ts';
import { Claimant } from './claimant.ts';
import { CommitScheduler } from './commit-scheduler.ts';
import { Committer } from './committer.ts';
import type { FencedEvent } from './events.ts';
import { Feed } from '../actor/feed.ts';
import { LedgerSource } from './ledger-source.ts';
import type { Led } from './leadership.ts';
import { Leadership } from './leadership.ts';
import { KeyTelling } from './key-telling.ts';
import { Lease } from './lease.ts';
import { CommitMeter } from './commit-meter.ts';
import { enterProcess, leaveProcess } from './own-process.ts';
import { Progress } from './progress.ts';
import { Pulse } from './pulse.ts';
import { Repair } from './repair.ts';
import { Scrub } from './scrub.ts';
import { shutDown, stoppedError } from './shut-down.ts';
import { Standby } from './standby.ts';
import type { StateView } from './state-view.ts';
import { LedgerView } from './state-view.ts';

/** Options of `own`. */
export interface OwnOptions {
  /** `'resume'` goes on from the state that Redis has; `'reset'` begins with nothing. Default `'resume'`. */
  readonly start?: 'resume' | 'reset' | undefined;
  /**
   * Whether to follow the space until it is free, and only then to claim it and go on from its state. Until
   * then nothing can be set, and `ready()` waits. Default false.
   */
  readonly standby?: boolean | undefined;
  /**
   * Whether to claim the space also while another owner of it lives. That one is fenced, and its `fenced` event
   * lists what it had not committed. A later claim of this owner takes nothing over. Not for a standby. Default
   * false.
   */
  readonly takeOver?: boolean | undefined;
  /**
   * The time for which the space stays this owner's without a sign of life, ms. 50 to 3,600,000; default
   * 3,000.
   */
  readonly leaseMs?: number | undefined;
  /**
   * The longest time between two signs of life, ms. 10 to `leaseMs` / 2; default 250, or `leaseMs` / 2 if
   * less.
   */
  readonly heartbeatMs?: number | undefined;
  /**
   * Whether to publish a small change at once and commit it 10 ms later: followers may be ahead of Redis by
   * this time. With `false` the commit publishes it, and followers through Redis show only what Redis
   * holds. Default true.
   */
  readonly announce?: boolean | undefined;
  /**
   * Keeps in Redis what was set before, for `history`: a stream beside the keys. Default: nothing is kept. A
   * commit takes Redis a third longer then, and a large one twice as long.
   */
  readonly history?: HistoryOptions | undefined;
}

/** How much history is kept. Both bounds are rough: Redis trims whole blocks of some 100 changes. */
export interface HistoryOptions {
  /** The greatest number of changes. 1 to 10,000,000; default 10,000. */
  readonly maxChanges?: number | undefined;
  /** The greatest age of a change, ms. 1,000 to 315,360,000,000 (ten years); default 604,800,000 (a week). */
  readonly maxAgeMs?: number | undefined;
}

/**
 * What `update` is given: it makes the next value of a key of the present one. It is conditional on the key, so that
 * the type of the key's value is known where a function is given.
 */
export type Update<D extends Definition, K extends string> = K extends string
  ? (value: ValueOf<D, K> | undefined) => Frozen<InputOf<D, K>>
  : never;

/** The events of an owner: `on` takes their types. */
export type OwnerEmitted =
  ModeEvent | ErrorEvent | FreshnessEvent | OwnerChangedEvent | FencedEvent | OwnershipChangedEvent;

/**
 * An owner of a space: its memory holds the state that all others follow. While it is a standby, it shows the
 * state of the present owner instead.
 */
export class Owner<D extends Definition = Definition>
  extends Participant<D, OwnerEmitted>
  implements ConnectionWork, Led
{
  /** @internal */
  readonly links: readonly Link[];
  /** @internal */
  readonly isDirectLive = false;
  /**
   * The frames for readers of the direct path.
   * @internal
   */
  readonly feed: Feed;
  readonly #books: Books;
  readonly #ownership: OwnershipDriver;
  readonly #leadership: Leadership;
  readonly #scheduler: CommitScheduler;
  readonly #scrub: Scrub;
  readonly #pulse: Pulse;
  readonly #telling: KeyTelling<AnyReading<D>>;
  readonly #ledgerView: StateView;
  /** What readings are made of: a standby's state, until the space is claimed. */
  #view: StateView;
  #stopping: Promise<Stopped> | undefined;

  constructor(space: Space<D>, runtime: Runtime, scope: ParticipantScope, options: OwnOptions = {}) {
    const { start, isStandby, takesOver, leaseMs, heartbeatMs, announce, history } = checked(options);
    super('owner', space, runtime, scope, leaseMs);
    const { context } = this;
    const { time, observers } = runtime;
    const books = {
      ledger: new Ledger(),
      progress: new Progress(),
      lease: new Lease(idOf(runtime), leaseMs),
    };
    const { ledger } = books;
    const meter = new CommitMeter(space.name, runtime, ledger);
    if (announce) runtime.store.prepareToAnnounce?.();
    const cadence = new Cadence(books, { heartbeatMs, announce });
    const committer = new Committer(context, books, cadence, meter, { heartbeatMs, history });
    this.#books = books;
    const identity = { name: runtime.name };
    this.#telling = new KeyTelling(context, ledger, (key) => this.readable(key));
    this.#ledgerView = this.#view = new LedgerView(ledger, runtime.clock, this.#ledgerProof, identity);
    this.#ownership = new OwnershipDriver(space.name, observers, scope, context.reporter, isStandby);
    this.#leadership = new Leadership(
      {
        context,
        books,
        committer,
        claimant: new Claimant(space, {
          context,
          books,
          cadence,
          ownership: this.#ownership,
          start,
          takesOver,
        }),
        ownership: this.#ownership,
        startStandby: () => new Standby(space, runtime, scope.self, leaseMs),
      },
      this,
    );
    const source = new LedgerSource(books, runtime, heartbeatMs);
    this.feed = new Feed(source, runtime, { heartbeatMs, meter });
    const leadership = this.#leadership;
    this.#scheduler = new CommitScheduler(
      context,
      { books, cadence, committer, leadership, feed: this.feed },
      heartbeatMs,
    );
    const repair = new Repair(context, { books, cadence, scheduler: this.#scheduler, leadership });
    this.#scrub = new Scrub(runtime, ledger, space.name, repair);
    this.#pulse = new Pulse(time, books.lease, () => {
      cadence.verifyNext();
      this.#scheduler.commit();
    });
    this.links = [runtime.store.commands];
    context.connection.employ(this);
  }

  /** This owner's right to its space: `standby`, `claiming`, `leading`, `fenced` or `released`. */
  get ownership(): Ownership {
    return this.#ownership.ownership;
  }

  // ---- setting ----

  /**
   * Sets a key in memory, at once. The value is captured: changing the object afterwards changes nothing.
   * @throws TandemError `UNKNOWN_KEY`, `FENCED`, `OWNED_ELSEWHERE`, `STANDBY` or `STOPPED`
   * @throws InvalidValueError `INVALID_VALUE`, `NOT_JSON` or `TOO_LARGE`; nothing is set then
   */
  set<K extends KeyOf<D>>(key: K, value: Frozen<InputOf<D, K>>): void {
    this.#leadership.requireWritable();
    const json = this.space.capture(key, value);
    this.#stamp();
    this.#books.ledger.set(key, json);
    this.#scheduler.changed();
  }

  /**
   * Deletes a key in memory, at once.
   * @returns whether the key held a value
   * @throws TandemError `UNKNOWN_KEY`, `FENCED`, `OWNED_ELSEWHERE`, `STANDBY` or `STOPPED`
   */
  delete<K extends KeyOf<D>>(key: K): boolean {
    this.#leadership.requireWritable();
    this.space.requireSchema(key);
    this.#stamp();
    const existed = this.#books.ledger.delete(key);
    this.#scheduler.changed();
    return existed;
  }

  /**
   * Runs a synchronous function. Its changes go out in one frame: all of them, or none when it throws.
   * @returns the result of the function
   * @throws TandemError `INVALID_OPTION` for what is no function, `INVALID_BATCH` for a function that
   *   returns a promise, `FENCED`, `OWNED_ELSEWHERE`, `STANDBY` or `STOPPED`; and what the function throws
   */
  batch<T>(run: () => T): T {
    requireFunction('batch', run);
    this.#leadership.requireWritable();
    this.#stamp();
    try {
      return this.#books.ledger.batch(run);
    } finally {
      this.#scheduler.changed();
    }
  }

  /**
   * Sets a key to what a function makes of its value, in one step: reads, computes and sets. What the function
   * sets besides goes out in the same frame. When it throws, nothing is changed.
   * @param next gets the value as readings have it, `undefined` where the key holds none. It returns what `set`
   *   takes; `undefined` is refused, as by `set`: `delete` is the way to remove a key
   * @throws TandemError `INVALID_OPTION`, `INVALID_BATCH` for a function that returns a promise, and as `set`
   * @throws InvalidValueError as `set`
   */
  update<K extends KeyOf<D>>(key: K, next: Update<D, K>): void {
    requireFunction('update', next);
    this.batch(() => {
      const value = next(this.get(key).value);
      // A batch refuses a promise, and drops its rejection.
      if (value instanceof Promise) return value as unknown;
      return this.set(key, value);
    });
  }

  /** Notes the time and the span of the next changes. */
  #stamp(): void {
    const { time, tracer } = this.context.runtime;
    this.#books.ledger.stamp(time.now(), tracer.current());
  }

  // ---- readings ----

  /**
   * The reading of a key. The value is `undefined` for a key that holds nothing.
   * @throws TandemError `UNKNOWN_KEY`
   * @throws InvalidValueError on a standby, for a value that this process's schema refuses
   */
  override get<K extends KeyOf<D>>(key: K): ReadingOf<D, K> {
    const view = this.#view;
    const entry = view.entry(key);
    if (entry === undefined) this.space.requireSchema(key);
    return readingOf(key, entry, this.#read(key, entry), view.timeOf, view.proof) as ReadingOf<D, K>;
  }

  protected override addWatcher(
    pattern: string,
    callback: (reading: AnyReading<D> | undefined) => void,
  ): () => void {
    return this.#telling.add(pattern, callback);
  }

  /** @internal */
  override *rows(prefix = ''): Iterable<Row<KeyOf<D>, ValueOf<D, KeyOf<D>>>> {
    for (const entry of this.#view.entries()) {
      const row = entry.key.startsWith(prefix) ? this.#row(entry) : undefined;
      if (row !== undefined) yield row;
    }
  }

  /** @internal */
  override rowsSince(from: Position): Row<KeyOf<D>, ValueOf<D, KeyOf<D>>>[] | undefined {
    const entries = this.#view.entriesSince(from);
    return entries?.map((entry) => this.#row(entry)).filter((row) => row !== undefined);
  }

  /** @internal */
  override canContinue(from: Position): boolean {
    return this.#view.canContinue(from);
  }

  /** @internal */
  override *snapshotRows(from?: Position): Generator<Row | undefined, void, void> {
    for (const entry of this.#view.snapshot(from)) yield entry && this.#row(entry);
  }

  /** @internal */
  get ownerIdentity(): OwnerIdentity | 'asked' | undefined {
    return this.#view.ownerIdentity;
  }

  get size(): number {
    return this.#view.size;
  }

  /** @internal */
  get proof(): Proof {
    return this.#view.proof;
  }

  /** @internal */
  get correctedAt(): Position | undefined {
    return this.#view.correctedAt;
  }

  protected override timeOf(revision: number): number | undefined {
    return this.#view.timeOf(revision);
  }

  protected get position(): Position {
    return this.#view.position;
  }

  /**
   * The newest revision here, and the newest that Redis is known to hold.
   * @internal
   */
  get confirmation(): { readonly head: number; readonly confirmed: number } {
    const { ledger, progress } = this.#books;
    return { head: ledger.head.revision, confirmed: progress.confirmed(ledger.line) };
  }

  protected get obstacles(): readonly string[] {
    const { ledger, progress } = this.#books;
    const isBehind = this.#leadership.hasLed && progress.lacks(ledger.head);
    return [
      this.#leadership.obstacle,
      isBehind
        ? `Redis has confirmed ${printPosition(progress.committed)} of ${printPosition(ledger.head)}`
        : '',
    ];
  }

  /**
   * The row of an entry; `undefined` where an owner of another version of the application has set the entry.
   * Its key is one that this space does not define, or, on a standby, its value is one that the schema
   * refuses.
   */
  #row(entry: Entry<Captured>): Row<KeyOf<D>, ValueOf<D, KeyOf<D>>> | undefined {
    const key = entry.key as KeyOf<D>;
    if (this.space.schemaOf(key) === undefined) return undefined;
    try {
      return new Row(key, entry, this.#read(key, entry), this.#view.timeOf, this.proof);
    } catch {
      return undefined;
    }
  }

  /** The value that the schema reads from the text, as `readValue` returns it. The first reading makes it. */
  #read(key: string, entry: Entry<Captured> | undefined): unknown {
    const captured = entry?.value;
    if (captured === undefined) return undefined;
    if (captured.value === undefined)
      captured.value = this.space.read(key, captured.withheld ?? captured.json);
    return captured.value;
  }

  /**
   * An owner's memory is the truth from the first time it leads until it ends. Once its process was stopped
   * past its lease, or its machine slept, the truth may be another's, until the store confirms the claim.
   */
  readonly #ledgerProof: Proof = {
    source: 'memory',
    staleMs: () => {
      if (this.#isTrusted) return 0;
      const { runtime } = this.context;
      return this.#leadership.isLeading ? runtime.time.now() - this.#books.lease.renewedAt : Infinity;
    },
    freshness: () => (this.#isTrusted ? 'live' : 'stale'),
    ownerAlive: () => this.#owner() === 'alive',
    owner: () => this.#owner(),
    // Its end has no moment that is known before: the watch looks every lease.
    staleFrom: () => this.#books.lease.doubtedFrom,
    lostFrom: () => this.#books.lease.doubtedFrom,
    leaseMs: () => (this.#leadership.ended ? 0 : this.#books.lease.leftMs(this.#run())),
  };

  /** Who stops still has the space, until the lease is given up. */
  #owner(): OwnerState {
    this.#run();
    const { ownerState } = this.#leadership;
    return ownerState === 'alive' && this.#books.lease.isInDoubt ? 'lost' : ownerState;
  }

  get #isTrusted(): boolean {
    this.#run();
    return this.#leadership.isLeading && !this.#books.lease.isInDoubt;
  }

  /** This owner runs now: notices a stop or a sleep before this moment. Returns the time, on `Time`, ms. */
  #run(): number {
    const { time } = this.context.runtime;
    const now = time.now();
    this.#books.lease.runs(now, time.wokeAt);
    return now;
  }

  // ---- waiting ----

  /**
   * Resolves once this owner leads: the space is claimed, and Redis is where this process is.
   * @param options.timeoutMs ms; default 10,000
   * @throws OwnedElsewhereError `OWNED_ELSEWHERE` where a living owner renews the lease; a standby waits
   *   instead
   * @throws TandemError `INVALID_OPTION`, `TIMEOUT`, `FENCED` or `STOPPED`
   */
  ready({ timeoutMs = 10_000 }: { timeoutMs?: number } = {}): Promise<void> {
    const what = `space "${this.space.name}" was not owned`;
    return this.context.waiters.wait(() => this.#leadership.isLeading, what, timeoutMs);
  }

  /**
   * Resolves once everything that was set before is committed in Redis.
   * @param options.timeoutMs ms; default 1,000
   * @returns the position up to which Redis has committed, `epoch-revision`
   * @throws TandemError `INVALID_OPTION`, `TIMEOUT`, `FENCED`, `OWNED_ELSEWHERE` or `STOPPED`; `TOO_LARGE`
   *   where all is committed but a value that Redis can never take
   */
  async flush({ timeoutMs = 1_000 }: { timeoutMs?: number } = {}): Promise<string> {
    const { waiters, runtime } = this.context;
    const { ledger, progress } = this.#books;
    const what = `what was set in space "${this.space.name}" was not committed`;
    const startedAt = runtime.time.now();
    // Revisions are final only once the space is owned.
    await waiters.wait(() => this.#leadership.hasLed, what, timeoutMs);
    const { revision } = ledger.head;
    const leftMs = Math.max(0, timeoutMs - (runtime.time.now() - startedAt));
    this.#scheduler.hurry();
    await waiters.wait(() => progress.committed.revision >= revision, what, leftMs);
    const [withheld] = ledger.withheld;
    if (withheld !== undefined)
      throw new TandemError('TOO_LARGE', `${what}: the value of "${withheld}" is too large for Redis`);
    return printPosition(progress.committed);
  }

  // ---- beginning and end ----

  /** @internal */
  override start(): void {
    super.start();
    enterProcess(this.#books.lease.id);
    this.#ownership.start();
    if (this.ownership === 'standby') void this.#leadership.standBy();
    else this.context.connection.start();
  }

  /**
   * Commits what was set, gives up the lease, says goodbye to followers, and stops for good. It always
   * resolves in time. Whatever fails on the way becomes an `error` event.
   * @param options.timeoutMs ms, for all of it; default 2,000
   * @returns the changes that Redis never confirmed, as the `fenced` event has them; the same with each call
   */
  override stop({ timeoutMs = 2_000 }: { timeoutMs?: number } = {}): Promise<Stopped> {
    const { context } = this;
    const parts = {
      books: this.#books,
      scheduler: this.#scheduler,
      leadership: this.#leadership,
      ownership: this.#ownership,
    };
    this.#stopping ??= inRoot(() =>
      shutDown(context, parts, this, timeoutMs).finally(() => context.runtime.registry.leave(this)),
    );
    return this.#stopping;
  }

  /**
   * Ends everything that runs in this owner, at once. A lease that was not given up runs out. Idempotent.
   * @internal
   */
  close(): void {
    const { space, waiters, connection, proofWatch, ended } = this.context;
    leaveProcess(this.#books.lease.id);
    this.#leadership.end(stoppedError(space));
    this.#leadership.over(false);
    this.#leadership.abort();
    this.#leadership.stopStandby();
    this.#scheduler.stop();
    this.#pulse.end();
    this.feed.end();
    waiters.refuse(stoppedError(space));
    this.#telling.stop();
    ended.abort(stoppedError(space));
    // Before the mode is `stopped`: with that the actor is done, and emits nothing more.
    proofWatch.look();
    proofWatch.stop();
    connection.stop();
  }

  /**
   * Handles the events `set`, `delete` and `stop`.
   * @internal
   */
  override receive(event: ParticipantEvent): void {
    const { type, key, value } = event as {
      type: string;
      key: KeyOf<D>;
      value: Frozen<InputOf<D, KeyOf<D>>>;
    };
    if (type === 'set') this.set(key, value);
    else if (type === 'delete') this.delete(key);
    else if (type === 'stop') void this.stop();
  }

  // ---- what leadership and connection call ----

  /** @internal */
  show(standby: Standby | undefined): void {
    // One that stops without ever leading goes on to show what it has followed.
    if (standby !== undefined || this.#books.ledger.isLoaded) this.#view = standby ?? this.#ledgerView;
    this.#telling.show(standby);
  }

  /** @internal */
  catchUp(machine: AbortSignal): Promise<void> {
    return this.#leadership.hold(machine);
  }

  /** @internal */
  entered(mode: Mode): void {
    // A standby's mode is that of its follower: nothing here starts or stops with it.
    if (this.#leadership.isStandby) return;
    if (mode === 'connected') {
      this.#leadership.led();
      this.#telling.led();
      this.context.waiters.check();
      this.#pulse.stop();
      this.#scheduler.start();
      this.#scrub.start();
    } else {
      if (!this.#leadership.isOver) this.#pulse.start();
      this.#scheduler.stop();
      this.#scrub.stop();
      this.context.waiters.check();
    }
  }
}

/** @throws TandemError `INVALID_OPTION` */
function checked(options: OwnOptions) {
  requireObject('own', options);
  const leaseMs = between('leaseMs', options.leaseMs ?? 3_000, 50, 3_600_000);
  const heartbeatMs = options.heartbeatMs ?? Math.min(250, leaseMs / 2);
  const isStandby = requireBoolean('standby', options.standby ?? false);
  const takesOver = requireBoolean('takeOver', options.takeOver ?? false);
  if (isStandby && takesOver) {
    const why = 'takeOver, standby: expected one of them, got both: a standby waits until the space is free';
    throw new TandemError('INVALID_OPTION', why);
  }
  return {
    start: requireOneOf('start', options.start ?? 'resume', ['resume', 'reset']),
    isStandby,
    takesOver,
    leaseMs,
    heartbeatMs: between('heartbeatMs', heartbeatMs, 10, leaseMs / 2),
    announce: requireBoolean('announce', options.announce ?? true),
    history: checkedHistory(options.history),
  };
}

const MAX_HISTORY = 10_000_000;
const MAX_AGE_MS = 315_360_000_000;

/** @throws TandemError `INVALID_OPTION` */
function checkedHistory(options: HistoryOptions | undefined): HistoryBounds | undefined {
  if (options === undefined) return undefined;
  requireObject('history', options);
  const maxChanges = between('history.maxChanges', options.maxChanges ?? 10_000, 1, MAX_HISTORY);
  const maxAgeMs = between('history.maxAgeMs', options.maxAgeMs ?? 604_800_000, 1_000, MAX_AGE_MS);
  return { maxChanges: Math.ceil(maxChanges), maxAgeMs };
}

/** The id of an owner in the store. A blank ends the id in the lease's key, so the name must not have one. */
function idOf({ name, time }: Runtime): string {
  return `${name.replaceAll(' ', '_')}/${randomId(time)}`;
}

/** The logic of an owner's actor, to invoke or spawn in a machine of the user's. */
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
