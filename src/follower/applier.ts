/**
 * How what arrives becomes state: judged, read through the schemas, applied as one, proven, told.
 *
 * A value that cannot be read is never applied. Its key keeps the last value that could be read, stale, until a
 * readable one comes.
 */
import type { Batch } from './catch-up.ts';
import type { ServerClock } from '../base/clock.ts';
import type { FreshnessTracker } from './freshness.ts';
import type { Change, Frame, Header } from '../state/frame.ts';
import type { FramePath, Rejected } from '../ports/observer.ts';
import { compare } from '../state/position.ts';
import type { Proof } from '../state/reading.ts';
import { Reading, readingOf } from '../state/reading.ts';
import type { ReadChange } from '../state/replica.ts';
import { Replica } from '../state/replica.ts';
import type { Entry } from '../state/revision-map.ts';
import type { Definition, KeyOf, Space, ValueOf } from '../state/space.ts';
import type { Time } from '../base/time.ts';
import { detached } from '../base/detached.ts';
import { Watchers } from './watchers.ts';

export type AnyReading<D extends Definition> = Reading<KeyOf<D>, ValueOf<D, KeyOf<D>>>;

/** `taken`; or `gap`: it does not follow; or `unreadable`: it follows, but some of its values cannot be read. */
export type Taken = 'taken' | 'gap' | 'unreadable';

/** A frame, and how it came. */
export interface Arrival {
  readonly frame: Frame;
  /** On `Time`, ms. */
  readonly receivedAt: number;
  readonly path: FramePath;
  /** The clock on which its times are. */
  readonly clock: ServerClock;
}

export interface ApplierOptions<D extends Definition> {
  readonly space: Space<D>;
  readonly freshness: FreshnessTracker;
  readonly time: Time;
  readonly report: (error: unknown) => void;
  /** Told of a frame that is visible now; `tell` is what tells those who watch. */
  readonly applied: (arrival: Arrival, keys: number, tell: () => void) => void;
  readonly rejected: (reason: Rejected['reason']) => void;
  /** Called after each time that something was taken in, with all of it visible. */
  readonly advanced: () => void;
}

export class Applier<D extends Definition> {
  readonly replica = new Replica();
  readonly watchers = new Watchers<AnyReading<D>>();
  readonly #options: ApplierOptions<D>;
  /** Keys whose last value could not be read, and since when. */
  readonly #refused = new Map<string, number>();

  constructor(options: ApplierOptions<D>) {
    this.#options = options;
  }

  /** What is known of the truth of all of the state. */
  get proof(): Proof {
    const { proof } = this.#options.freshness;
    if (this.#refused.size === 0) return proof;
    return this.#options.freshness.proofSince(Math.min(...this.#refused.values()));
  }

  reading<K extends KeyOf<D>>(key: K, entry: Entry<unknown> | undefined): Reading<K, ValueOf<D, K>> {
    const { freshness } = this.#options;
    const refusedAt = this.#refused.size === 0 ? undefined : this.#refused.get(key);
    const proof = refusedAt === undefined ? freshness.proof : freshness.proofSince(refusedAt);
    return new Reading(key, entry, entry?.value, proof);
  }

  /** As `reading`, for one key: who asks for it again and again is given the same. */
  get<K extends KeyOf<D>>(key: K): Reading<K, ValueOf<D, K>> {
    const entry = this.replica.get(key);
    if (entry === undefined) this.#options.space.requireSchema(key);
    if (this.#refused.size > 0) return this.reading(key, entry);
    return readingOf(key, entry, entry?.value as ValueOf<D, K> | undefined, this.#options.freshness.proof);
  }

  isRefused(key: string): boolean {
    return this.#refused.has(key);
  }

  /**
   * Takes in a frame.
   * @param inPart apply what can be read of it: there are no keys that could be asked instead
   */
  take(arrival: Arrival, inPart = false): Taken {
    const { frame, clock } = arrival;
    const { applied, rejected } = this.#options;
    const verdict = this.replica.judge(frame);
    if (verdict === 'gap') return 'gap';
    if (verdict === 'fenced') {
      rejected('fenced');
      return 'taken';
    }
    if (verdict === 'known') {
      const isHere = frame.revision === this.replica.position.revision;
      if (isHere) this.#prove(frame, clock);
      // Of an owner that could not commit what it announced: it proves nothing, but that its lease is given up.
      if (frame.bye && !isHere) this.#options.freshness.lease(0, frame.publishedAt, clock);
      return 'taken';
    }
    const read = this.#read(frame.changes);
    if (read.length < frame.changes.length && !inPart) return 'unreadable';
    const changed = this.replica.advance(frame, read);
    this.#prove(frame, clock);
    applied(arrival, changed.length, () => this.#tell(changed));
    return 'taken';
  }

  /** Takes in a whole state that came as one frame; false when it is behind what was seen. */
  replace(frame: Frame, clock: ServerClock): boolean {
    if (compare(frame, this.replica.mark) < 0) return false;
    const changed = this.replica.replace(frame, this.#read(frame.changes), this.#refused);
    this.#prove(frame, clock);
    this.#tell(changed);
    return true;
  }

  /** Reads values of which it is not known yet whether they are taken in. Those that cannot be read are left for then. */
  readAhead(changes: readonly Change[]): void {
    const { space } = this.#options;
    for (const change of changes) {
      try {
        if (change.json !== '') change.value = space.read(change.key, change.json);
      } catch {
        // What is wrong with it is told when it is to be taken in.
      }
    }
  }

  /** Takes in what was read from the keys. Returns how many keys a full sync changed. */
  apply({ head, isFull, changes }: Batch, clock: ServerClock): number | undefined {
    const { freshness } = this.#options;
    freshness.lease(head.leaseMs, head.now, clock);
    // Directly from its owner this copy may be further than the keys.
    if (compare(head, this.replica.position) < 0) return undefined;
    const read = this.#read(changes);
    const changed = isFull
      ? this.replica.replace(head, read, this.#refused)
      : this.replica.advance(head, read);
    freshness.prove(head.cutAt, head.epoch, clock);
    this.#tell(changed);
    return isFull ? changed.length : undefined;
  }

  #prove(
    { cutAt, epoch, bye, leaseMs, publishedAt }: Header & { publishedAt: number },
    clock: ServerClock,
  ): void {
    this.#options.freshness.said({ cutAt, epoch, leaseMs: bye ? 0 : leaseMs, publishedAt }, clock);
  }

  #read(changes: readonly Change[]): ReadChange[] {
    const { space, time, report, rejected } = this.#options;
    const read: ReadChange[] = [];
    for (const { key, revision, json, value } of changes) {
      try {
        read.push({ key, revision, value: json === '' ? undefined : (value ?? space.read(key, json)) });
        if (this.#refused.size > 0) this.#refused.delete(key);
      } catch (error) {
        rejected('value');
        // Told once, not with each frame until it is mended.
        if (!this.#refused.has(key)) report(error);
        this.#refused.set(detached(key), this.#refused.get(key) ?? time.now());
      }
    }
    return read;
  }

  #tell(changed: readonly ReadChange[]): void {
    this.#options.advanced();
    if (this.watchers.isEmpty) return;
    for (const { key } of changed) {
      this.watchers.tell(key, () => this.reading(key as KeyOf<D>, this.replica.get(key)));
    }
  }
}
