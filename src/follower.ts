/**
 * The follower actor: keeps a copy of a space current, and says how current it is.
 *
 * It subscribes first, keeps what arrives aside, then asks what changed since its position, applies that, takes
 * in what was kept, and is live: never the other way round. Published frames are the fast path, the keys are
 * the truth: what does not fit, or cannot be read, is answered by asking again. While Redis is out, the owner's
 * own process may be asked instead.
 */
import type { Mode } from '../machines/connection.ts';
import type { Batch } from './catch-up.ts';
import { readSince } from './catch-up.ts';
import type { DeskEvent, DeskLogic, DeskScope, ErrorEvent, ModeEvent, Surroundings } from './desk.ts';
import { Desk, deskLogic } from './desk.ts';
import { differing } from './differing.ts';
import { asTandemError, TandemError } from './errors.ts';
import { Evidence } from './evidence.ts';
import type { Frame } from './frame.ts';
import { decodeFrame } from './frame.ts';
import type { AnyReading, Taken } from './intake.ts';
import { Intake } from './intake.ts';
import { between, requireOneOf } from './options.ts';
import type { DirectOptions, Path, PathListener } from './path.ts';
import type { Position } from './position.ts';
import { compare, parsePosition, printPosition, ZERO } from './position.ts';
import type { Proof, Reading, Source } from './reading.ts';
import type { Definition, KeyOf, PatternOf, Space, ValueOf } from './space.ts';
import type { Link } from './store.ts';
import type { Cancel } from './time.ts';

export interface FollowOptions {
  /** The owner's own process, for when Redis is out. Default: none. */
  readonly direct?: DirectOptions | undefined;
  /** The staleness bound: without a proof for longer than this a reading is `stale`, ms. Default 750. */
  readonly silenceMs?: number | undefined;
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

/** What a watch is called with: a key of its own, or any of a family. */
type Watched<D extends Definition, P extends string> = P extends `${string}*`
  ? AnyReading<D>
  : P extends KeyOf<D>
    ? Reading<P, ValueOf<D, P>>
    : never;

/** Frames kept aside during a catch-up, and their length. Beyond it they are dropped, and a gap is found. */
const MAX_ASIDE = 1_000;
const MAX_ASIDE_LENGTH = 8 * 1024 * 1024;
/** More than clocks differ by, and more claims than one could miss. */
const MAX_AHEAD_MS = 86_400_000;
const MAX_CLAIMS = 1_000_000;
/** How much later than an answer a frame may come that was published before. */
const GRACE_MS = 100;

export class Follower<D extends Definition = Definition> extends Desk<D, FollowerEmitted> {
  override readonly isOwner = false;
  protected readonly links: readonly Link[];
  readonly #silenceMs: number;
  readonly #evidence: Evidence;
  readonly #intake: Intake<D>;
  readonly #deliver = (message: string): void => this.#arrived(message);
  readonly #direct: Path | undefined;
  readonly #isAlwaysDirect: boolean;
  #isDirectUp = false;
  /** What arrives while the keys are read; `undefined` at other times. */
  #aside: Frame[] | undefined;
  #asideLength = 0;
  /** Server's time of the last cut that was published, or read. */
  #lastCutAt = 0;
  /** The epoch whose frames have last ended a degraded mode. */
  #wokenBy = 0;
  #synced = false;
  /** Memory was found to differ from Redis: the next catch-up starts from nothing. */
  #isSuspect = false;
  #stopped = false;
  #cancelWatch: Cancel | undefined;

  constructor(space: Space<D>, around: Surroundings, scope: DeskScope, options: FollowOptions = {}) {
    super(space, around, scope);
    const { direct, silenceMs = 750 } = options;
    this.#silenceMs = between('silenceMs', silenceMs, 10, 3_600_000);
    this.#isAlwaysDirect =
      requireOneOf('direct.mode', direct?.mode ?? 'fallback', ['fallback', 'always']) === 'always';
    this.#direct = direct && around.path(space.name, direct, this.#silenceMs);
    this.links = [around.store.commands, around.store.subscriber];
    this.#evidence = new Evidence(around.time, this.#silenceMs);
    const report = (error: unknown): void => this.report(error);
    this.#intake = new Intake({ space, evidence: this.#evidence, time: around.time, report });
  }

  get proof(): Proof {
    return this.#intake.proof;
  }

  override get<K extends KeyOf<D>>(key: K): Reading<K, ValueOf<D, K>> {
    const entry = this.#intake.replica.get(key);
    if (entry === undefined) this.space.requireSchema(key);
    return this.#intake.reading(key, entry);
  }

  override *entries(prefix = ''): Iterable<AnyReading<D>> {
    for (const entry of this.#intake.replica.entries()) {
      if (entry.key.startsWith(prefix)) yield this.#intake.reading(entry.key as KeyOf<D>, entry);
    }
  }

  /**
   * Calls back with the reading of each key that changed, once a frame, after the whole frame is in. The
   * value is `undefined` for a key that was deleted. What the callback throws is reported as an `error` event.
   * @param pattern a key, a family as it was defined (`'strategy/*'`), or `'*'`. Returns the way to stop.
   * @throws TandemError `UNKNOWN_KEY`
   */
  watch<P extends PatternOf<D>>(pattern: P, callback: (reading: Watched<D, P>) => unknown): () => void {
    this.space.requirePattern(pattern);
    const guarded = this.guarded(`watch('${pattern}')`, callback as (reading: unknown) => unknown);
    return this.#intake.watchers.add(pattern, guarded);
  }

  /**
   * Resolves when this follower has caught up with Redis, or with its owner directly, for the first time; also
   * with a space that is empty.
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
    const isThere = (): boolean => compare(this.position, awaited) >= 0;
    await this.waiters.wait(isThere, `space "${this.space.name}" did not come to ${position}`, timeoutMs);
  }

  /**
   * Reads everything again from Redis, and tells how many keys differed from memory. Where any did, memory is
   * replaced by what Redis has, and an `error` event with code `DIFFERED` says so.
   * @throws TandemError `REDIS_UNAVAILABLE`, `REDIS_NOT_READY`, `BEHIND`, `DAMAGED`, `TIMEOUT` or `STOPPED`
   */
  async refresh(): Promise<Refreshed> {
    const { name } = this.space;
    if (this.#stopped) throw new TandemError('STOPPED', `the follower of space "${name}" is stopped`);
    const batch = await this.#read(ZERO);
    // What was read may be ahead of memory by frames that are on their way, or behind by some that have come.
    await this.waitFor(printPosition(batch.head)).catch(() => {});
    const keys = differing(this.space, this.#intake, batch);
    if (keys.length > 0) {
      const some = keys.slice(0, 10).join(', ');
      this.report(
        new TandemError('DIFFERED', `${keys.length} keys of space "${name}" differed from Redis: ${some}`),
      );
      this.#isSuspect = true;
      this.tell({ type: 'gap', reason: 'memory differed from Redis' });
      await this.waiters.wait(() => !this.#isSuspect, `space "${name}" was not read again`, 1_000);
    }
    return { head: this.head, differed: keys.length };
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
    this.#direct?.close();
    this.around.store.unsubscribe(this.space.name, this.#deliver).catch(() => {});
    super.close();
    this.leave();
  }

  protected get position(): Position {
    return this.#intake.replica.position;
  }

  // ---- the machine's work ----

  override start(): void {
    super.start();
    if (this.#isAlwaysDirect) this.#direct?.open(this.#directListener);
  }

  protected override entered(mode: Mode): void {
    this.#cancelWatch?.();
    if (mode === 'degraded') this.#direct?.open(this.#directListener);
    if (mode === 'connected' && !this.#isAlwaysDirect) this.#closeDirect();
    this.#evidence.comesFrom(this.#source(mode));
    if (mode !== 'connected') return;
    this.#haveSynced();
    this.#watchSilence();
  }

  override receive(event: DeskEvent): void {
    if (event.type === 'refresh') this.refresh().catch((error: unknown) => this.report(error));
    else if (event.type === 'stop') this.close();
  }

  protected override async catchUp(signal: AbortSignal): Promise<void> {
    this.#aside ??= [];
    await this.around.store.subscribe(this.space.name, this.#deliver);
    await this.#sync(signal);
  }

  /** Brings this copy to what the keys say, then takes in what has arrived meanwhile; and again, until it is live. */
  async #sync(signal?: AbortSignal): Promise<void> {
    do {
      this.#aside ??= [];
      const batch = await this.#read(this.#isSuspect ? ZERO : this.position);
      signal?.throwIfAborted();
      if (this.#stopped) return;
      this.#isSuspect = false;
      const changed = this.#intake.apply(batch, this.around.clock);
      this.#lastCutAt = batch.head.cutAt;
      if (changed !== undefined) this.emit({ type: 'sync', head: this.head, changed });
      this.waiters.check();
    } while (!this.#takeAside());
  }

  /** False when a frame that was kept aside cannot be read: the keys have to be asked again. */
  #takeAside(): boolean {
    for (let frame = this.#aside?.[0]; frame !== undefined; frame = this.#aside?.[0]) {
      const taken = this.#take(frame);
      if (taken === 'gap')
        throw new TandemError('DIVERGED', 'frames were missing after the catch-up', { retryable: true });
      if (taken === 'unreadable') return false;
      this.#aside?.shift();
    }
    this.#aside = undefined;
    this.#asideLength = 0;
    return true;
  }

  /** @throws TandemError `BEHIND` or `DAMAGED` where Redis has lost what was seen here; its owner will mend it. */
  async #read(from: Position): Promise<Batch> {
    // Directly from its owner this copy may have what Redis is about to get; then only a lower epoch says much.
    const { epoch, revision } = this.#intake.replica.mark;
    const mark = { epoch, revision: this.#isDirectUp ? 0 : revision };
    const { name } = this.space;
    const batch = await readSince(this.around.store, name, from, { seen: mark.epoch });
    const { head } = batch;
    if (compare(head, mark) < 0) {
      const where = `Redis is at ${printPosition(head)}, before what was seen here: ${printPosition(mark)}`;
      throw new TandemError('BEHIND', where, { retryable: true });
    }
    if (head.damaged)
      throw new TandemError('DAMAGED', `Redis has lost keys of space "${name}"`, { retryable: true });
    return batch;
  }

  #haveSynced(): void {
    this.#synced = true;
    this.waiters.check();
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
    if (!this.#isCredible(frame)) {
      return this.report(
        new TandemError('INVALID_FRAME', `a frame of epoch ${frame.epoch}, far in the future`),
      );
    }
    if (this.#aside !== undefined) return this.#keepAside(frame, message.length);
    const taken = this.#take(frame);
    const { prev, epoch } = frame;
    if (taken === 'gap')
      this.tell({ type: 'gap', reason: `a frame from ${epoch}-${prev} does not follow ${this.head}` });
    // A frame is taken whole or not at all; the keys say what it is worth. No mode changes for that.
    if (taken === 'unreadable')
      this.#sync().catch(() => this.tell({ type: 'gap', reason: 'the keys could not be asked' }));
  }

  /**
   * An epoch is a time of the server's, or one more than another. One far ahead of both would make this follower deaf
   * to all that is true.
   */
  #isCredible({ epoch }: Frame): boolean {
    return epoch <= this.around.clock.latest() + MAX_AHEAD_MS || epoch <= this.position.epoch + MAX_CLAIMS;
  }

  #keepAside(frame: Frame, length: number): void {
    this.#asideLength += length;
    if (this.#aside!.length < MAX_ASIDE && this.#asideLength < MAX_ASIDE_LENGTH) this.#aside!.push(frame);
    // A new epoch while degraded: the owner has mended what kept the catch-up from succeeding.
    if (this.mode !== 'degraded' || frame.epoch === this.#wokenBy || frame.epoch <= this.position.epoch)
      return;
    this.#wokenBy = frame.epoch;
    this.tell({ type: 'link.up' });
  }

  #take(frame: Frame): Taken {
    const taken = this.#intake.take(frame, this.around.clock);
    if (taken === 'taken' && !frame.bye) this.#lastCutAt = frame.cutAt;
    this.waiters.check();
    return taken;
  }

  // ---- the direct path ----

  protected override get isDirectLive(): boolean {
    return this.#isDirectUp;
  }

  readonly #directListener: PathListener = {
    position: () => this.position,
    replace: (frame) => {
      if (!this.#intake.replace(frame, this.#direct!.clock)) return false;
      this.emit({ type: 'sync', head: this.head, changed: frame.changes.length });
      this.waiters.check();
      return true;
    },
    take: (frame) => {
      if (frame.epoch < this.#intake.replica.mark.epoch) return false;
      const taken = this.#intake.take(frame, this.#direct!.clock, true);
      this.waiters.check();
      return taken === 'taken';
    },
    up: () => {
      this.#isDirectUp = true;
      this.#haveSynced();
      this.#evidence.comesFrom(this.#source(this.mode));
      this.tell({ type: 'direct.up' });
    },
    down: (error) => {
      if (this.#isDirectUp || this.lastError?.message !== error.message) this.report(error);
      this.#isDirectUp = false;
      this.#evidence.comesFrom(this.#source(this.mode));
      this.tell({ type: 'direct.down' });
    },
  };

  #closeDirect(): void {
    this.#direct?.close();
    this.#isDirectUp = false;
  }

  #source(mode: Mode): Source {
    if (this.#isDirectUp) return 'direct';
    return mode === 'connected' ? 'redis' : 'memory';
  }

  // ---- silence ----

  /** The subscription may have died without a word: on silence, ask over the other connection. */
  #watchSilence(): void {
    this.#cancelWatch?.();
    const dueMs = this.#silenceMs - Math.min(this.#silenceMs * 0.9, this.#evidence.silentMs);
    this.#cancelWatch = this.around.time.after(dueMs, () => {
      const isSilent = this.#evidence.silentMs >= this.#silenceMs;
      const asked = isSilent ? this.#askHead() : Promise.resolve();
      asked
        .catch((error: unknown) => {
          const { message } = asTandemError(error, 'REDIS_UNAVAILABLE', 'the head could not be asked for');
          this.tell({ type: 'link.down', reason: message });
        })
        .finally(() => {
          if (this.mode === 'connected') this.#watchSilence();
        });
    });
  }

  async #askHead(): Promise<void> {
    const { store, clock, time } = this.around;
    const { mark } = this.#intake.replica;
    const askedAt = time.now();
    const { head } = await store.since(this.space.name, this.position, 0, { seen: mark.epoch });
    const hasNews = printPosition(head) !== this.head || head.cutAt !== this.#lastCutAt;
    // What was published may still be on its way: the answer came over the other connection.
    if (hasNews) await new Promise<void>((resolve) => void time.after(GRACE_MS, resolve));
    if (this.mode !== 'connected' || this.#evidence.silentMs < time.now() - askedAt) return;
    if (hasNews) this.tell({ type: 'gap', reason: `silent, while Redis is at ${printPosition(head)}` });
    // The owner itself is silent. Its lease says whether it may still be alive.
    else this.#evidence.lease(head.leaseMs, head.now, clock);
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
