/**
 * The applier: judges each arrival, reads its values through the schemas, applies it in one step, notes its
 * proof, and then shows it to watchers.
 *
 * A value that cannot be read is never applied. Its key keeps its last readable value, as stale, until a
 * readable one comes.
 */
import type { ServerClock } from '../base/clock.ts';
import { TandemError } from '../base/errors.ts';
import type { FramePath } from '../ports/observer.ts';
import type { Head } from '../ports/store.ts';
import type { Change } from '../state/change.ts';
import { hashOf } from '../state/digest.ts';
import type { Frame } from '../state/frame.ts';
import type { Line, Position } from '../state/position.ts';
import { compare, printPosition } from '../state/position.ts';
import type { AnyReading, ReadingOf } from '../state/any-reading.ts';
import type { Proof } from '../state/reading.ts';
import { readingOf, Row } from '../state/reading.ts';
import type { ReadChange, UnreadChange } from '../state/read-change.ts';
import type { Replica } from '../state/replica.ts';
import type { Entry } from '../state/entry.ts';
import type { Definition, KeyOf, ValueOf } from '../state/definition.ts';
import type { Space } from '../state/space.ts';
import type { Context } from '../actor/context.ts';
import type { Admission, Verdict } from './admission.ts';
import type { Arrival } from './arrival.ts';
import { BoundCheck } from './bound-check.ts';
import type { Content, FreshnessTracker } from './freshness.ts';
import { MAX_LATE_MS } from './freshness.ts';
import type { Meter } from './meter.ts';
import { Gathering } from './gathering.ts';
import type { Parts } from './parts.ts';
import { Refusals } from './refusals.ts';
import type { Extent, Settled } from './settling.ts';
import { Settling } from './settling.ts';
import type { News } from '../actor/telling.ts';
import { Telling } from '../actor/telling.ts';
import { NoValue, ValueReader } from './value-reader.ts';

type AnyRow<D extends Definition> = Row<KeyOf<D>, ValueOf<D, KeyOf<D>>>;

/**
 * `applied`: the frame is in the copy. `unreadable`: it is next, but some of its values cannot be read.
 * `parts`: it is next, and its changes came as parts, so `applyTurn` has to follow.
 * `mismatch`: the frame shows that the copy is not the owner's state. Any other outcome is admission's
 * judgement.
 */
export type Outcome = 'applied' | 'unreadable' | 'parts' | 'mismatch' | Exclude<Verdict, 'next'>;

/** The changes of a frame, parted by whether their values could be read. */
interface Reads {
  readonly read: readonly ReadChange[];
  readonly unread: readonly UnreadChange[];
  /** The keys whose values the schemas refuse. */
  readonly refused: readonly string[];
}
const NO_CHANGES: readonly UnreadChange[] = [];
const NO_KEYS: readonly string[] = [];

/**
 * Called once the watchers were called: with the number of keys that differ, and the position and the time of
 * the swap, on `Time`, ms.
 */
export type Told = (keys: number, position: Position, at: number) => void;

interface PutOptions {
  readonly clock: ServerClock;
  /** Put it in place also where this copy is further, at a position that its owner may never have had. */
  readonly mayGoBack: boolean;
  readonly told: Told;
}
const CENTURY_MS = 100 * 365.25 * 86_400_000;

export class Applier<D extends Definition> {
  readonly telling: Telling<AnyReading<D>>;
  readonly #space: Space<D>;
  readonly #context: Context;
  readonly #replica: Replica;
  readonly #admission: Admission;
  readonly #freshness: FreshnessTracker;
  readonly #meter: Meter;
  readonly #bound: BoundCheck;
  readonly #values: ValueReader;
  readonly #settling: Settling;
  #refusals = new Refusals();
  readonly #timeOf = (revision: number): number | undefined => this.#replica.times.at(revision);
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
    this.#values = new ValueReader(space, context.reporter, parts.meter);
    this.telling = new Telling(parts.replica, context, (key) => this.get(key as KeyOf<D>) as AnyReading<D>);
    const refusals = (): Refusals => this.#refusals;
    this.#settling = new Settling(parts.replica, this.telling, context.runtime.slices, refusals);
  }

  /** The proof of the whole state: no fresher than the key that is stale longest. */
  get proof(): Proof {
    if (this.#refusals.isEmpty) return this.#freshness.proof;
    return this.#freshness.proofSince(this.#refusals.oldest);
  }

  /** An entry with its proof. */
  row(entry: Entry<unknown>): AnyRow<D> {
    const { key, value } = entry;
    return new Row(key as KeyOf<D>, entry, value, this.#timeOf, this.#proofOf(key));
  }

  #proofOf(key: string): Proof {
    const refusedAt = this.#refusals.since(key);
    return refusedAt === undefined ? this.#freshness.proof : this.#freshness.proofSince(refusedAt);
  }

  /**
   * The reading of one key: the same object for as long as neither the key nor the proof has changed.
   * @throws TandemError `UNKNOWN_KEY`
   */
  get<K extends KeyOf<D>>(key: K): ReadingOf<D, K> {
    const entry = this.#replica.get(key);
    if (entry === undefined) this.#space.requireSchema(key);
    return readingOf(key, entry, entry?.value, this.#timeOf, this.#proofOf(key)) as ReadingOf<D, K>;
  }

  /** Whether the newest value of a key could not be read. */
  isRefused(key: string): boolean {
    return this.#refusals.since(key) !== undefined;
  }

  /**
   * A new gathering for this copy.
   * @param line returns the line of the changes that are taken
   */
  gathering(line: () => Line): Gathering {
    const { time } = this.#context.runtime;
    const shown = (): Refusals => this.#refusals;
    return new Gathering(this.#values, time, { shown, line });
  }

  /**
   * Applies a frame if it is next. One from Redis goes in only if all of its values can be read: else the
   * keys are read. Of a direct one the readable values go in, since there are no keys to read.
   */
  apply(arrival: Arrival): Outcome {
    const { frame, path } = arrival;
    const outcome = this.#judge(arrival);
    if (outcome !== 'next') return outcome;
    // planted: turn-without-parts
    if (frame.turn !== undefined) return 'parts';
    const { read, unread, refused } = this.#read(frame.changes);
    // Anybody can publish such a frame, so the keys in Redis decide what is refused.
    if (refused.length > 0 && path === 'redis') return 'unreadable';
    const from = this.#replica.position.revision;
    // planted: advance
    const changed = this.#replica.advance(frame, read, unread, this.#latestSetMs);
    this.#noteRefusals(changed, refused);
    return this.#applied(arrival, changed, from);
  }

  /**
   * Applies a large turn, whose changes were read as they came, in one step, if its frame is still next. As
   * for any frame of Redis, all of its values have to be readable.
   */
  async applyTurn(gathering: Gathering, arrival: Arrival, signal: AbortSignal): Promise<Outcome> {
    const { frame } = arrival;
    if (!gathering.refusals.isEmpty) return 'unreadable';
    const put = (settled: Settled): Outcome => {
      const outcome = this.#judge(arrival);
      if (outcome !== 'next') return outcome;
      const from = this.#replica.position.revision;
      if (settled.how === 'merge') return this.#applied(arrival, this.#merge(settled, frame), from);
      return this.#swapped(
        arrival,
        this.#swap(settled, frame, () => {}),
      );
    };
    return this.settle(gathering, { to: frame, isFull: false }, put, signal);
  }

  #judge(arrival: Arrival): Outcome | 'next' {
    const { frame, path } = arrival;
    const verdict = this.#admission.judge(frame, path, this.latestMs);
    if (verdict === 'fenced') this.#meter.rejected('fenced');
    return verdict === 'known' ? this.#known(arrival) : verdict;
  }

  /** A frame is in the copy: notes its proof, and shows it. */
  #applied(arrival: Arrival, changed: readonly { readonly key: string }[], from: number): Outcome {
    this.#movedAt = arrival.receivedAt;
    const content = this.#compare(arrival.frame);
    this.#prove(arrival, content);
    const applied = this.#meter.applied(arrival, { keys: changed.length, from });
    this.telling.show(changed, from, applied);
    return content === 'different' ? 'mismatch' : 'applied';
  }

  /** Another state is in place of the copy, as a frame says: notes its proof, and shows it. */
  #swapped(arrival: Arrival, news: News): Outcome {
    this.#movedAt = arrival.receivedAt;
    const content = this.#compare(arrival.frame);
    this.#prove(arrival, content);
    this.telling.replaced(news);
    return content === 'different' ? 'mismatch' : 'applied';
  }

  /**
   * Puts a whole state of the direct path in place of this copy.
   */
  replace(gathering: Gathering, arrival: Arrival, told: Told, signal: AbortSignal): Promise<Outcome> {
    const { frame } = arrival;
    const put = (settled: Settled): Outcome => {
      const verdict = this.judgeWhole(frame);
      if (verdict !== 'next') return verdict;
      return this.#swapped(arrival, this.#swap(settled, frame, told));
    };
    return this.settle(gathering, { to: frame, isFull: true }, put, signal);
  }

  /** Settles a gathering, and has it put in place: see `Settling`. */
  settle<R>(
    gathering: Gathering,
    extent: Extent,
    put: (settled: Settled) => R,
    signal: AbortSignal,
  ): Promise<R> {
    return this.#settling.settle(gathering, extent, put, signal);
  }

  /** Judges a whole state of the direct path by its header. */
  judgeWhole(frame: Frame): Exclude<Verdict, 'known'> {
    const verdict = this.#admission.judgeWhole(frame, this.latestMs);
    if (verdict === 'fenced') this.#meter.rejected('fenced');
    return verdict;
  }

  /**
   * Puts in place what was read from the keys, unless this copy is further.
   * @param head of the keys
   * @returns whether it is in place
   */
  putKeys(settled: Settled, head: Head, { clock, mayGoBack, told }: PutOptions): boolean {
    // An announcement, or a frame of the direct path, may have brought this copy further than the keys.
    if (!mayGoBack && compare(head, this.#replica.position) < 0) return false;
    const { time } = this.#context.runtime;
    const from = this.#replica.position.revision;
    if (settled.how === 'merge') {
      const changed = this.#merge(settled, head);
      this.#movedAt = time.now();
      this.#proveKeys(head, changed.length > 0, clock);
      this.telling.show(changed, from);
    } else {
      const news = this.#swap(settled, head, told);
      this.#movedAt = time.now();
      this.#proveKeys(head, settled.isDifferent, clock);
      this.telling.replaced(news);
    }
    return true;
  }

  /**
   * A claim is known, and the keys are still of an epoch before it: its owner has not committed yet, or Redis
   * has lost the claim. Either way a superseded owner may have set what was read, so it proves nothing, and
   * is not shown as live.
   */
  #proveKeys({ cutAt, epoch }: Head, isChanged: boolean, clock: ServerClock): void {
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

  /** The owner may know the server's clock worse than this process does. */
  get #latestSetMs(): number {
    return this.latestMs + MAX_LATE_MS;
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
    reporter.report(new TandemError('CONTENT_MISMATCH', what));
  }

  #merge({ draft, refusals }: Settled, head: Line & Position): readonly Entry<unknown>[] {
    const changed = this.#replica.merge(head, draft, this.#latestSetMs);
    this.#noteRefusals(changed, refusals.keys());
    return changed;
  }

  #swap(settled: Settled, to: Line & Position, told: Told): News {
    const { draft, isFull, refusals } = settled;
    const from = isFull ? 0 : this.#replica.position.revision;
    const isNews = !this.#refusals.isEmpty || !refusals.isEmpty;
    const old = this.#replica.swap(to, draft, settled, this.#latestSetMs);
    this.#refusals = refusals;
    if (isNews) this.#context.proofWatch.changed();
    if (!isFull) return { from };
    this.#admission.placed();
    const { position } = this.#replica;
    const at = this.#context.runtime.time.now();
    return { old, from, told: (keys) => told(keys, position, at) };
  }

  /** Reads values. One of a key that the space does not define counts in the digest alone. */
  #read(changes: readonly Change[]): Reads {
    const read: ReadChange[] = [];
    let unread: UnreadChange[] | undefined;
    let refused: string[] | undefined;
    for (const change of changes) {
      const { key, revision, json } = change;
      const hash = hashOf(key, revision, json);
      const value = this.#values.read(change, this.#refusals);
      if (value instanceof NoValue) {
        (unread ??= []).push({ key, revision, hash });
        if (value.isRefused) (refused ??= []).push(key);
      } else read.push({ key, revision, value, hash });
    }
    return { read, unread: unread ?? NO_CHANGES, refused: refused ?? NO_KEYS };
  }

  /** Changes were applied, but for those of the keys that are refused. */
  #noteRefusals(changed: readonly { readonly key: string }[], refused: Iterable<string>): void {
    let isNews = false;
    if (!this.#refusals.isEmpty) for (const { key } of changed) isNews = this.#refusals.accept(key) || isNews;
    for (const key of refused) {
      this.#refusals.refuse(key, this.#context.runtime.time.now());
      isNews = true;
    }
    if (isNews) this.#context.proofWatch.changed();
  }
}
