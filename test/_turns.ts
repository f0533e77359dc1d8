/** Turns for tests that would be in each other's way: a few of a file run at once, others wait for their turn. */
import type { ExecutionContext } from 'ava';

/** The turn is over when the test is, whatever became of it. */
export function turns(atOnce: number): (t: ExecutionContext) => Promise<void> {
  let free = atOnce;
  const waiting: (() => void)[] = [];
  return async (t) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => void waiting.push(resolve));
    // Handed on, not given back and taken again.
    t.teardown(() => {
      const next = waiting.shift();
      if (next) next();
      else free += 1;
    });
  };
}
