/** The median of ratios, and the interval in which it lies by 95 %. */

export interface Interval {
  readonly low: number;
  readonly high: number;
}

const CONFIDENCE = 0.95;

/**
 * The narrowest interval between the k-th lowest and the k-th highest of n values that holds the median
 * by 95 % or more; `undefined` for fewer than six values, of which not even all are enough.
 *
 * The median is outside if fewer than k values lie on one side of it. Each value does so by 1/2, so the
 * chance is twice that of fewer than k heads in n throws of a coin, whatever the values' distribution. Ten
 * values: from the second to the ninth, 97.9 %. (H. A. David, H. N. Nagaraja, Order Statistics, 3rd edition,
 * 7.1; benchstat does the same for each side: https://pkg.go.dev/golang.org/x/perf/benchmath#pkg-variables,
 * AssumeNothing.)
 *
 * Not a bootstrap: of ten values, a bootstrap's interval holds the median less often than it says.
 */
export function medianInterval(values: readonly number[]): Interval | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  const count = sorted.length;
  let k = 0;
  // The chance of exactly k heads, and of fewer.
  let exactly = 0.5 ** count;
  for (let fewer = exactly; 2 * fewer <= 1 - CONFIDENCE; fewer += exactly) {
    k += 1;
    exactly *= (count - k + 1) / k;
  }
  return k === 0 ? undefined : { low: sorted[k - 1]!, high: sorted[count - k]! };
}

/** Between two in the middle: their geometric mean, so that A to B is the inverse of B to A. */
export function medianRatio(ratios: readonly number[]): number {
  const sorted = ratios.toSorted((a, b) => a - b);
  const [low, high] = [sorted[(sorted.length - 1) >> 1]!, sorted[sorted.length >> 1]!];
  return low === high ? low : Math.sqrt(low * high);
}
