/**
 * The owner actor: its memory is the truth, and Redis is brought to it.
 *
 * `set` writes into the ledger and returns. At the end of the turn one cut of all that Redis lacks goes out;
 * while it is under way changes gather, and the next cut carries the latest of each. Whatever goes wrong is
 * mended by one path, the catch-up.
 */
import type { Actor } from 'xstate';
import { createActor } from 'xstate';
import type { Mode } from '../machines/connection.ts';
import type { Ownership } from '../machines/ownership.ts';
import { ownershipMachine } from '../machines/ownership.ts';
import type { DeskEvent, DeskLogic, DeskScope, ErrorEvent, ModeEvent, Surroundings } from './desk.ts';
import { Desk, deskLogic } from './desk.ts';
import { asTandemError, OwnedElsewhereError, TandemError, timeoutError } from './errors.ts';
import type { Change } from './frame.ts';
import type { Captured } from './ledger.ts';
import { Feed } from './feed.ts';
import { Ledger } from './ledger.ts';
import { between, requireOneOf } from './options.ts';
import type { Position } from './position.ts';
import { compare, parsePosition, printPosition } from './position.ts';
import type { Proof } from './reading.ts';
import { Reading } from './reading.ts';
import type { Entry } from './revision-map.ts';
import type { Definition, InputOf, KeyOf, Space, ValueOf } from './space.ts';
import type { Link } from './store.ts';
import type { Inheritance } from './standby.ts';
import { Standby } from './standby.ts';
import { fencedError, Tenure } from './tenure.ts';
import type { Cancel } from './time.ts';
import { withDeadline } from './time.ts';

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
  readonly beaconMs?: number | undefined;
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

/** What ends an owner: the space is another's. */
const ENDING: ReadonlySet<string> = new Set(['FENCED', 'OWNED_ELSEWHERE']);

export class Owner<D extends Definition = Definition> extends Desk<D, OwnerEmitted> {
  override readonly isOwner = true;
  protected readonly links: readonly Link[];
  /** What the direct path reads. */
  readonly feed: Feed;
  readonly #beaconMs: number;
  readonly #ledger = new Ledger();
  readonly #tenure: Tenure;
  readonly #ownership: Actor<typeof ownershipMachine>;
  #led = false;
  #scheduled = false;
  /** The commit under way. It never rejects. */
  #underWay: Promise<void> | undefined;
  #cancelBeacon: Cancel | undefined;
  #ended: TandemError | undefined;
  #stopping: Promise<void> | undefined;
  #releasing = false;
  readonly #startStandby: () => Standby;
  /** While this owner waits for the space to be free. */
  #standby: Standby | undefined;
  readonly #abort = new AbortController();

  constructor(space: Space<D>, around: Surroundings, scope: DeskScope, options: OwnOptions = {}) {
    super(space, around, scope);
    const start = requireOneOf('start', options.start ?? 'resume', ['resume', 'reset']);
    const leaseMs = between('leaseMs', options.leaseMs ?? 3_000, 50, 3_600_000);
    this.#beaconMs = between('beaconMs', options.beaconMs ?? Math.min(250, leaseMs / 2), 10, leaseMs / 2);
    this.feed = new Feed(this.#ledger, around.time, { leaseMs, beaconMs: this.#beaconMs });
    this.links = [around.store.commands];
    const inheritance = (): Inheritance | undefined => this.#standby;
    this.#tenure = new Tenure(around, this.#ledger, { space: space.name, start, leaseMs, inheritance });
    this.#startStandby = () => new Standby(space, around, scope.self);
    this.#ownership = createActor(ownershipMachine, {
      parent: scope.self,
      id: 'ownership',
      input: { standby: options.standby ?? false },
    });
  }

  /** Whether this owner has the space, wants it, or has lost it. */
  get ownership(): Ownership {
    return this.#ownership.getSnapshot().value as Ownership;
  }

  override start(): void {
    super.start();
    this.#ownership.subscribe(({ value }) => this.emit({ type: 'ownership', ownership: value as Ownership }));
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
    while (this.ownership !== 'leading' && !signal.aborted) {
      await standby.untilFree(signal);
      // One that lives after all, or came first, is no failure of a standby's.
      await this.#claim(signal).catch((error: unknown) => this.#standByAgain(error));
    }
    this.#standby = undefined;
    standby.stop();
    if (!signal.aborted) super.connect();
  }

  #standByAgain(error: unknown): void {
    this.#ownership.send({ type: 'held' });
    if (!(error instanceof OwnedElsewhereError) && !this.#abort.signal.aborted) this.report(error);
  }

  // ---- state ----

  /**
   * Sets a key: in memory, at once. The value is captured; changing the object afterwards changes nothing.
   * @throws TandemError `UNKNOWN_KEY`, `FENCED`, `OWNED_ELSEWHERE` or `STOPPED`
   * @throws InvalidValueError `INVALID_VALUE`, `NOT_JSON` or `TOO_LARGE`. Nothing is set then.
   */
  set<K extends KeyOf<D>>(key: K, value: InputOf<D, K>): void {
    this.#requireWritable();
    this.#ledger.set(key, this.space.capture(key, value));
    this.#schedule();
  }

  /**
   * Deletes a key. Returns whether it held a value.
   * @throws TandemError `UNKNOWN_KEY`, `FENCED`, `OWNED_ELSEWHERE` or `STOPPED`
   */
  delete<K extends KeyOf<D>>(key: K): boolean {
    this.#requireWritable();
    this.space.requireSchema(key);
    const existed = this.#ledger.delete(key);
    this.#schedule();
    return existed;
  }

  /**
   * Runs a synchronous function whose changes go out in one frame: all of them, or, when it throws, none.
   * @throws TandemError `INVALID_BATCH` for a function that returns a promise; and what the function throws
   */
  batch<T>(run: () => T): T {
    this.#requireWritable();
    try {
      return this.#ledger.batch(run);
    } finally {
      this.#schedule();
    }
  }

  override get<K extends KeyOf<D>>(key: K): Reading<K, ValueOf<D, K>> {
    const entry = this.#ledger.get(key) ?? this.#standby?.entry(key);
    if (entry === undefined) this.space.requireSchema(key);
    return this.#reading(key, entry);
  }

  override *entries(prefix = ''): Iterable<Reading<KeyOf<D>, ValueOf<D, KeyOf<D>>>> {
    for (const entry of this.#standby?.entries() ?? this.#ledger.entries()) {
      if (entry.key.startsWith(prefix)) yield this.#reading(entry.key as KeyOf<D>, entry);
    }
  }

  #reading<K extends KeyOf<D>>(key: K, entry: Entry<Captured> | undefined): Reading<K, ValueOf<D, K>> {
    const captured = entry?.value;
    if (captured !== undefined && captured.value === undefined)
      captured.value = this.space.read(key, captured.json);
    return new Reading(key, entry, captured?.value, this.proof);
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
    const why = (): unknown => this.around.store.commands.error ?? this.lastError;
    return this.waiters.wait(
      () => this.#led && !this.#ended,
      `space "${this.space.name}" was not owned`,
      timeoutMs,
      why,
    );
  }

  /**
   * Resolves when everything set before is committed in Redis, with the position that was reached.
   * @param options timeoutMs default 1,000
   * @throws TandemError `TIMEOUT`, `FENCED`, `OWNED_ELSEWHERE` or `STOPPED`
   */
  async flush({ timeoutMs = 1_000 }: { timeoutMs?: number } = {}): Promise<string> {
    const what = `what was set in space "${this.space.name}" was not committed`;
    const why = (): unknown => this.around.store.commands.error ?? this.lastError;
    const started = this.around.time.now();
    // Revisions are final only once the space is owned.
    await this.waiters.wait(() => this.#led, what, timeoutMs, why);
    const { revision } = this.#ledger.head;
    const leftMs = Math.max(0, timeoutMs - (this.around.time.now() - started));
    await this.waiters.wait(() => this.#tenure.committed.revision >= revision, what, leftMs, why);
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
    const { time } = this.around;
    const deadline = time.now() + timeoutMs;
    // From now on nothing is set, so that what is flushed is everything.
    this.#ended = new TandemError('STOPPED', `the owner of space "${name}" is stopped`);
    try {
      if (this.#isDirty()) await this.flush({ timeoutMs });
      // A beacon after the goodbye would take the lease back.
      this.#releasing = true;
      this.#cancelBeacon?.();
      const late = (): Error => timeoutError(`the lease of space "${name}" was not given up`, timeoutMs);
      if (this.mode === 'connected')
        await withDeadline(time, Math.max(0, deadline - time.now()), this.#release(), late);
    } catch (error) {
      this.report(error);
    }
    this.#ownership.send({ type: 'released' });
    this.close();
  }

  async #release(): Promise<void> {
    await this.#underWay;
    await this.#tenure.release();
  }

  override close(): void {
    this.#ended ??= new TandemError('STOPPED', `the owner of space "${this.space.name}" is stopped`);
    this.#abort.abort();
    this.#standby?.stop();
    this.#cancelBeacon?.();
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
      this.#scheduleBeacon();
      this.#schedule();
    } else {
      this.#cancelBeacon?.();
    }
  }

  override receive(event: DeskEvent): void {
    const { type, key, value } = event as { type: string; key: KeyOf<D>; value: InputOf<D, KeyOf<D>> };
    if (type === 'set') this.set(key, value);
    else if (type === 'delete') this.delete(key);
    else if (type === 'stop') void this.stop();
  }

  /** Start, reconnect and repair are one path: claim where no claim stands, then bring the store to here. */
  protected override async catchUp(signal: AbortSignal): Promise<void> {
    try {
      if (!(await this.#tenure.holds())) await this.#claim(signal);
      signal.throwIfAborted();
      // Also when nothing changed: a commit proves that Redis takes writes.
      await this.#bring();
    } catch (error) {
      if (error instanceof TandemError && ENDING.has(error.code)) this.#lose(error);
      throw error;
    }
  }

  async #claim(signal: AbortSignal): Promise<void> {
    this.#ownership.send({ type: this.#standby ? 'free' : 'lost' });
    const isFirst = !this.#ledger.isLoaded;
    await this.#tenure.claim(signal);
    if (this.#tenure.isDamaged)
      this.report(new TandemError('DAMAGED', `Redis has lost keys of space "${this.space.name}"`));
    if (isFirst) this.#dropUnreadable();
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
    const { outcome, head } = await this.#tenure.commit();
    if (outcome === 'fenced') throw fencedError(this.space.name, head.ownerName, head.fence);
    if (outcome === 'committed') return;
    const what = `space "${this.space.name}" is ${outcome} in Redis`;
    throw new TandemError('DIVERGED', what, { retryable: true });
  }

  #isDirty(): boolean {
    return this.#ledger.head.revision > this.#tenure.committed.revision;
  }

  /** At the end of this turn, so that all of the turn's changes go out as one. */
  #schedule(): void {
    this.feed.changed();
    if (this.#scheduled || this.#underWay || this.mode !== 'connected' || !this.#isDirty()) return;
    this.#scheduled = true;
    this.around.time.endOfTurn(() => {
      this.#scheduled = false;
      this.#commit();
    });
  }

  #commit(): void {
    if (this.#underWay || this.#releasing || this.mode !== 'connected') return;
    this.#underWay = this.#commitNow().finally(() => {
      this.#underWay = undefined;
      this.waiters.check();
      this.#schedule();
    });
  }

  /** Whatever does not go well is for the machine to mend. */
  async #commitNow(): Promise<void> {
    try {
      const { outcome, head } = await this.#tenure.commit();
      if (outcome === 'fenced') this.#lose(fencedError(this.space.name, head.ownerName, head.fence));
      else if (outcome !== 'committed') this.tell({ type: 'gap', reason: `what Redis holds is ${outcome}` });
    } catch (error) {
      const failure = asTandemError(error, 'REDIS_UNAVAILABLE', 'the commit failed');
      if (this.around.store.commands.up) this.report(failure);
      // Unless the machine has moved on, and this was a call of the connection before.
      if (this.mode === 'connected') this.tell({ type: 'link.down', reason: failure.message });
    }
  }

  /** A beacon when nothing else has gone out for so long. It proves that nothing is waiting. */
  #scheduleBeacon(): void {
    const { time } = this.around;
    this.#cancelBeacon?.();
    const dueMs = this.#tenure.lastCutAt + this.#beaconMs - time.now();
    this.#cancelBeacon = time.after(Math.max(this.#beaconMs / 10, dueMs), () => {
      if (time.now() - this.#tenure.lastCutAt >= this.#beaconMs - 1) this.#commit();
      this.#scheduleBeacon();
    });
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
  around: Surroundings,
  options?: OwnOptions,
): DeskLogic<Owner<D>, OwnerEmitted> {
  return deskLogic<Owner<D>, OwnerEmitted>((scope) => new Owner(space, around, scope, options));
}
