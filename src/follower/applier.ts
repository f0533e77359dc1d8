/**
 * The applier: judges each arrival, reads its values through the schemas, applies it in one step, notes its
 * proof, and then shows it to watchers.
 *
 * A value that cannot be read is never applied. Its key keeps its last readable value, as stale, until a
 * readable one comes.
 */
import type { ServerClock } from '../base/clock.ts';
import { detached } from '../base/detached.ts';
import type { Head } from '../ports/store.ts';
import type { Change } from '../state/change.ts';
import { compare } from '../state/position.ts';
import type { Proof, Reading } from '../state/reading.ts';
import { readingOf, Row } from '../state/reading.ts';
import type { ReadChange, Replica } from '../state/replica.ts';
import type { Entry } from '../state/revision-map.ts';
import type { Definition, KeyOf, ValueOf } from '../state/definition.ts';
import type { Space } from '../state/space.ts';
import type { Context } from '../actor/participant.ts';
import type { Admission, Verdict } from './admission.ts';
import type { Arrival } from './arrival.ts';
import type { Batch } from './catch-up.ts';
import type { FreshnessTracker } from './freshness.ts';
import type { Meter } from './meter.ts';
import type { Parts } from './parts.ts';
import { Watchers } from './watchers.ts';

export type AnyReading<D extends Definition> = Reading<KeyOf<D>, ValueOf<D, KeyOf<D>>>;
type AnyRow<D extends Definition> = Row<KeyOf<D>, ValueOf<D, KeyOf<D>>>;

/**
 * `applied`: the frame is in the copy. `unreadable`: it is next, but some of its values cannot be read. Any
 * other outcome is admission's judgement.
 */
export type Outcome = 'applied' | 'unreadable' | Exclude<Verdict, 'next'>;

export class Applier<D extends Definition> {
  readonly watchers = new Watchers<AnyReading<D>>();
  readonly #space: Space<D>;
  readonly #context: Context;
  readonly #replica: Replica;
  readonly #admission: Admission;
  readonly #freshness: FreshnessTracker;
  readonly #meter: Meter;
  /** The keys whose newest value could not be read, each with the time of the first failure on `Time`, ms. */
  readonly #refused = new Map<string, number>();

  constructor(space: Space<D>, context: Context, parts: Parts) {
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
    return readingOf(key, entry, entry?.value as ValueOf<D, K> | undefined, this.#proofOf(key));
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
    const verdict = this.#admission.judge(frame, this.#latestMs);
    if (verdict === 'fenced') this.#meter.rejected('fenced');
    if (verdict === 'known') this.#proveKnown(arrival);
    if (verdict !== 'next') return verdict;
    const read = this.#read(frame.changes);
    if (read.length < frame.changes.length && path === 'redis') return 'unreadable';
    // planted: advance
    const changed = this.#replica.advance(frame, read);
    this.#prove(arrival);
    const applied = this.#meter.applied(arrival, changed.length);
    if (applied?.trace === undefined) this.#show(changed);
    else this.#context.runtime.tracer.apply(applied, () => this.#show(changed));
    return 'applied';
  }

  /** Puts a whole state, which came as one frame, in place of this copy. */
  replace(arrival: Arrival): Outcome {
    const { frame } = arrival;
    const verdict = this.#admission.judgeWhole(frame, this.#latestMs);
    if (verdict === 'fenced') this.#meter.rejected('fenced');
    if (verdict !== 'next') return verdict;
    const changed = this.#replica.replace(frame, this.#read(frame.changes), this.#refused);
    this.#prove(arrival);
    this.#show(changed);
    return 'applied';
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
   * @returns the number of keys that a full sync changed; `undefined` where there was none
   */
  applyBatch({ head, isFull, changes }: Batch, clock: ServerClock): number | undefined {
    this.#freshness.lease(head.leaseMs, head.now, clock);
    // An announcement, or a frame of the direct path, may have brought this copy further than the keys.
    if (compare(head, this.#replica.position) < 0) return undefined;
    const read = this.#read(changes);
    const changed = isFull
      ? this.#replica.replace(head, read, this.#refused)
      : this.#replica.advance(head, read);
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

  get #latestMs(): number {
    return this.#context.runtime.clock.latest();
  }

  #proveKnown(arrival: Arrival): void {
    const { frame, clock } = arrival;
    const isHere = frame.revision === this.#replica.position.revision;
    // planted: known-proof
    if (isHere) this.#prove(arrival);
    // The owner could not commit all that it had announced. Its goodbye proves only that it gave up the
    // lease.
    else if (frame.bye) this.#freshness.lease(0, frame.publishedAt, clock);
  }

  #prove({ frame, clock }: Arrival): void {
    const { cutAt, epoch, bye, leaseMs, publishedAt } = frame;
    this.#freshness.heard({ cutAt, epoch, leaseMs: bye ? 0 : leaseMs, publishedAt }, clock);
  }

  #read(changes: readonly Change[]): ReadChange[] {
    const read: ReadChange[] = [];
    for (const { key, revision, json, value } of changes) {
      try {
        const readValue = json === '' ? undefined : (value ?? this.#space.read(key, json));
        read.push({ key, revision, value: readValue });
        if (this.#refused.size > 0) this.#refused.delete(key);
      } catch (error) {
        this.#refuse(key, error);
      }
    }
    return read;
  }

  #refuse(key: string, error: unknown): void {
    const { runtime, reporter } = this.#context;
    this.#meter.rejected('value');
    // Reported once, and not again with each frame until a readable value comes.
    if (!this.#refused.has(key)) reporter.report(error);
    this.#refused.set(detached(key), this.#refused.get(key) ?? runtime.time.now());
  }

  /** Calls the watchers of the head and of the changed keys. By now the whole frame is visible. */
  #show(changed: readonly ReadChange[]): void {
    this.#context.heads.notify();
    if (this.watchers.isEmpty) return;
    for (const { key } of changed) {
      const read = (): AnyReading<D> => this.get(key as KeyOf<D>);
      this.watchers.tell(key, read);
    }
  }
}
