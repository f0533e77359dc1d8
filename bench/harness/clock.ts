/** One clock for all processes of a machine: CLOCK_MONOTONIC, in ms with fractions. */
export function monotonicMs(): number {
  // Not `performance.now()`: its zero is each process's own, and is not known to the microsecond.
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1_000 + nanoseconds / 1e6;
}
