/**
 * Update latency, for people: the quantiles and the histogram of each second, and of each ten seconds before that, so
 * that a quarter of an hour is kept.
 */
import { Recent } from './recent.ts';

const KEPT_SECONDS = 120;
const KEPT_TENS = 90;
const TEN = 10;
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
  readonly #tens = new Recent<LatencySecond>(KEPT_TENS);
  #ten: LatencySecond[] = [];
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

  /** What a reader that has had `count` seconds gets: one that has none also gets what came before those kept. */
  since(count: number): LatencySecond[] {
    const recent = this.seconds.since(count);
    const from = recent[0]?.at ?? Infinity;
    if (count > 0) return recent;
    return [...this.#tens.since(0).filter(({ at }) => at < from), ...recent];
  }

  /** Ends the current second and begins the next. */
  close(at: number): void {
    const sorted = this.#samples.toSorted((a, b) => a - b);
    const quantile = (share: number): number | null => sorted[Math.ceil(sorted.length * share) - 1] ?? null;
    this.#closed({
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

  #closed(second: LatencySecond): void {
    this.seconds.add(second);
    this.#ten.push(second);
    if (this.#ten.length < TEN) return;
    this.#tens.add(togetherOf(this.#ten));
    this.#ten = [];
  }
}

/** Several seconds as one. Of quantiles the worst is kept: what was slow must not be averaged away. */
function togetherOf(seconds: readonly LatencySecond[]): LatencySecond {
  const worst = (field: 'p50Ms' | 'p99Ms' | 'maxMs' | 'errorMs'): number | null =>
    seconds.reduce<number | null>(
      (most, { [field]: ms }) => (ms === null ? most : Math.max(most ?? 0, ms)),
      null,
    );
  return {
    at: seconds.at(-1)!.at,
    count: seconds.reduce((sum, { count }) => sum + count, 0),
    p50Ms: worst('p50Ms'),
    p99Ms: worst('p99Ms'),
    maxMs: worst('maxMs'),
    errorMs: worst('errorMs'),
    buckets: noBuckets().map((_, n) => seconds.reduce((sum, { buckets }) => sum + buckets[n]!, 0)),
  };
}

function noBuckets(): number[] {
  return Array.from({ length: LATENCY_BOUNDS_MS.length + 1 }, () => 0);
}
