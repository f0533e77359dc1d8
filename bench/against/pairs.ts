/** Runs the pairs of a comparison, one run after the other. */
import type { Benchmark, Settings } from '../harness/benchmark.ts';
import { CommandFailed } from './command.ts';
import type { Side } from './order.ts';
import { order } from './order.ts';
import type { Reports, Round } from './series.ts';
import { lacking } from './series.ts';
import type { Tree } from './tree.ts';

export interface Trees {
  readonly here: Tree;
  readonly there: Tree;
  /** This tree's benchmarks with the other tree's library. */
  readonly borrowing: Tree;
}

export async function measurePairs(
  trees: Trees,
  shared: readonly Benchmark[],
  pairs: number,
  settings: Settings,
): Promise<Round[]> {
  const names = shared.map(({ name }) => name);
  const treeOf: Readonly<Record<Side, Tree>> = { this: trees.here, that: trees.there, control: trees.here };
  let borrowable = shared.filter(({ takesLibrary }) => takesLibrary).map(({ name }) => name);
  const rounds: Round[] = [];
  for (const [n, sides] of order(pairs).entries()) {
    const started = performance.now();
    const found = {} as Record<Side, Reports>;
    let borrowed: Reports | undefined;
    for (const side of sides) {
      found[side] = await twice(() => treeOf[side].run(names, settings));
      if (side !== 'that') continue;
      // The first round goes forward: it has both sides by now, and says what the other one lacks.
      if (n === 0) borrowable = borrowable.filter((name) => lacking(found.this, found.that).includes(name));
      if (borrowable.length === 0) continue;
      // In the place of the run that it completes: neither side gains by its place.
      borrowed = await borrow(trees.borrowing, borrowable, settings);
      // What failed once is not asked for again: half a series would be of no use.
      if (borrowed === undefined) borrowable = [];
    }
    rounds.push({ ...found, ...(borrowed === undefined ? {} : { borrowed }) });
    const seconds = Math.round((performance.now() - started) / 1_000);
    console.log(`pair ${n + 1} of ${pairs}: ${sides.join(', ')} (${seconds} s)`);
  }
  return rounds;
}

/** An update that a busy machine lost fails a run. Once is no reason to lose all pairs; twice in a row is. */
async function twice<T>(attempt: () => Promise<T>): Promise<T> {
  try {
    return await attempt();
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error;
    console.log(`once more, since it failed: ${error.message}`);
    return attempt();
  }
}

async function borrow(tree: Tree, names: string[], settings: Settings): Promise<Reports | undefined> {
  try {
    return await tree.run(names, settings);
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error;
    console.log(`this tree's benchmarks cannot run with that tree's library: ${error.message}`);
    return undefined;
  }
}
