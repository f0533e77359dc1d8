/** The examples of the testing kit for node:test. Those for AVA run with ours, and the others in a step of CI. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import test from 'ava';
import { LONGEST_TEST_MS } from '../_real.ts';

const run = promisify(execFile);
const root = new URL('../..', import.meta.url);

/** Runs Node where the package has its own name. */
async function output(...args: string[]): Promise<string> {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const all = ['--import', './test/_own-name.ts', ...args];
  return (await run(process.execPath, all, { cwd: root, env })).stdout;
}

test('the examples for node:test pass', async (t) => {
  t.timeout(LONGEST_TEST_MS);
  t.regex(await output('--test', 'examples/testing/node.test.ts'), /pass 3\n/);
});

test('the test in docs/testing.md passes', async (t) => {
  t.timeout(LONGEST_TEST_MS);
  const text = readFileSync(new URL('docs/testing.md', root), 'utf8');
  const [, code = ''] = /```ts\n(import assert.*?)```/s.exec(text) ?? [];
  t.regex(await output('--input-type=module-typescript', '--eval', code), /pass 1\n/);
});
