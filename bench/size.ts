/**
 * Figure 11: the bounds at size. Each is measured once, at two sizes where it depends on one: they are bounds of
 * the longest, and not of a median.
 */
import type { Benchmark, Row } from './harness/benchmark.ts';
import { crowd } from './size/crowd.ts';
import { herd } from './size/herd.ts';
import { neighbour } from './size/neighbour.ts';
import { phases } from './size/phases.ts';
import { turn } from './size/turn.ts';

const FULL = {
  keys: [300_000, 1_000_000],
  neighbour: 1_000_000,
  herd: { values: 200, followers: 6 },
  crowd: { keys: 100_000, clients: 100, rate: 1_000 },
  turn: { keys: 1_000_000, changed: 50_000 },
};
const QUICK: typeof FULL = {
  keys: [20_000],
  neighbour: 20_000,
  herd: { values: 20, followers: 2 },
  crowd: { keys: 5_000, clients: 10, rate: 200 },
  turn: { keys: 20_000, changed: 12_000 },
};

export const size: Benchmark = {
  name: 'size',
  title: 'The bounds at size: longest stretch, longest script, other spaces, joins, clients, a large turn',
  isLong: true,
  run: async ({ quick }) => {
    const sizes = quick ? QUICK : FULL;
    const rows: Row[] = [];
    const skipped: string[] = [];
    const add = async (name: string, run: () => Promise<Row[]>): Promise<void> => {
      try {
        rows.push(...(await run()));
      } catch (error) {
        // What breaks its bound may break altogether. The other figures still count.
        if (quick) throw error;
        skipped.push(`${name}: ${String(error instanceof Error ? error.message : error)}`);
      }
    };
    for (const keys of sizes.keys) await add(`${keys} keys`, () => phases(keys));
    await add('another space', () => neighbour(sizes.neighbour));
    await add('joins', () => herd(sizes.herd));
    await add('clients', () => crowd(sizes.crowd));
    await add('a large turn', () => turn(sizes.turn));
    return { rows, skipped };
  },
};
