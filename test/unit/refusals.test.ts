/** Refusals: since when which keys are stale, and what is left of them after a whole state. */
import test from 'ava';
import { finish } from '../../src/base/slices.ts';
import { Refusals } from '../../src/follower/refusals.ts';

function refused(...keys: [key: string, at: number][]): Refusals {
  const refusals = new Refusals();
  for (const [key, at] of keys) refusals.refuse(key, at);
  return refusals;
}

test('a key counts from its first failure until a readable value comes', (t) => {
  const refusals = refused(['a', 1], ['b', 2], ['a', 3]);
  t.is(refusals.since('a'), 1);
  t.is(refusals.oldest, 1);
  t.true(refusals.accept('a'));
  t.false(refusals.accept('a'));
  t.is(refusals.oldest, 2);
  t.true(refusals.accept('b'));
  t.true(refusals.isEmpty);
  t.is(refusals.oldest, Infinity);
});

test('after a whole state those that it refuses are left, from their first failure on', (t) => {
  const before = refused(['gone', 1], ['still', 2], ['kept', 3]);
  const after = finish(before.after(refused(['new', 10], ['still', 11]), (key) => key === 'kept'));
  t.deepEqual(
    [...after.keys()].map((key) => [key, after.since(key)]),
    [
      ['still', 2],
      ['kept', 3],
      ['new', 10],
    ],
  );
  t.is(after.oldest, 2);
});
