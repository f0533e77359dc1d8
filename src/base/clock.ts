/**
 * The server's clock, estimated from round trips. This machine's wall clock is never read.
 *
 * A round trip leaves at `sentAt`, comes back at `receivedAt` and carries the server's time `serverMs`. It
 * proves that `server - local` lies between `serverMs - receivedAt` and `serverMs - sentAt`: the middle of
 * the two, give or take half the round trip (Cristian, "Probabilistic clock synchronization", 1989). The
 * sample with the smallest error in a window of 30 s wins. As a sample ages, its error grows by the drift
 * between two quartz clocks.
 *
 * Invariant: `now()` never goes back, unless the samples show that somebody set the server's clock. When a
 * better sample puts the server's time earlier, `now()` stands still until that time has caught up. Meanwhile
 * `errorMs` includes the difference.
 *
 * How long this machine slept is known only roughly. So samples from before a sleep are void, and so is a
 * round trip that was under way: until the next one, the clock claims nothing.
 */
import type { Time } from './time.ts';

interface Sample {
  /** Server's time less local time, ms. */
  readonly offsetMs: number;
  readonly errorMs: number;
  readonly at: number;
}

/** Two clocks drift apart by at most this much: 200 ppm, twice the tolerance of common crystals. */
const DRIFT = 200e-6;
/** A double holds milliseconds since 1970 to 1/4096 ms; an offset is the sum of a few such numbers. */
const ROUNDING_MS = 0.001;
const WINDOW_MS = 30_000;
const MAX_SAMPLES = 32;
/** A sample that follows another sooner than this is kept only when its error is smaller. */
const MIN_SPACING_MS = 250;

export class ServerClock {
  readonly #time: Time;
  #samples: Sample[] = [];
  #best: Sample | undefined;
  /** The latest time that `now()` has returned; it returns nothing earlier. */
  #returnedMs = -Infinity;
  #lastAheadMs = NaN;
  /** `#lastAheadMs` when this machine fell asleep last: what was measured before goes by it. */
  #aheadBeforeSleepMs = NaN;

  constructor(time: Time) {
    this.#time = time;
  }

  /**
   * Adds the sample of one round trip. A round trip without a finite server time is ignored.
   * @param sentAt on `Time`, ms
   * @param serverMs the server's time in the answer, ms since 1970
   * @param receivedAt on `Time`, ms
   */
  sample(sentAt: number, serverMs: number, receivedAt: number): void {
    this.#known();
    if (sentAt < this.#time.wokeAt) return;
    if (!Number.isFinite(serverMs) || receivedAt < sentAt) return;
    const errorMs = (receivedAt - sentAt) / 2;
    // The server may have read its clock as early as `sentAt`: the clocks may drift apart from then on.
    const sample = { offsetMs: serverMs - (sentAt + receivedAt) / 2, errorMs, at: sentAt };
    const best = this.#best;
    if (best !== undefined && !this.#agree(best, sample)) this.reset();
    else if (best !== undefined && errorMs >= this.#bound(best) && !this.#isSpaced(sample)) return;
    this.#samples = this.#samples.filter(({ at }) => receivedAt - at < WINDOW_MS).slice(1 - MAX_SAMPLES);
    this.#samples.push(sample);
    this.#best = this.#samples.reduce((a, b) => (this.#bound(b) <= this.#bound(a) ? b : a));
    this.#lastAheadMs = this.#best.offsetMs;
  }

  /** Drops all samples, as after a change of server: the next one may have another clock. */
  reset(): void {
    this.#samples = [];
    this.#best = undefined;
    this.#returnedMs = -Infinity;
  }

  /** The error bound, ms: the server's time is within `now() ± errorMs`. Infinite without a sample. */
  get errorMs(): number {
    const at = this.#time.now();
    const best = this.#known();
    if (best === undefined) return Infinity;
    return this.#bound(best, at) + Math.max(0, this.#returnedMs - this.#estimate(best, at));
  }

  /** The best estimate of the server's time, ms since 1970; NaN without a sample. */
  now(): number {
    const at = this.#time.now();
    const best = this.#known();
    if (best === undefined) return NaN;
    this.#returnedMs = Math.max(this.#returnedMs, this.#estimate(best, at));
    return this.#returnedMs;
  }

  /**
   * How far the server's clock was ahead of the local one, ms: the best estimate. For a moment before this machine
   * slept, it is the one from before the sleep. While samples are void, it is the last one, which may be wrong by what
   * is not known of a sleep. NaN before the first sample.
   * @param at the moment in question, on `Time`, ms; default now
   */
  aheadMs(at = Infinity): number {
    const ahead = this.now() - this.#time.now();
    if (!Number.isNaN(ahead)) this.#lastAheadMs = ahead;
    const isBeforeSleep = at < this.#time.wokeAt && !Number.isNaN(this.#aheadBeforeSleepMs);
    return isBeforeSleep ? this.#aheadBeforeSleepMs : this.#lastAheadMs;
  }

  /**
   * The lower bound of the server's time, ms since 1970; -Infinity without a sample.
   * @param at the moment in question, on `Time`, ms, as `now()` was read last; default now
   */
  earliest(at = this.#time.now()): number {
    const best = this.#known();
    return best === undefined ? -Infinity : this.#estimate(best, at) - this.#bound(best, at);
  }

  /**
   * The upper bound of the server's time, ms since 1970; Infinity without a sample.
   * @param at the moment in question, on `Time`, ms, as `now()` was read last; default now
   */
  latest(at = this.#time.now()): number {
    const best = this.#known();
    if (best === undefined) return Infinity;
    return Math.max(this.#returnedMs, this.#estimate(best, at) + this.#bound(best, at));
  }

  /** The best sample; `undefined` without one, and after a sleep. Call it after `Time.now()`. */
  #known(): Sample | undefined {
    const best = this.#best;
    if (best === undefined || best.at >= this.#time.wokeAt) return best;
    this.#aheadBeforeSleepMs = this.#lastAheadMs;
    this.reset();
    return undefined;
  }

  #isSpaced(sample: Sample): boolean {
    return sample.at - (this.#samples.at(-1)?.at ?? -Infinity) >= MIN_SPACING_MS;
  }

  #estimate({ offsetMs }: Sample, at = this.#time.now()): number {
    return at + offsetMs;
  }

  /**
   * The clocks may drift apart from the moment at which the server read its clock. That moment is unknown: it
   * lies between `sentAt` and the arrival of the answer, `2 * errorMs` later. The bound takes whichever end
   * is further.
   */
  #bound({ at: sentAt, errorMs }: Sample, at = this.#time.now()): number {
    return errorMs + Math.max(at - sentAt, sentAt + 2 * errorMs - at) * DRIFT;
  }

  /**
   * Two samples that exclude each other show that somebody set the server's clock: the older ones are void.
   */
  #agree(a: Sample, b: Sample): boolean {
    return Math.abs(a.offsetMs - b.offsetMs) <= this.#bound(a) + this.#bound(b) + ROUNDING_MS;
  }
}
