/**
 * Latencies, as HDR histograms that can be sent from process to process and added up. Microseconds, three
 * digits.
 */
import type { Histogram } from 'hdr-histogram-js';
import { build, decodeFromCompressedBase64, encodeIntoCompressedBase64 } from 'hdr-histogram-js';

/** Percentiles, µs. */
export type Percentiles = {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  readonly count: number;
};

export class Latencies {
  #histogram = empty();

  record(ms: number): void {
    this.#histogram.recordValue(Math.max(1, Math.round(ms * 1_000)));
  }

  /** What was recorded, packed; from now on nothing is. */
  take(): string {
    const packed = encodeIntoCompressedBase64(this.#histogram);
    this.#histogram = empty();
    return packed;
  }
}

/** The percentiles of all that was recorded in several processes. */
export function percentiles(packed: readonly string[]): Percentiles {
  const all = empty();
  for (const one of packed) all.add(decodeFromCompressedBase64(one));
  const at = (percentile: number): number => all.getValueAtPercentile(percentile);
  return { p50: at(50), p99: at(99), max: all.maxValue, count: all.totalCount };
}

function empty(): Histogram {
  return build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: 120_000_000,
    numberOfSignificantValueDigits: 3,
  });
}
