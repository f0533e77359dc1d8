/**
 * The applier: judges each arrival, reads its values through the schemas, applies it in one step, notes its
 * proof, and then shows it to watchers.
 *
 * A value that cannot be read is never applied. Its key keeps its last readable value, as stale, until a
 * readable one comes.
 */
import type { ServerClock } from '../base/clock.ts';
import { detached } from '../base/detached.ts';
import { TandemError } from '../base/errors.ts';
import { inRoot } from '../base/root.ts';
import type { Applied, FramePath } from '../ports/observer.ts';
import type { Head } from '../ports/store.ts';
import type { Change } from '../state/change.ts';
import { hashOf } from '../state/digest.ts';
import type { Frame } from '../state/frame.ts';
import type { Line, Position } from '../state/position.ts';
import { compare, printPosition } from '../state/position.ts';
import type { Proof, Reading } from '../state/reading.ts';
import { readingOf, Row } from '../state/reading.ts';
import type { ReadChange, Replica, UnreadChange } from '../state/replica.ts';
import type { Entry } from '../state/revision-map.ts';
import type { Definition, KeyOf, ValueOf } from '../state/definition.ts';
import type { Space } from '../state/space.ts';
import type { Context } from '../actor/participant.ts';
import type { Admission, Verdict } from './admission.ts';
import type { Arrival } from './arrival.ts';
import { BoundCheck } from './bound-check.ts';
import type { Batch } from './catch-up.ts';
import type { Content, FreshnessTracker } from './freshness.ts';
import { MAX_LATE_MS } from './freshness.ts';
import type { Meter } from './meter.ts';
import type { Parts } from './parts.ts';
import { Watchers } from './watchers.ts';

export type AnyReading<D extends Definition> = Reading<KeyOf<D>, ValueOf<D, KeyOf<D>>>;
type AnyRow<D extends Definition> = Row<KeyOf<D>, ValueOf<D, KeyOf<D>>>;

/**
 * `applied`: the frame is in the copy. `unreadable`: it is next, but some of its values cannot be read.
 * `mismatch`: the frame shows that the copy is not the owner's state. Any other outcome is admission's
 * judgement.
 */
export type Outcome = 'applied' | 'unreadable' | 'mismatch' | Exclude<Verdict, 'next'>;

/** The changes of a frame or a page, parted by whether their values could be read. */
interface Reads {
  readonly read: readonly ReadChange[];
  readonly unread: readonly UnreadChange[];
  /** Whether a value of a key that the space defines could not be read. */
  readonly isRefused: boolean;
}
const NONE: readonly UnreadChange[] = [];

/** So many refused values are remembered, so that each is reported once. */
const MAX_SUSPECTED = 1_000;
const CENTURY_MS = 100 * 365.25 * 86_400_000;

export class Applier<D extends Definition> {
  readonly watchers = new Watchers<AnyReading<D>>();
  readonly #space: Space<D>;
  readonly #context: Context;
  readonly #replica: Replica;
  readonly #admission: Admission;
  readonly #freshness: FreshnessTracker;
  readonly #meter: Meter;
  readonly #bound: BoundCheck;
  /** The keys whose newest value could not be read, each with the time of the first failure on `Time`, ms. */
  readonly #refused = new Map<string, number>();
  /**
   * Values that were refused in a frame that was not applied, by key, each with its revision. The keys in
   * Redis show whether they are refused.
   */
  readonly #suspected = new Map<string, number>();
  /** The time at which the copy last moved, on `Time`, ms. */
  #movedAt = -Infinity;

  /** @param maxStaleMs the staleness bound, ms */
  constructor(space: Space<D>, context: Context, parts: Parts, maxStaleMs: number) {
    this.#bound = new BoundCheck(space.name, context.reporter, maxStaleMs);
    this.#space = space;
    this.#context = context;
    this.#replica = parts.replica;
    this.#admission = parts.admission;
    this.#freshness = parts.freshness;
    this.#meter = parts.meter;
  }

  /** The proof of the whole state: no fresher than the key that is stale longest. */
  get proof(): Proof {
    if (this.#refused.size === 0) return this.#freshness.proof;
    return this.#freshness.proofSince(Math.min(...this.#refused.values()));
  }

  /** An entry with its proof. */
  row(entry: Entry<unknown>): AnyRow<D> {
    const { key, value } = entry;
    return new Row(key as KeyOf<D>, entry, value, this.#proofOf(key));
  }

  #proofOf(key: string): Proof {
    const refusedAt = this.#refused.size === 0 ? undefined : this.#refused.get(key);
    return refusedAt === undefined ? this.#freshness.proof : this.#freshness.proofSince(refusedAt);
  }

  /**
   * The reading of one key: the same object for as long as neither the key nor the proof has changed.
   * @throws TandemError `UNKNOWN_KEY`
   */
  get<K extends KeyOf<D>>(key: K): Reading<K, ValueOf<D, K>> {
    const entry = this.#replica.get(key);
    if (entry === undefined) this.#space.requireSchema(key);
    return readingOf(key, entry, entry?.value, this.#proofOf(key));
  }

  /** Whether the newest value of a key could not be read. */
  isRefused(key: string): boolean {
    return this.#refused.has(key);
  }

  /**
   * Applies a frame if it is next. One from Redis goes in only if all of its values can be read: else the
   * keys are read. Of a direct one the readable values go in, since there are no keys to read.
   */
  apply(arrival: Arrival): Outcome {
    const { frame, path } = arrival;
    const verdict = this.#admission.judge(frame, path, this.latestMs);
    if (verdict === 'fenced') this.#meter.rejected('fenced');
    if (verdict === 'known') return this.#known(arrival);
    if (verdict !== 'next') return verdict;
    const { read, unread, isRefused } = this.#read(frame.changes);
    if (isRefused && path === 'redis') return this.#unreadable(frame);
    // planted: advance
    const changed = this.#replica.advance(frame, read, unread);
    this.#movedAt = arrival.receivedAt;
    const content = this.#compare(frame);
    this.#prove(arrival, content);
    const applied = this.#meter.applied(arrival, changed.length);
    this.#show(changed, applied);
    return content === 'different' ? 'mismatch' : 'applied';
  }

  /** Puts a whole state, which came as one frame, in place of this copy. */
  replace(arrival: Arrival): Outcome {
    const { frame } = arrival;
    const verdict = this.#admission.judgeWhole(frame, this.latestMs);
    if (verdict === 'fenced') this.#meter.rejected('fenced');
    if (verdict !== 'next') return verdict;
    const changed = this.#replaceBy(frame, frame.changes);
    this.#movedAt = arrival.receivedAt;
    const content = this.#compare(frame);
    this.#prove(arrival, content);
    this.#show(changed);
    return content === 'different' ? 'mismatch' : 'applied';
  }

  /**
   * Reads the values of changes that may be applied later. A value that cannot be read is reported only
   * then.
   */
  readAhead(changes: readonly Change[]): void {
    for (const change of changes) {
      try {
        if (change.json !== '') change.value = this.#space.read(change.key, change.json);
      } catch {
        // It is read again when it is applied.
      }
    }
  }

  /**
   * Applies what was read from the keys, unless this copy is further.
   * @param mayGoBack applies it also where this copy is further, at a position that its owner may never have
   *   had
   * @returns the number of keys that a full sync changed; `undefined` where there was none
   */
  applyBatch({ head, isFull, changes }: Batch, clock: ServerClock, mayGoBack = false): number | undefined {
    // An announcement, or a frame of the direct path, may have brought this copy further than the keys.
    if (!mayGoBack && compare(head, this.#replica.position) < 0) return undefined;
    const changed = isFull ? this.#replaceBy(head, changes) : this.#advanceBy(head, changes);
    this.#movedAt = this.#context.runtime.time.now();
    this.#proveBatch(head, changed.length > 0, clock);
    this.#show(changed);
    return isFull ? changed.length : undefined;
  }

  /**
   * A claim is known, and the keys are still of an epoch before it: its owner has not committed yet, or Redis
   * has lost the claim. Either way a superseded owner may have set what was read, so it proves nothing, and
   * is not shown as live.
   */
  #proveBatch({ cutAt, epoch }: Head, isChanged: boolean, clock: ServerClock): void {
    const isBelowFence = epoch < this.#admission.fence;
    if (isBelowFence && isChanged) this.#freshness.disprove();
    if (isBelowFence) return;
    // planted: keys-proof
    this.#freshness.prove(cutAt, epoch, clock);
  }

  /**
   * The upper bound of the server's time, ms. Before Redis has answered once, only the distant future is
   * excluded: this machine's wall clock may be wrong by decades.
   */
  get latestMs(): number {
    const { clock, time } = this.#context.runtime;
    return Math.min(clock.latest(), time.wall() + CENTURY_MS);
  }

  /** A frame that changes nothing: it proves the copy, or shows that the copy is wrong. */
  #known(arrival: Arrival): Outcome {
    const { frame } = arrival;
    const content = this.#isAheadOf(arrival) ? 'different' : this.#compare(frame);
    const isHere = frame.revision === this.#replica.position.revision;
    // planted: known-proof
    if (isHere || content === 'different') this.#prove(arrival, content);
    // The owner could not commit all that it had announced. Its goodbye proves only that it gave up the
    // lease.
    else if (frame.bye) this.#freshness.goodbye(frame.epoch, false);
    return content === 'different' ? 'mismatch' : 'known';
  }

  /** Holds the copy against the digest of the owner, where both are at the same position. */
  #compare({ digest, revision }: Frame): Content {
    if (digest === undefined || revision !== this.#replica.position.revision) return 'unknown';
    // planted: digest-compared
    return digest === this.#replica.digest ? 'same' : 'different';
  }

  /**
   * Whether this copy has a change that its owner never made: the owner cut its state after this copy came to
   * its position, and was behind it. A short sleep of this machine, which goes unnoticed, makes the clock
   * late.
   */
  #isAheadOf({ frame, clock }: Arrival): boolean {
    // planted: ahead
    if (frame.revision >= this.#replica.position.revision) return false;
    return frame.cutAt > clock.latest(this.#movedAt) + MAX_LATE_MS;
  }

  #prove({ frame, clock, path }: Arrival, content: Content): void {
    if (content === 'different') this.#differs(path);
    if (content === 'same') this.#admission.placed();
    const { heartbeatMs } = frame;
    if (heartbeatMs !== undefined) this.#bound.heard(heartbeatMs);
    this.#freshness.heard(frame, clock, content);
  }

  /** Said once, and not again with each frame until the copy matches. */
  #differs(path: FramePath): void {
    // A forged frame may have brought the copy to its position.
    this.#admission.misplaced();
    if (this.#freshness.isMismatched) return;
    const { reporter, space } = this.#context;
    const { position } = this.#replica;
    this.#meter.mismatched(path, position);
    const what = `the copy of space "${space}" at ${printPosition(position)} is not its owner's state: all of it is read again`;
    reporter.report(new TandemError('CONTENT_MISMATCH', what, { retryable: true }));
  }

  #advanceBy(head: Head, changes: readonly Change[]): readonly ReadChange[] {
    const { read, unread } = this.#read(changes);
    return this.#replica.advance(head, read, unread);
  }

  #replaceBy(to: Line & Position, changes: readonly Change[]): readonly ReadChange[] {
    const { read, unread } = this.#read(changes);
    const left = new Set(unread.map(({ key }) => key));
    for (const key of this.#refused.keys()) if (!left.has(key)) this.#accept(key);
    this.#admission.placed();
    return this.#replica.replace(to, read, unread);
  }

  /**
   * Reads values. A key that the space does not define is passed over: its owner may be of a later version of
   * the application. It counts in the digest alone.
   */
  #read(changes: readonly Change[]): Reads {
    const read: ReadChange[] = [];
    let unread: UnreadChange[] | undefined;
    let isRefused = false;
    for (const { key, revision, json, value } of changes) {
      const hash = hashOf(key, revision, json);
      if (this.#space.schemaOf(key) === undefined) {
        (unread ??= []).push({ key, revision, hash });
        continue;
      }
      try {
        const readValue = json === '' ? undefined : (value ?? this.#space.read(key, json));
        read.push({ key, revision, value: readValue, hash });
        if (this.#refused.size > 0) this.#accept(key);
      } catch (error) {
        (unread ??= []).push({ key, revision, hash });
        isRefused = true;
        this.#refuse(key, revision, error);
      }
    }
    return { read, unread: unread ?? NONE, isRefused };
  }

  #refuse(key: string, revision: number, error: unknown): void {
    const { runtime, reporter, proofWatch } = this.#context;
    this.#meter.rejected('value');
    // Reported once, and not again with each frame until a readable value comes.
    if (!this.#refused.has(key) && this.#suspected.get(key) !== revision) reporter.report(error);
    this.#refused.set(detached(key), this.#refused.get(key) ?? runtime.time.now());
    proofWatch.changed();
  }

  /**
   * A frame with values that cannot be read is not applied, since anybody can publish one: what the keys hold
   * decides. So its keys do not count as refused yet.
   */
  #unreadable({ changes }: Frame): Outcome {
    for (const { key, revision } of changes) {
      const isKnown = (this.#replica.get(key)?.revision ?? 0) >= revision;
      if (isKnown || !this.#refused.has(key)) continue;
      if (this.#suspected.size >= MAX_SUSPECTED) this.#suspected.clear();
      this.#suspected.set(detached(key), revision);
      this.#accept(key);
    }
    return 'unreadable';
  }

  /** The newest value of the key could be read. */
  #accept(key: string): void {
    if (this.#refused.delete(key)) this.#context.proofWatch.changed();
  }

  /** Calls the watchers of the head and of the changed keys. By now the whole frame is visible. */
  #show(changed: readonly ReadChange[], applied?: Applied): void {
    const { heads, runtime } = this.#context;
    if (applied?.trace !== undefined) inRoot(() => runtime.tracer.apply(applied, () => this.#call(changed)));
    else if (!heads.isEmpty || !this.watchers.isEmpty) inRoot(() => this.#call(changed));
  }

  #call(changed: readonly ReadChange[]): void {
    this.#context.heads.notify();
    if (this.watchers.isEmpty) return;
    for (const { key } of changed) {
      const read = (): AnyReading<D> => this.get(key as KeyOf<D>);
      this.watchers.tell(key, read);
    }
  }
}
