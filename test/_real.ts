/** Tests that need a real Redis server: skipped, with the reason, where there is none. */
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { noServer } from './_redis-server.ts';

type Run = (t: ExecutionContext) => Promise<void>;

/** One after the other. */
export function onRealServer(title: string, run: Run): void {
  if (noServer === undefined) test.serial(title, run);
  else test.skip(`${title} (skipped: ${noServer})`, run);
}

/** How many at once leave the machine enough to keep to the times that are asked for. */
const AT_ONCE = 4;
let running = 0;
const waiting: (() => void)[] = [];

/** A few at once: for tests that mostly wait. */
export function onRealServers(title: string, run: Run): void {
  if (noServer !== undefined) return test.skip(`${title} (skipped: ${noServer})`, run);
  test(title, async (t) => {
    if (running >= AT_ONCE) await new Promise<void>((resolve) => void waiting.push(resolve));
    else running += 1;
    // A place is handed on, not given back and taken again.
    t.teardown(() => {
      const next = waiting.shift();
      if (next) next();
      else running -= 1;
    });
    t.timeout(60_000);
    await run(t);
  });
}
