/**
 * This tree's benchmarks and another commit's own, in turn, in one run: `npm run bench -- --against <ref>
 * names…`. How a figure is judged: docs/benchmarks.md.
 */
import { writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import type { Benchmark, Settings } from '../harness/benchmark.ts';
import { describeMachine, inOneLine } from '../harness/machine.ts';
import { commitOf, describeHere, HERE, withCheckout } from './checkout.ts';
import type { Trees } from './pairs.ts';
import { measurePairs } from './pairs.ts';
import type { Joined } from './series.ts';
import { join } from './series.ts';
import { tables } from './table.ts';
import { Tree } from './tree.ts';
import type { Outcome } from './verdict.ts';
import { judge, outcomeOf } from './verdict.ts';

export interface ComparisonOptions {
  readonly ref: string;
  readonly chosen: readonly Benchmark[];
  readonly pairs: number;
  readonly settings: Settings;
  /** Where all of it is written, as JSON. */
  readonly file: string;
}

const USAGE = 2;
const EXIT_CODES: Readonly<Record<Outcome, number>> = {
  worse: 1,
  'too noisy': 1,
  'not worse': 0,
  'not judged': 0,
};
const WORDS: Readonly<Record<Outcome, string>> = {
  worse: 'worse: of the rows above, some have a whole interval above 1.05',
  'too noisy':
    'too noisy: this tree differs from itself by a whole interval. The machine is not quiet enough to judge by',
  'not worse': 'not worse: no row has a whole interval above 1.05',
  'not judged': 'not judged: there is no interval; with fewer than six pairs there never is',
};

/** The exit code: 0 for what is not worse, 1 for worse, too noisy or failed, 2 for what cannot be asked. */
export async function compare(options: ComparisonOptions): Promise<number> {
  const commit = commitOf(options.ref);
  if (commit === undefined) {
    console.error(`no commit ${options.ref}`);
    return USAGE;
  }
  const interrupted = new AbortController();
  let signalled: number | undefined;
  // For good, not once: a second Ctrl-C, or the one that npm passes on, must not end this before it has
  // cleaned up.
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(name, () => {
      signalled ??= 128 + constants.signals[name];
      interrupted.abort(new Error(`ended by ${name}`));
    });
  const { signal } = interrupted;
  try {
    return await withCheckout(commit, signal, (root, temporary) => {
      const common = { temporary, signal };
      const trees = {
        here: new Tree({ ...common, root: HERE }),
        there: new Tree({ ...common, root }),
        borrowing: new Tree({ ...common, root: HERE, library: root }),
      };
      return compareTrees(trees, { ...options, commit });
    });
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return signalled ?? 1;
  }
}

async function compareTrees(
  trees: Trees,
  { commit, chosen, pairs, settings, file }: ComparisonOptions & { readonly commit: string },
): Promise<number> {
  const known = await trees.there.names();
  const shared = chosen.filter(({ name }) => known?.includes(name));
  if (shared.length === 0) {
    console.error(`${commit} has ${known === undefined ? 'no benchmarks' : 'none of these benchmarks'}`);
    return USAGE;
  }
  const machine = describeMachine();
  const here = describeHere();
  console.log(inOneLine(machine));
  console.log(`this: ${here}\nthat: ${commit}\n`);
  for (const { name } of chosen)
    if (!known?.includes(name)) console.log(`only this tree has the benchmark ${name}`);

  const rounds = await measurePairs(trees, shared, pairs, settings);
  const joined = join(rounds);
  const judged = joined.series.map(judge);
  const outcome = outcomeOf(judged);
  console.log(`\n${tables(judged)}\n`);
  for (const line of notes(joined)) console.log(line);
  const all = { machine, this: here, that: commit, settings, pairs, outcome, judged, rounds };
  writeFileSync(file, JSON.stringify(all, undefined, 2));
  console.log(`\nall of it: ${file}\n\n${WORDS[outcome]}`);
  return EXIT_CODES[outcome];
}

function notes({ series, onlyThis, onlyThat }: Joined): string[] {
  return [
    ...(series.some(({ isBorrowed }) => isBorrowed)
      ? ["† that tree's own benchmark has no such row: its library, by this tree's benchmark"]
      : []),
    ...onlyThis.map((name) => `only this tree has ${name}`),
    ...onlyThat.map((name) => `only that tree has ${name}`),
  ];
}
