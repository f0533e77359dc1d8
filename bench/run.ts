/**
 * Runs the benchmarks: `npm run bench [-- names…] [-- --quick] [--rounds n] [--seconds n] [--json file]
 * [--cpu-prof folder]`. With `--against <git ref> [--pairs n]` it compares them with those of another commit,
 * and a figure that is worse fails.
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { compare } from './against/comparison.ts';
import { benchmarks } from './benchmarks.ts';
import { runSession } from './harness/session.ts';

function refuse(why: string): never {
  console.error(why);
  process.exit(2);
}

function parse() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        quick: { type: 'boolean', default: false },
        rounds: { type: 'string' },
        seconds: { type: 'string' },
        json: { type: 'string' },
        'cpu-prof': { type: 'string' },
        against: { type: 'string' },
        pairs: { type: 'string' },
      },
    });
  } catch (error) {
    return refuse((error as Error).message);
  }
}

const { values, positionals: names } = parse();
const { quick, against } = values;

const unknown = names.filter((name) => !benchmarks.some((one) => one.name === name));
if (unknown.length > 0)
  refuse(`no benchmark ${unknown.join(', ')}; there are: ${benchmarks.map(({ name }) => name).join(', ')}`);
const chosen = benchmarks.filter(({ name, isLong }) =>
  names.length === 0 ? isLong !== true : names.includes(name),
);

/** Many pairs of short runs say more than few long ones: what differs is mostly from process to process. */
const defaults =
  against === undefined
    ? { rounds: quick ? 1 : 5, seconds: quick ? 1 : 4 }
    : { rounds: 1, seconds: quick ? 0.2 : 0.5 };
const settings = {
  quick,
  rounds: Number(values.rounds ?? defaults.rounds),
  seconds: Number(values.seconds ?? defaults.seconds),
};
const pairs = Number(values.pairs ?? 10);
if (!(Number.isInteger(settings.rounds) && settings.rounds >= 1 && settings.seconds > 0))
  refuse('expected --rounds of 1 or more, and --seconds above 0');
if (!(Number.isInteger(pairs) && pairs >= 1)) refuse('expected --pairs of 1 or more');
if (against === undefined && values.pairs !== undefined) refuse('--pairs is of use with --against alone');
if (against !== undefined && values['cpu-prof'] !== undefined)
  refuse('--cpu-prof is of no use with --against: a profile changes what is compared');

// Read by `harness/child.ts`, for each process that it starts.
if (values['cpu-prof']) process.env.BENCH_CPU_PROF = values['cpu-prof'];

const file = values.json ?? join(mkdtempSync(join(tmpdir(), 'bench-')), 'bench.json');
process.exitCode =
  against === undefined
    ? await runSession(chosen, settings, file)
    : await compare({ ref: against, chosen, pairs, settings, file });
