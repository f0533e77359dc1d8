/** Tests that need a real Redis server: one after the other, and skipped, with the reason, where there is none. */
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { noServer } from './_redis-server.ts';

export function onRealServer(title: string, run: (t: ExecutionContext) => Promise<void>): void {
  if (noServer === undefined) test.serial(title, run);
  else test.skip(`${title} (skipped: ${noServer})`, run);
}
