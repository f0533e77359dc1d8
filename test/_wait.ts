/** Waiting for conditions: never a sleep, always a deadline that says what did not come. */

/** Resolves once `holds` does. Asks again each turn of the loop at first, then every few milliseconds. */
export async function until(
  holds: () => boolean | Promise<boolean>,
  what: string,
  timeoutMs = 10_000,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  for (let asked = 0; !(await holds()); asked += 1) {
    if (performance.now() > deadline) throw new Error(`did not come within ${timeoutMs} ms: ${what}`);
    await new Promise((resolve) => (asked < 20 ? setImmediate(resolve) : setTimeout(resolve, 5)));
  }
}
