#!/usr/bin/env node
/** The command line: `npx tandem-sync …`. Its exit codes: 0 well, 1 not well, 2 wrong usage. */
import { systemTime } from './base/time.ts';
import { run } from './cli/run.ts';

const { stdout, stderr, stdin, env } = process;
const ending = new AbortController();
/** A command that does not end by itself is ended after this, ms. */
const END_MS = 3_000;
let cancel = (): void => {};
const end = (): void => {
  ending.abort();
  cancel = systemTime.after(END_MS, () => process.exit(1));
};
process.once('SIGINT', end);
process.once('SIGTERM', end);
stdout.on('error', ({ code }: NodeJS.ErrnoException) => {
  // Whoever read what is printed has gone, as `head` does: nobody is left to tell.
  if (code === 'EPIPE') process.exit(0);
  stderr.write(`tandem-sync: what is printed cannot be written: ${code}\n`);
  process.exit(1);
});

process.exitCode = await run(process.argv.slice(2), {
  out: (text) => void stdout.write(text),
  err: (text) => void stderr.write(text),
  drained: () =>
    new Promise((resolve) => (stdout.writableNeedDrain ? stdout.once('drain', resolve) : resolve())),
  isTerminal: stdout.isTTY,
  size: () => ({ columns: stdout.columns ?? 80, rows: stdout.rows ?? 24 }),
  environment: env,
  input: () => stdin.setEncoding('utf8'),
  ended: ending.signal,
});
cancel();
