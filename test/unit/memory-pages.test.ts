/** The pages of the store in memory: like those of Redis, they end by their bytes as well as by their number. */
import test from 'ava';
import { defineSpace, json } from '../../src/index.ts';
import { ZERO } from '../../src/state/position.ts';
import { MemoryWorld } from '../_memory-world.ts';

const space = defineSpace('space', { 'key/*': json<string>() });
const LONG = 300 * 1024;

/** The numbers of changes in the pages of a space with values of these lengths. */
async function pagesOf(lengths: readonly number[]): Promise<number[]> {
  const world = new MemoryWorld();
  const { tandem, store } = world.process('owner');
  const owner = tandem.own(space);
  for (const [n, length] of lengths.entries()) owner.set(`key/${n}`, 'x'.repeat(length));
  await world.result(owner.flush());
  const counts: number[] = [];
  let position = ZERO;
  for (;;) {
    const { head, changes, more } = await world.result(store.since('space', position, 100, { horizon: 1e9 }));
    counts.push(changes.length);
    if (!more) return counts;
    position = { epoch: head.epoch, revision: changes.at(-1)!.revision };
  }
}

test('short values come in one page', async (t) => {
  t.deepEqual(await pagesOf([10, 10, 10, 10]), [4]);
});

test('a page ends before the value that is too much for it', async (t) => {
  t.deepEqual(await pagesOf([LONG, 10, LONG, 10, 10]), [2, 3]);
});

test('a value that is too long for any page comes alone', async (t) => {
  t.deepEqual(await pagesOf([10, 3 * LONG, 3 * LONG, 10]), [1, 1, 1, 1]);
});
