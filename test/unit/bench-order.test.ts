/** The order of a comparison's runs: no side may gain by its place. */
import assert from 'node:assert/strict';
import test from 'ava';
import { order } from '../../bench/against/order.ts';

const pairsOf = (rounds: readonly (readonly string[])[], other: string) =>
  rounds.map((sides) => sides.indexOf('this') < sides.indexOf(other));

test('each round runs this tree, the other one, and this tree once more', (t) => {
  const rounds = order(10);
  t.is(rounds.length, 10);
  for (const sides of rounds) assert.deepEqual(sides.toSorted(), ['control', 'that', 'this']);
  t.pass();
});

test('this tree is first in every other pair, in those of the control as well', (t) => {
  for (const other of ['that', 'control'])
    assert.deepEqual(pairsOf(order(4), other), [true, false, true, false]);
  t.pass();
});
