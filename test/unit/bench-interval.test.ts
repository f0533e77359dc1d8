/** The interval of a median: exact, by order alone. */
import assert from 'node:assert/strict';
import test from 'ava';
import * as fc from 'fast-check';
import { medianInterval, medianRatio } from '../../bench/against/interval.ts';
import { check } from '../_check.ts';

const oneTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n + 1);

test('of ten values, the interval is from the second to the ninth', (t) => {
  t.deepEqual(medianInterval([7, 3, 10, 1, 9, 2, 8, 4, 6, 5]), { low: 2, high: 9 });
});

// Twice the chance of fewer heads than `low` is at most 5 %, by the binomial distribution; one rank further
// it is more.
for (const [count, low, high] of [
  [6, 1, 6],
  [8, 1, 8],
  [9, 2, 8],
  [12, 3, 10],
  [15, 4, 12],
  [20, 6, 15],
] as const)
  test(`of ${count} values, the interval is from ${low} to ${high}`, (t) => {
    t.deepEqual(medianInterval(oneTo(count)), { low, high });
  });

test('of fewer than six values there is none', (t) => {
  for (let count = 0; count < 6; count += 1) assert.equal(medianInterval(oneTo(count)), undefined);
  t.pass();
});

test('the interval holds the median of the values', async (t) => {
  const values = fc.array(fc.double({ min: 0.01, max: 100, noNaN: true }), { minLength: 6, maxLength: 40 });
  await check(
    t,
    fc.property(values, (ratios) => {
      const { low, high } = medianInterval(ratios)!;
      const ratio = medianRatio(ratios);
      assert.ok(low <= ratio * (1 + 1e-9) && ratio <= high * (1 + 1e-9));
    }),
  );
  t.pass();
});

test('95 of 100 intervals hold the true median, or more', (t) => {
  // A seed of its own: the same draws in each run.
  let state = 1;
  const draw = (): number => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
  let held = 0;
  for (let times = 0; times < 2_000; times += 1) {
    // A long tail, as latencies have; its median is 1.
    const values = Array.from({ length: 10 }, () => -Math.log(draw()) / Math.LN2);
    const { low, high } = medianInterval(values)!;
    if (low <= 1 && 1 <= high) held += 1;
  }
  t.true(held / 2_000 > 0.96 && held / 2_000 < 0.99, `${held} of 2000`);
});

test('the median of ratios is the inverse of that of inverse ratios', (t) => {
  const ratios = [0.5, 0.8, 1.25, 4];
  t.true(Math.abs(medianRatio(ratios) * medianRatio(ratios.map((ratio) => 1 / ratio)) - 1) < 1e-12);
  t.is(medianRatio([3, 1, 2]), 2);
});
