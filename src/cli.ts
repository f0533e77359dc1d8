#!/usr/bin/env node
/** The command line: `npx tandem-sync …`. Its exit codes: 0 well, 1 not well, 2 wrong usage. */
import { run } from './cli/run.ts';

process.exitCode = run(process.argv.slice(2), {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
});
