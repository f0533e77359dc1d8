/** A share of the simulator's worlds is large, and their states take many pages and commits. */
import test from 'ava';
import { sizeOf } from '../simulation/size.ts';

const sizes = Array.from({ length: 5_000 }, (_, seed) => sizeOf(seed));

test('about a tenth of all worlds is large, for seeds of every remainder', (t) => {
  for (const remainder of [0, 1, 2, 3]) {
    const some = sizes.filter((_, seed) => seed % 4 === remainder);
    const share = some.filter(({ isLarge }) => isLarge).length / some.length;
    t.true(share > 0.07 && share < 0.13, `${share} of the seeds that leave ${remainder}`);
  }
});

test('a large state takes nine pages at least, and more than any one commit', (t) => {
  for (const { keys, page, capacity } of sizes.filter(({ isLarge }) => isLarge)) {
    t.true(keys.length >= 9 * page);
    t.true(keys.length > 8 * capacity.changes);
  }
});
