/**
 * The follower actor: keeps a copy of a space current, and says how current it is.
 *
 * It subscribes first, keeps what arrives aside, then asks what changed since its position, applies that, takes
 * in what was kept, and is live: never the other way round. Published frames are the fast path, the keys are
 * the truth: what does not fit, or cannot be read, is answered by asking again. While Redis is out, the owner's
 * own process may be asked instead.
 */
import type { Mode } from '../state/mode.ts';
import type { Batch } from './catch-up.ts';
import { readSince } from './catch-up.ts';
import type {
  ParticipantEvent,
  ParticipantLogic,
  ParticipantScope,
  ErrorEvent,
  ModeEvent,
} from '../actor/participant.ts';
import { Participant, participantLogic } from '../actor/participant.ts';
import { differing } from './differing.ts';
import { asTandemError, TandemError } from '../base/errors.ts';
import { FreshnessTracker } from './freshness.ts';
import type { Change, Frame } from '../state/frame.ts';
import { decodeFence, decodeFrame } from '../state/frame.ts';
import type { AnyReading, Arrival, Taken } from './applier.ts';
import { Applier } from './applier.ts';
import { latencyOf } from './latency.ts';
import { bytesOf } from '../state/frame.ts';
import type { Rejected } from '../ports/observer.ts';
import type { Runtime } from '../ports/runtime.ts';
import { between, requireFunction, requireObject, requireOneOf } from '../base/options.ts';
import type { DirectOptions, Path, PathListener } from '../ports/path.ts';
import type { Position } from '../state/position.ts';
import { compare, continues, isSame, parsePosition, printPosition, ZERO } from '../state/position.ts';
import type { Proof, Reading, Source } from '../state/reading.ts';
import type { Definition, KeyOf, PatternOf, Space, ValueOf } from '../state/space.ts';
import { Watchdog } from './watchdog.ts';
import type { Head, Link } from '../ports/store.ts';
import type { Cancel } from '../base/time.ts';
import { pause } from '../base/time.ts';

export interface FollowOptions {
  /** The owner's own process, for when Redis is out. Default: none. */
  readonly direct?: DirectOptions | undefined;
  /** The staleness bound: without a proof for longer than this a reading is `stale`, ms. Default 750. */
  readonly maxStaleMs?: number | undefined;
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
/** In a row: whole states may be put in place of one another faster than they can be read. */
const MAX_TRIES = 10;
/** More than clocks differ by, and more claims than one could miss. */
const MAX_AHEAD_MS = 86_400_000;
const MAX_CLAIMS = 1_000_000;
/** What is announced is committed within a few ms: a catch-up that finds frames missing asks again after 1, 2, 3 ms and so on. */
const RETRY_MS = 1;
/** By then what had been announced when this follower came is in the keys. */
const LOOK_AGAIN_MS = 20;
/** The cut of a commit may be so much later than that of what was announced, ms, and say nothing new: less than heartbeats are apart. */
const COMMIT_LAG_MS = 100;
/** How much later than an answer a frame may come that was published before. */
const GRACE_MS = 100;

export class Follower<D extends Definition = Definition> extends Participant<D, FollowerEmitted> {
  override readonly isOwner = false;
  protected readonly links: readonly Link[];
  readonly #freshness: FreshnessTracker;
  readonly #applier: Applier<D>;
  readonly #deliver = (message: string): void => this.#arrived(message);
  readonly #direct: Path | undefined;
  readonly #isAlwaysDirect: boolean;
  readonly #watchdog: Watchdog;
  #isDirectUp = false;
  #wasDirectUp = false;
  /** What arrives while the keys are read; `undefined` at other times. */
  #aside: Arrival[] | undefined;
  #asideLength = 0;
  /** Server's time of the last cut that was published, or read. */
  #lastCutAt = 0;
  /** Redis is known to have held this much: what was published by a commit, or read. */
  #stored: Position = ZERO;
  /** The highest epoch that is known to be claimed: what is published of a lower one is not its owner's to say any more. */
  #fence = 0;
  /** The epoch whose frames have last ended a degraded mode. */
  #wokenBy = 0;
  #synced = false;
  /** Memory was found to differ from Redis: the next catch-up starts from nothing. */
  #isSuspect = false;
  #stopped = false;
  /** What the last catch-up brought: from after this revision, up to this position, at this time. */
  #caughtUpFrom = 0;
  #caughtUpTo: Position = ZERO;
  #caughtUpAt = 0;
  #cancelLook: Cancel | undefined;

  constructor(space: Space<D>, runtime: Runtime, scope: ParticipantScope, options: FollowOptions = {}) {
    super(space, runtime, scope);
    requireObject('follow', options);
    const { direct, maxStaleMs = 750 } = options;
    if (direct !== undefined) requireObject('direct', direct);
    const boundMs = between('maxStaleMs', maxStaleMs, 10, 3_600_000);
    this.#isAlwaysDirect =
      requireOneOf('direct.mode', direct?.mode ?? 'fallback', ['fallback', 'always']) === 'always';
    this.#direct = direct && runtime.path(space.name, direct, boundMs);
    this.#watchdog = new Watchdog(runtime.time, {
      boundMs,
      hasWayAround: direct !== undefined && !this.#isAlwaysDirect,
      goAround: () => this.#direct?.open(this.#directListener),
      comeBack: () => this.#closeDirect(),
      ask: () => this.#askHead().catch((error: unknown) => this.#headUnknown(error)),
      isWatched: () => this.mode === 'connected',
    });
    this.links = [runtime.store.commands, runtime.store.subscriber];
    this.#freshness = new FreshnessTracker(runtime.time, boundMs);
    this.#applier = new Applier({
      space,
      freshness: this.#freshness,
      time: runtime.time,
      report: (error) => this.report(error),
      applied: (arrival, keys, tell) => this.#applied(arrival, keys, tell),
      advanced: () => this.advanced(),
      rejected: (reason) => this.#rejected(reason),
    });
  }

  get proof(): Proof {
    return this.#applier.proof;
  }

  override get<K extends KeyOf<D>>(key: K): Reading<K, ValueOf<D, K>> {
    return this.#applier.get(key);
  }

  override *entries(prefix = ''): Iterable<AnyReading<D>> {
    for (const entry of this.#applier.replica.entries()) {
      if (entry.key.startsWith(prefix)) yield this.#applier.reading(entry.key as KeyOf<D>, entry);
    }
  }

  override get size(): number {
    return this.#applier.replica.size;
  }

  override readingsSince(from: Position): AnyReading<D>[] | undefined {
    const entries = this.#applier.replica.entriesSince(from);
    return entries?.map((entry) => this.#applier.reading(entry.key as KeyOf<D>, entry));
  }

  override get correctedAt(): Position | undefined {
    return this.#applier.replica.correctedAt;
  }

  /**
   * Calls back with the reading of each key that changed, once a frame, after the whole frame is in. The
   * value is `undefined` for a key that was deleted. What the callback throws is reported as an `error` event.
   * @param pattern a key, a family as it was defined (`'strategy/*'`), or `'*'`. Returns the way to stop.
   * @throws TandemError `UNKNOWN_KEY`
   */
  watch<P extends PatternOf<D>>(pattern: P, callback: (reading: Watched<D, P>) => unknown): () => void {
    this.space.requirePattern(pattern);
    requireFunction(`watch('${pattern}')`, callback);
    const guarded = this.guarded(`watch('${pattern}')`, callback as (reading: unknown) => unknown);
    return this.#applier.watchers.add(pattern, guarded);
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
   * replaced by what Redis has, and an `error` event with code `CONTENT_MISMATCH` says so.
   * @throws TandemError `REDIS_UNAVAILABLE`, `REDIS_NOT_READY`, `ROLLED_BACK`, `KEYS_LOST`, `TIMEOUT` or `STOPPED`
   */
  async refresh(): Promise<Refreshed> {
    const { name } = this.space;
    if (this.#stopped) throw new TandemError('STOPPED', `the follower of space "${name}" is stopped`);
    const batch = await this.#read(ZERO);
    // What was read may be ahead of memory by frames that are on their way, or behind by some that have come.
    await this.waitFor(printPosition(batch.head)).catch(() => {});
    const keys = differing(this.space, this.#applier, batch);
    if (keys.length > 0) {
      const some = keys.slice(0, 10).join(', ');
      this.report(
        new TandemError(
          'CONTENT_MISMATCH',
          `${keys.length} keys of space "${name}" differed from Redis: ${some}`,
        ),
      );
      this.#isSuspect = true;
      this.tell({ type: 'gap', reason: 'memory differed from Redis' });
      await this.waiters.wait(() => !this.#isSuspect, `space "${name}" was not read again`, 1_000);
    }
    return { head: this.head, differed: keys.length };
  }

  /** Stops following; what was known can still be read, and grows stale. */
  override async stop(): Promise<void> {
    this.close();
    await Promise.resolve();
  }

  override close(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#endWatching();
    this.#closeDirect();
    this.#freshness.comesFrom('memory');
    this.runtime.store.unsubscribe(this.space.name, this.#deliver).catch(() => {});
    super.close();
    this.leave();
  }

  protected get position(): Position {
    return this.#applier.replica.position;
  }

  // ---- the machine's work ----

  override start(): void {
    super.start();
    if (this.#isAlwaysDirect) this.#direct?.open(this.#directListener);
  }

  protected override entered(mode: Mode): void {
    this.#endWatching();
    if (mode === 'degraded') this.#direct?.open(this.#directListener);
    if (mode === 'connected' && !this.#isAlwaysDirect && !this.#watchdog.isAround) this.#closeDirect();
    this.#freshness.comesFrom(this.#source(mode));
    if (mode !== 'connected') return;
    this.#haveSynced();
    this.#watchdog.watch();
    this.#cancelLook = this.runtime.time.after(LOOK_AGAIN_MS, () => void this.#lookAgain().catch(() => {}));
  }

  override receive(event: ParticipantEvent): void {
    if (event.type === 'refresh') this.refresh().catch((error: unknown) => this.report(error));
    else if (event.type === 'stop') this.close();
  }

  protected override async catchUp(signal: AbortSignal): Promise<void> {
    this.#aside ??= [];
    await this.runtime.store.subscribe(this.space.name, this.#deliver);
    await this.#sync(signal);
  }

  /** Brings this copy to what the keys say, then takes in what has arrived meanwhile; and again, until it is live. */
  async #sync(signal = new AbortController().signal): Promise<void> {
    for (let tries = 0; ;) {
      if (tries > 0) await pause(this.runtime.time, tries * RETRY_MS, signal);
      this.#aside ??= [];
      const askedAt = this.runtime.time.now();
      const batch = await this.#read(this.#isSuspect ? ZERO : this.position);
      signal.throwIfAborted();
      if (this.#stopped) return;
      // A whole state that is behind this one cannot be put in its place: the commit of what was announced is on its way.
      this.#isSuspect &&=
        this.proof.ownerAlive() && !this.#isDirectUp && compare(batch.head, this.position) < 0;
      const from = this.position;
      // Directly from its owner something may have come meanwhile that the line which was read never had.
      const fits = batch.isFull || continues(from, batch.head);
      if (fits) this.#apply(batch, askedAt);
      const taken = fits && !this.#isSuspect ? this.#takeAside() : 'gap';
      if (taken === 'taken') return;
      // What cannot be read is passed over once the keys are past it.
      if (taken === 'gap' || isSame(from, this.position)) tries += 1;
      if (tries < MAX_TRIES) continue;
      // One that will never follow is not to stand in the way of the next catch-up.
      this.#forgetAside([]);
      throw new TandemError('HEAD_MOVED', 'frames were missing after the catch-up', { retryable: true });
    }
  }

  #apply(batch: Batch, askedAt: number): void {
    const { time, clock } = this.runtime;
    const from = this.position;
    const changed = this.#applier.apply(batch, clock);
    this.#lastCutAt = batch.head.cutAt;
    this.#watchdog.heard(time.now());
    this.#caughtUp(askedAt, batch.isFull, changed ?? batch.changes.length);
    this.#caughtUpFrom = from.revision;
    this.#caughtUpTo = this.position;
    this.#caughtUpAt = time.now();
    if (changed !== undefined) this.emit({ type: 'sync', head: this.head, changed });
    this.waiters.check();
  }

  /** What becomes of those that were kept aside; the first that is not taken stays, and the keys have to be asked again. */
  #takeAside(): Taken {
    for (let arrival = this.#aside?.[0]; arrival !== undefined; arrival = this.#aside?.[0]) {
      const taken = this.#take(arrival);
      if (taken !== 'taken') return taken;
      this.#aside?.shift();
    }
    this.#forgetAside(undefined);
    return 'taken';
  }

  #forgetAside(aside: Arrival[] | undefined): void {
    this.#aside = aside;
    this.#asideLength = 0;
  }

  /** @throws TandemError `ROLLED_BACK` or `KEYS_LOST` where Redis has lost what was seen here; its owner will mend it. */
  async #read(from: Position): Promise<Batch> {
    const { mark } = this.#applier.replica;
    const stored = this.#stored;
    const { name } = this.space;
    const ahead = (changes: readonly Change[]): void => this.#applier.readAhead(changes);
    const batch = await readSince(this.runtime.store, name, from, {
      seen: this.#seen,
      ahead,
    });
    const { head } = batch;
    this.#freshness.lease(head.leaseMs, head.now, this.runtime.clock);
    this.#fenced(head.fence);
    // Announced, or directly from its owner, this copy may have what Redis is about to get. But Redis does not go back.
    if (head.epoch < mark.epoch || compare(head, stored) < 0) {
      const where = `Redis is at ${printPosition(head)}, before what was seen here: ${printPosition(mark)}`;
      throw new TandemError('ROLLED_BACK', where, { retryable: true });
    }
    if (head.keysLost)
      throw new TandemError('KEYS_LOST', `Redis has lost keys of space "${name}"`, { retryable: true });
    this.#noteStored(head);
    return batch;
  }

  #haveSynced(): void {
    this.#synced = true;
    this.waiters.check();
  }

  // ---- frames ----

  #arrived(message: string): void {
    if (this.#stopped) return;
    const receivedAt = this.runtime.time.now();
    const fence = decodeFence(message);
    if (fence !== undefined) return this.#fenced(fence);
    let frame: Frame;
    try {
      frame = decodeFrame(message);
    } catch (error) {
      this.#rejected('frame');
      this.report(asTandemError(error, 'INVALID_FRAME', 'a frame that cannot be used'));
      this.tell({ type: 'gap', reason: 'a frame that cannot be used' });
      return;
    }
    if (!this.#isCredible(frame.epoch)) {
      this.#rejected('epoch');
      return this.report(fromTheFuture(frame));
    }
    const arrival: Arrival = { frame, path: 'redis', clock: this.runtime.clock, receivedAt };
    if (this.#aside !== undefined) return this.#keepAside(arrival, message.length);
    const taken = this.#take(arrival);
    if (taken === 'taken') return;
    // Once the keys were asked it may follow: they may be behind it by a commit.
    this.#keepAside(arrival, message.length);
    const { prev, epoch } = frame;
    // What was announced before the subscription, and not committed when the keys were read, is still owed.
    const isOwed = receivedAt - this.#caughtUpAt < COMMIT_LAG_MS;
    if (taken === 'gap' && !isOwed)
      return this.#gap(`a frame from ${epoch}-${prev} does not follow ${this.head}`);
    // A frame is taken whole or not at all; the keys say what it is worth. No mode changes for that.
    this.#sync().catch(() => this.tell({ type: 'gap', reason: 'the keys could not be asked' }));
  }

  /**
   * An epoch is a time of the server's, or one more than another. One far ahead of both would make this follower deaf
   * to all that is true.
   */
  #isCredible(epoch: number): boolean {
    return epoch <= this.position.epoch + MAX_CLAIMS || epoch <= this.runtime.clock.latest() + MAX_AHEAD_MS;
  }

  /** A claim was made: nothing of an owner before it is taken any more, however late it comes. */
  #fenced(epoch: number): void {
    if (this.#isCredible(epoch)) this.#fence = Math.max(this.#fence, epoch);
  }

  /** The highest epoch that was seen here, claimed or in a frame: the owner has to be above it. */
  get #seen(): number {
    return Math.max(this.#applier.replica.mark.epoch, this.#fence);
  }

  #noteStored({ epoch, revision }: Position): void {
    if (compare({ epoch, revision }, this.#stored) > 0) this.#stored = { epoch, revision };
  }

  #keepAside(arrival: Arrival, length: number): void {
    const { frame } = arrival;
    this.#aside ??= [];
    this.#asideLength += length;
    if (this.#aside.length < MAX_ASIDE && this.#asideLength < MAX_ASIDE_LENGTH) this.#aside.push(arrival);
    // A new epoch while degraded: the owner has mended what kept the catch-up from succeeding.
    if (this.mode !== 'degraded' || frame.epoch === this.#wokenBy || frame.epoch <= this.position.epoch)
      return;
    this.#wokenBy = frame.epoch;
    this.tell({ type: 'link.up' });
  }

  #take(arrival: Arrival): Taken {
    const { frame, receivedAt } = arrival;
    if (frame.epoch < this.#fence) {
      this.#rejected('fenced');
      return 'taken';
    }
    const cameBefore = this.#isCaughtUp(frame);
    const taken = this.#applier.take(arrival);
    if (cameBefore) this.#toldLate(arrival);
    const isHeard = taken === 'taken' && frame.epoch === this.#applier.replica.mark.epoch;
    if (isHeard) this.#watchdog.heard(receivedAt);
    if (isHeard && !frame.bye) this.#lastCutAt = frame.cutAt;
    if (isHeard && !frame.isAhead) this.#noteStored(frame);
    this.waiters.check();
    return taken;
  }

  // ---- the direct path ----

  protected override get isDirectLive(): boolean {
    return this.#isDirectUp;
  }

  readonly #directListener: PathListener = {
    position: () => this.position,
    replace: (frame, askedAt) => {
      if (!this.#isCredible(frame.epoch)) throw fromTheFuture(frame);
      if (!this.#applier.replace(frame, this.#direct!.clock)) return false;
      this.#caughtUp(askedAt, true, frame.changes.length);
      this.emit({ type: 'sync', head: this.head, changed: frame.changes.length });
      this.waiters.check();
      return true;
    },
    take: (frame, receivedAt) => {
      if (!this.#isCredible(frame.epoch)) throw fromTheFuture(frame);
      if (frame.epoch < this.#applier.replica.mark.epoch) return false;
      const { clock } = this.#direct!;
      const taken = this.#applier.take({ frame, path: 'direct', clock, receivedAt }, true);
      this.waiters.check();
      return taken === 'taken';
    },
    up: () => {
      this.#isDirectUp = true;
      this.#directChanged(true, undefined);
      this.#haveSynced();
      this.#freshness.comesFrom(this.#source(this.mode));
      this.tell({ type: 'direct.up' });
    },
    down: (error) => {
      if (this.#isDirectUp || this.lastError?.message !== error.message) this.report(error);
      if (error.code === 'INVALID_FRAME') this.#rejected('frame');
      if (this.#isDirectUp) this.#directChanged(false, error.code);
      this.#isDirectUp = false;
      this.#freshness.comesFrom(this.#source(this.mode));
      this.tell({ type: 'direct.down' });
    },
  };

  #closeDirect(): void {
    this.#direct?.close();
    this.#isDirectUp = false;
    this.#freshness.comesFrom(this.#source(this.mode));
  }

  #source(mode: Mode): Source {
    if (this.#isDirectUp) return 'direct';
    return mode === 'connected' ? 'redis' : 'memory';
  }

  // ---- silence ----

  #endWatching(): void {
    this.#watchdog.end();
    this.#cancelLook?.();
    this.#cancelLook = undefined;
  }

  /**
   * What was announced before this follower had subscribed, and committed after it had read the keys, nobody tells it. The next frame, or heartbeat, would
   * show that it is missing; this finds it sooner.
   */
  async #lookAgain(): Promise<void> {
    if (this.#watchdog.heardAt > this.#caughtUpAt) return;
    const head = await this.#head();
    const isMissing = head.epoch === this.position.epoch && head.revision > this.position.revision;
    if (isMissing && this.mode === 'connected') await this.#sync();
  }

  async #head(): Promise<Head> {
    const { store } = this.runtime;
    return (await store.since(this.space.name, this.position, 0, { seen: this.#seen })).head;
  }

  #headUnknown(error: unknown): void {
    const { message } = asTandemError(error, 'REDIS_UNAVAILABLE', 'the head could not be asked for');
    this.tell({ type: 'link.down', reason: message });
  }

  async #askHead(): Promise<void> {
    const { clock, time } = this.runtime;
    const { epoch, revision } = this.position;
    const askedAt = time.now();
    const head = await this.#head();
    // Announced, or directly from its owner, this copy may be further than Redis; and then know better whether the owner lives.
    const isElsewhere = head.epoch !== epoch || head.revision > revision || compare(head, this.#stored) < 0;
    const differs = !this.#isDirectUp && isElsewhere;
    const hasNews = differs || head.cutAt > this.#lastCutAt + COMMIT_LAG_MS;
    // What was published may still be on its way: the answer came over the other connection.
    if (hasNews) await new Promise<void>((resolve) => void time.after(GRACE_MS, resolve));
    if (this.mode !== 'connected' || this.#watchdog.heardAt > askedAt) return;
    if (hasNews) this.#gap(`silent, while Redis is at ${printPosition(head)}`);
    // The owner itself is silent. Its lease says whether it may still be alive.
    else if (!this.#isDirectUp) this.#freshness.lease(head.leaseMs, head.now, clock);
  }

  // ---- what is told to those who measure ----

  /** A frame is visible; `tell` tells those who watch, in the span of its being applied. */
  #applied(
    { frame, path, clock, receivedAt }: Arrival,
    keys: number,
    tell: () => void,
    appliedAt = this.runtime.time.now(),
  ): void {
    const { observers, tracer, time } = this.runtime;
    if (observers.isEmpty && frame.trace === undefined) return tell();
    const latency = latencyOf(frame, clock, time.now() - appliedAt);
    const { prev, revision, trace } = frame;
    const { name: space } = this.space;
    const where = { space, path, position: printPosition(frame), prev, revision };
    const bytes = bytesOf(frame.changes);
    const applied = { ...where, keys, bytes, receivedAt, appliedAt, ...latency, trace };
    observers.tell('applied', applied);
    tracer.apply(applied, tell);
  }

  #caughtUp(askedAt: number, isFull: boolean, keys: number): void {
    const { observers, time } = this.runtime;
    const tookMs = time.now() - askedAt;
    observers.tell('synced', { space: this.space.name, isFull, keys, tookMs, position: this.head });
  }

  /** The last catch-up has brought what is in this frame, before the frame came. */
  #isCaughtUp({ epoch, revision, changes }: Frame): boolean {
    const { epoch: inEpoch, revision: upTo } = this.#caughtUpTo;
    return changes.length > 0 && epoch === inEpoch && revision > this.#caughtUpFrom && revision <= upTo;
  }

  /** It was visible since then, and nobody is to be told again; but now there is something to measure. */
  #toldLate(arrival: Arrival): void {
    this.#caughtUpFrom = arrival.frame.revision;
    this.#applied(arrival, arrival.frame.changes.length, () => {}, this.#caughtUpAt);
  }

  #gap(reason: string): void {
    this.runtime.observers.tell('gap', { space: this.space.name, role: 'follower', reason });
    this.tell({ type: 'gap', reason });
  }

  #rejected(reason: Rejected['reason']): void {
    this.runtime.observers.tell('rejected', { space: this.space.name, reason });
  }

  #directChanged(isUp: boolean, code: TandemError['code'] | undefined): void {
    this.runtime.observers.tell('link', { link: 'direct', isUp, isAgain: this.#wasDirectUp, code });
    this.#wasDirectUp = true;
  }
}

function fromTheFuture({ epoch }: Frame): TandemError {
  return new TandemError('INVALID_FRAME', `a frame of epoch ${epoch}, far in the future`, {
    retryable: true,
  });
}

/** A follower as actor logic, to be invoked or spawned in a machine of the user's. */
export function followerLogic<D extends Definition>(
  space: Space<D>,
  runtime: Runtime,
  options?: FollowOptions,
): ParticipantLogic<'follower', Follower<D>, FollowerEmitted> {
  return participantLogic<'follower', Follower<D>, FollowerEmitted>(
    'follower',
    (scope) => new Follower(space, runtime, scope, options),
  );
}
