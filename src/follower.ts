/**
 * The follower actor: keeps a copy of a space current, and says how current it is.
 *
 * It subscribes first, keeps what arrives aside, then asks what changed since its position, applies that, takes
 * in what was kept, and is live: never the other way round. Published frames are the fast path, the keys are
 * the truth: what does not fit, or cannot be read, is answered by asking again.
 */
import type { Mode } from '../machines/connection.ts';
import type { Batch } from './catch-up.ts';
import { readSince } from './catch-up.ts';
import type { DeskEvent, DeskLogic, DeskScope, ErrorEvent, ModeEvent, Surroundings } from './desk.ts';
import { Desk, deskLogic } from './desk.ts';
import { asTandemError, TandemError } from './errors.ts';
import { Evidence } from './evidence.ts';
import type { Change, Frame } from './frame.ts';
import { decodeFrame } from './frame.ts';
import { between } from './options.ts';
import type { Position } from './position.ts';
import { compare, parsePosition, printPosition, ZERO } from './position.ts';
import type { Proof } from './reading.ts';
import { Reading } from './reading.ts';
import type { ReadChange } from './replica.ts';
import { Replica } from './replica.ts';
import type { Entry } from './revision-map.ts';
import type { Definition, KeyOf, PatternOf, Space, ValueOf } from './space.ts';
import type { Link } from './store.ts';
import type { Cancel } from './time.ts';
import { Watchers } from './watchers.ts';

export interface FollowOptions {
  /** The staleness bound: without a proof for longer than this a reading is `stale`, ms. Default 750. */
  readonly silenceMs?: number;
}

/** The whole state was read anew: what was missed between is not told one by one. */
export type SyncEvent = { readonly type: 'sync'; readonly head: string; readonly changed: number };
export type FollowerEmitted = ModeEvent | ErrorEvent | SyncEvent;

/** What `refresh` found. */
export interface Refreshed {
  readonly head: string;
  /** How many keys differed from what this process had: 0, or something is wrong. */
  readonly differed: number;
}

/** Frames kept aside during a catch-up. Beyond it they are dropped, and the gap is found at the end. */
const MAX_ASIDE = 1_000;

export class Follower<D extends Definition = Definition> extends Desk<D, FollowerEmitted> {
  override readonly isOwner = false;
  protected readonly links: readonly Link[];
  readonly #silenceMs: number;
  readonly #replica = new Replica();
  readonly #watchers = new Watchers<Reading<KeyOf<D>, ValueOf<D, KeyOf<D>>>>();
  /** Keys whose last value could not be read: what is known of them is old. */
  readonly #refused = new Set<string>();
  readonly #deliver = (message: string): void => this.#arrived(message);
  /** What arrives during a catch-up; `undefined` while live. */
  #aside: Frame[] | undefined;
  readonly #evidence: Evidence;
  /** Server's time of the newest cut that was heard of. */
  #lastCutAt = 0;
  #synced = false;
  /** Memory was found to differ from Redis: the next catch-up starts from nothing. */
  #isSuspect = false;
  #stopped = false;
  #cancelWatch: Cancel | undefined;

  constructor(space: Space<D>, around: Surroundings, scope: DeskScope, options: FollowOptions = {}) {
    super(space, around, scope);
    this.#silenceMs = between('silenceMs', options.silenceMs ?? 750, 10, 3_600_000);
    this.links = [around.store.commands, around.store.subscriber];
    this.#evidence = new Evidence(around.time, this.#silenceMs);
  }

  get proof(): Proof {
    return this.#evidence.proof;
  }

  override get<K extends KeyOf<D>>(key: K): Reading<K, ValueOf<D, K>> {
    const entry = this.#replica.get(key);
    if (entry === undefined) this.space.requireSchema(key);
    return this.#reading(key, entry);
  }

  override *entries(prefix = ''): Iterable<Reading<KeyOf<D>, ValueOf<D, KeyOf<D>>>> {
    for (const entry of this.#replica.entries()) {
      if (entry.key.startsWith(prefix)) yield this.#reading(entry.key as KeyOf<D>, entry);
    }
  }

  /**
   * Calls back with the reading of each key that changed, once a frame, after the whole frame is in. The
   * value is `undefined` for a key that was deleted. What the callback throws is reported as an `error` event.
   * @param pattern a key, a family as it was defined (`'strategy/*'`), or `'*'`. Returns the way to stop.
   * @throws TandemError `UNKNOWN_KEY`
   */
  watch<P extends PatternOf<D>>(
    pattern: P,
    callback: (
      reading: P extends KeyOf<D> ? Reading<P, ValueOf<D, P>> : Reading<KeyOf<D>, ValueOf<D, KeyOf<D>>>,
    ) => unknown,
  ): () => void {
    this.space.requirePattern(pattern);
    return this.#watchers.add(
      pattern,
      this.guarded(`watch('${pattern}')`, callback as (reading: unknown) => unknown),
    );
  }

  /**
   * Resolves when this follower has caught up with Redis for the first time, also with a space that is empty.
   * @param options timeoutMs default 10,000
   * @throws TandemError `TIMEOUT` or `STOPPED`
   */
  ready({ timeoutMs = 10_000 }: { timeoutMs?: number } = {}): Promise<void> {
    const why = (): unknown => this.links.find(({ error }) => error)?.error ?? this.lastError;
    return this.waiters.wait(() => this.#synced, `space "${this.space.name}" was not read`, timeoutMs, why);
  }

  override async waitFor(
    position: string,
    { timeoutMs = 1_000 }: { timeoutMs?: number } = {},
  ): Promise<void> {
    const awaited = parsePosition(position);
    const isThere = (): boolean => compare(this.#replica.position, awaited) >= 0;
    await this.waiters.wait(isThere, `space "${this.space.name}" did not come to ${position}`, timeoutMs);
  }

  /**
   * Reads everything again from Redis, and tells how many keys differed from memory. A difference is taken
   * over and reported as an `error` event with code `DIFFERED`.
   * @throws TandemError `REDIS_UNAVAILABLE`, `REDIS_NOT_READY`, `BEHIND`, `DAMAGED` or `STOPPED`
   */
  async refresh(): Promise<Refreshed> {
    if (this.#stopped)
      throw new TandemError('STOPPED', `the follower of space "${this.space.name}" is stopped`);
    const batch = await this.#read(ZERO);
    // What was read may be ahead of memory by frames that are on their way, or behind by some that have come.
    await this.waitFor(printPosition(batch.head)).catch(() => {});
    const differing = this.#differing(batch);
    if (differing.length > 0) await this.#startOver(differing);
    return { head: this.head, differed: differing.length };
  }

  /** Memory cannot be trusted any more: reads all again, as if for the first time. */
  async #startOver(differing: readonly string[]): Promise<void> {
    const { name } = this.space;
    const keys = differing.slice(0, 10).join(', ');
    this.report(
      new TandemError('DIFFERED', `${differing.length} keys of space "${name}" differed from Redis: ${keys}`),
    );
    this.#isSuspect = true;
    this.tell({ type: 'gap', reason: 'memory differed from Redis' });
    await this.waiters.wait(() => !this.#isSuspect, `space "${name}" was not read again`, 1_000);
  }

  /** Stops following; what was known can still be read, as stale. */
  override async stop(): Promise<void> {
    this.close();
    await Promise.resolve();
  }

  override close(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#cancelWatch?.();
    this.around.store.unsubscribe(this.space.name, this.#deliver).catch(() => {});
    super.close();
  }

  protected get position(): Position {
    return this.#replica.position;
  }

  // ---- the machine's work ----

  protected override entered(mode: Mode): void {
    this.#cancelWatch?.();
    this.#evidence.comesFrom(mode === 'connected' ? 'redis' : 'memory');
    if (mode !== 'connected') return;
    this.#synced = true;
    this.waiters.check();
    this.#watchSilence();
  }

  override receive(event: DeskEvent): void {
    if (event.type === 'refresh') this.refresh().catch((error: unknown) => this.report(error));
    else if (event.type === 'stop') this.close();
  }

  protected override async catchUp(signal: AbortSignal): Promise<void> {
    this.#aside ??= [];
    await this.around.store.subscribe(this.space.name, this.#deliver);
    const batch = await this.#read(this.#isSuspect ? ZERO : this.#replica.position);
    signal.throwIfAborted();
    this.#isSuspect = false;
    this.#apply(batch);
    const aside = this.#aside;
    this.#aside = undefined;
    for (const frame of aside) {
      if (!this.#take(frame))
        throw new TandemError('INVALID_FRAME', 'frames were missing after the catch-up', { retryable: true });
    }
  }

  /** @throws TandemError `BEHIND` or `DAMAGED` where Redis has lost what was seen here; its owner will mend it. */
  async #read(from: Position): Promise<Batch> {
    const { mark } = this.#replica;
    const { name } = this.space;
    const batch = await readSince(this.around.store, name, from);
    const { head } = batch;
    if (compare(head, mark) < 0) {
      const where = `Redis is at ${printPosition(head)}, before what was seen here: ${printPosition(mark)}`;
      throw new TandemError('BEHIND', where, { retryable: true });
    }
    if (head.damaged)
      throw new TandemError('DAMAGED', `Redis has lost keys of space "${name}"`, { retryable: true });
    return batch;
  }

  #apply({ head, isFull, changes }: Batch): void {
    if (isFull) this.#refused.clear();
    const read = this.#readAll(changes);
    const changed = isFull ? this.#replica.replace(head, read) : this.#replica.advance(head, read);
    this.#heard(head.cutAt, head.leaseMs);
    if (isFull) this.emit({ type: 'sync', head: this.head, changed: changed.length });
    this.#tellAll(changed);
  }

  /** Values that can be read. A key whose value cannot be read keeps the last one that could, as stale. */
  #readAll(changes: readonly Change[]): ReadChange[] {
    const read: ReadChange[] = [];
    for (const { key, revision, json } of changes) {
      try {
        read.push({ key, revision, value: json === '' ? undefined : this.space.read(key, json) });
        this.#refused.delete(key);
      } catch (error) {
        this.#refused.add(key);
        this.report(error);
      }
    }
    return read;
  }

  // ---- frames ----

  #arrived(message: string): void {
    if (this.#stopped) return;
    let frame: Frame;
    try {
      frame = decodeFrame(message);
    } catch (error) {
      this.report(asTandemError(error, 'INVALID_FRAME', 'a frame that cannot be used'));
      this.tell({ type: 'gap', reason: 'a frame that cannot be used' });
      return;
    }
    if (this.#aside === undefined) {
      if (!this.#take(frame))
        this.tell({
          type: 'gap',
          reason: `a frame from ${frame.epoch}-${frame.prev} does not follow ${this.head}`,
        });
      return;
    }
    if (this.#aside.length < MAX_ASIDE) this.#aside.push(frame);
    // Degraded though frames come: whatever kept the catch-up from succeeding may be over.
    if (this.mode === 'degraded') this.tell({ type: 'link.up' });
  }

  /** Takes in a frame; false when it does not follow from what is here. */
  #take(frame: Frame): boolean {
    const verdict = this.#replica.judge(frame);
    if (verdict === 'gap') return false;
    if (verdict === 'fenced') return true;
    if (verdict === 'next') {
      const refusedBefore = this.#refused.size;
      const read = this.#readAll(frame.changes);
      // Read from the keys, one refused value harms one key; taken from a frame, it would be a frame in part.
      if (this.#refused.size > refusedBefore || read.length < frame.changes.length) return false;
      this.#tellAll(this.#replica.advance(frame, read));
    }
    if (frame.revision === this.#replica.position.revision)
      this.#heard(frame.cutAt, frame.bye ? 0 : frame.leaseMs);
    return true;
  }

  /** The owner has shown that the state here is current as of `cutAt`, and holds its lease for `leaseMs`. */
  #heard(cutAt: number, leaseMs: number): void {
    this.#lastCutAt = Math.max(this.#lastCutAt, cutAt);
    this.#evidence.prove(cutAt, this.around.clock);
    this.#evidence.lease(leaseMs);
    this.waiters.check();
  }

  #tellAll(changed: readonly ReadChange[]): void {
    if (this.#watchers.isEmpty) return;
    for (const { key } of changed) {
      this.#watchers.tell(key, () => this.#reading(key as KeyOf<D>, this.#replica.get(key)));
    }
  }

  // ---- silence ----

  /** The subscription may have died without a word: on silence, ask over the other connection. */
  #watchSilence(): void {
    const { time } = this.around;
    this.#cancelWatch?.();
    this.#cancelWatch = time.after(this.#silenceMs, () => {
      const isSilent = this.#evidence.silentMs >= this.#silenceMs;
      const asked = isSilent ? this.#askHead() : Promise.resolve();
      asked
        .catch((error: unknown) =>
          this.tell({
            type: 'link.down',
            reason: asTandemError(error, 'REDIS_UNAVAILABLE', 'no head').message,
          }),
        )
        .finally(() => {
          if (this.mode === 'connected') this.#watchSilence();
        });
    });
  }

  async #askHead(): Promise<void> {
    const { head } = await this.around.store.since(this.space.name, this.#replica.position, 0);
    if (this.mode !== 'connected') return;
    if (compare(head, this.#replica.position) !== 0)
      return this.tell({ type: 'gap', reason: `silent, while Redis is at ${printPosition(head)}` });
    if (head.cutAt > this.#lastCutAt)
      return this.tell({ type: 'gap', reason: 'silent, while the owner gives signs' });
    // The owner itself is silent. Its lease says whether it may still be alive.
    this.#evidence.lease(head.leaseMs);
  }

  // ---- readings ----

  #reading<K extends KeyOf<D>>(key: K, entry: Entry<unknown> | undefined): Reading<K, ValueOf<D, K>> {
    const refused = this.#refused.size > 0 && this.#refused.has(key);
    return new Reading(key, entry, entry?.value, this.proof, refused);
  }

  /** Keys that are otherwise in memory than in what was read, as far as both speak of the same revisions. */
  #differing({ head, changes }: Batch): string[] {
    const read = new Map(changes.filter(({ json }) => json !== '').map((change) => [change.key, change]));
    const differing: string[] = [];
    for (const { key, revision, value } of this.#replica.entries()) {
      const change = read.get(key);
      const isSame = change !== undefined && (change.revision !== revision || this.#isRead(change, value));
      if (revision <= head.revision && (!isSame || change.revision !== revision)) differing.push(key);
    }
    for (const { key, revision } of read.values()) {
      const entry = this.#replica.get(key);
      if (entry?.value === undefined && (entry?.revision ?? 0) < revision && !this.#refused.has(key))
        differing.push(key);
    }
    return differing;
  }

  #isRead({ key, json }: Change, value: unknown): boolean {
    try {
      return JSON.stringify(this.space.read(key, json)) === JSON.stringify(value);
    } catch {
      return false;
    }
  }
}

/** A follower as actor logic, to be invoked or spawned in a machine of the user's. */
export function followerLogic<D extends Definition>(
  space: Space<D>,
  around: Surroundings,
  options?: FollowOptions,
): DeskLogic<Follower<D>, FollowerEmitted> {
  return deskLogic<Follower<D>, FollowerEmitted>((scope) => new Follower(space, around, scope, options));
}
