/** Tests that need a real Redis server: skipped, with the reason, where there is none. */
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { noServer } from './_redis-server.ts';
import { turns } from './_turns.ts';

type Run = (t: ExecutionContext) => Promise<void>;

/** One after the other. */
export function onRealServer(title: string, run: Run): void {
  if (noServer === undefined) test.serial(title, run);
  else test.skip(`${title} (skipped: ${noServer})`, run);
}

/** As many at once as leave the machine enough to keep to the times that are asked for. */
const turn = turns(4);

/** A few at once: for tests that mostly wait. */
export function onRealServers(title: string, run: Run): void {
  if (noServer !== undefined) return test.skip(`${title} (skipped: ${noServer})`, run);
  test(title, async (t) => {
    await turn(t);
    t.timeout(60_000);
    await run(t);
  });
}
