/** Turns for tests that would disturb each other: a few tests of a file run at once, and the others wait. */
import type { ExecutionContext } from 'ava';

/** A turn ends when its test ends, passed or failed. */
export function turns(atOnce: number): (t: ExecutionContext) => Promise<void> {
  let free = atOnce;
  const waiting: (() => void)[] = [];
  return async (t) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => void waiting.push(resolve));
    // The turn goes straight to the next test. Freeing it first would let a newcomer overtake that test.
    t.teardown(() => {
      const next = waiting.shift();
      if (next) next();
      else free += 1;
    });
  };
}
