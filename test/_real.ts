/**
 * Declares tests that need a real Redis server. Where none is installed, they are skipped with the reason.
 */
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { noServer } from './_redis-server.ts';
import { turns } from './_turns.ts';

type Run = (t: ExecutionContext) => Promise<void>;

/** More than ten times what the slowest of these tests takes, and less than AVA's limit for a whole run. */
export const LONGEST_TEST_MS = 180_000;

/** Runs these tests one after the other. */
export function onRealServer(title: string, run: Run): void {
  if (noServer !== undefined) return test.skip(`${title} (skipped: ${noServer})`, run);
  test.serial(title, (t) => {
    t.timeout(LONGEST_TEST_MS);
    return run(t);
  });
}

/** With more tests at once, the machine could not keep to the times that the tests assert. */
const turn = turns(4);

/** Runs a few of these tests at once: for tests that mostly wait. */
export function onRealServers(title: string, run: Run): void {
  if (noServer !== undefined) return test.skip(`${title} (skipped: ${noServer})`, run);
  test(title, async (t) => {
    await turn(t);
    t.timeout(60_000);
    await run(t);
  });
}
