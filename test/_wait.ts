/**
 * Waits for conditions. A test never sleeps for a guessed time, and each deadline says what did not happen.
 */

/** Resolves once `holds` is true. Checks on each turn of the loop at first, then every 5 ms. */
export async function until(
  holds: () => boolean | Promise<boolean>,
  what: string,
  timeoutMs = 10_000,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  for (let asked = 0; !(await holds()); asked += 1) {
    if (performance.now() > deadline) throw new Error(`did not happen within ${timeoutMs} ms: ${what}`);
    await new Promise((resolve) => (asked < 20 ? setImmediate(resolve) : setTimeout(resolve, 5)));
  }
}
