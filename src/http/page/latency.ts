/** Update latency, for people: the quantiles and the histogram of each second. */
import { Recent } from './recent.ts';

const KEPT_SECONDS = 180;
/** With more samples in a second, the quantiles are those of the last 4,096. */
const MAX_SAMPLES = 4_096;

/** Upper bounds of the buckets, ms; the last bucket has none. */
export const LATENCY_BOUNDS_MS: readonly number[] = [
  0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000,
];

/** The update latency of one second. */
export interface LatencySecond {
  /** The end of the second, on `Time`, ms. */
  readonly at: number;
  /** The number of updates. */
  readonly count: number;
  /** `null` without updates. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  readonly maxMs: number | null;
  /** The largest error bound of a sample; `null` without updates. */
  readonly errorMs: number | null;
  /** The number of samples in each bucket. */
  readonly buckets: readonly number[];
}

export class LatencyMeter {
  readonly seconds = new Recent<LatencySecond>(KEPT_SECONDS);
  #samples: number[] = [];
  #count = 0;
  #errorMs = 0;
  #buckets = noBuckets();

  note(ms: number, errorMs: number): void {
    const at = this.#count % MAX_SAMPLES;
    this.#samples[at] = ms;
    this.#count += 1;
    this.#errorMs = Math.max(this.#errorMs, errorMs);
    const bucket = LATENCY_BOUNDS_MS.findIndex((bound) => ms <= bound);
    this.#buckets[bucket < 0 ? LATENCY_BOUNDS_MS.length : bucket]! += 1;
  }

  /** Ends the current second and begins the next. */
  close(at: number): void {
    const sorted = this.#samples.toSorted((a, b) => a - b);
    const quantile = (share: number): number | null => sorted[Math.ceil(sorted.length * share) - 1] ?? null;
    this.seconds.add({
      at,
      count: this.#count,
      p50Ms: quantile(0.5),
      p99Ms: quantile(0.99),
      maxMs: quantile(1),
      errorMs: this.#count === 0 ? null : this.#errorMs,
      buckets: this.#buckets,
    });
    this.#samples = [];
    this.#count = 0;
    this.#errorMs = 0;
    this.#buckets = noBuckets();
  }
}

function noBuckets(): number[] {
  return Array.from({ length: LATENCY_BOUNDS_MS.length + 1 }, () => 0);
}
