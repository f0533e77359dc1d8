/** What a server does not take is found out by halving. */
import test from 'ava';
import { portionsOf } from '../../src/redis/commands.ts';
import { Limits } from '../../src/redis/limits.ts';

const MIB = 1_048_576;

test('nothing is known at first, and a small call says nothing', (t) => {
  const limits = new Limits();
  t.is(limits.bytes(0), Infinity);
  t.false(limits.refused(1_000, true, 0));
  t.is(limits.bytes(0), Infinity);
  t.is(limits.never(0), Infinity);
});

test('each refusal of several changes halves what goes out', (t) => {
  const limits = new Limits();
  t.true(limits.refused(4 * MIB, false, 0));
  t.true(limits.bytes(0) <= 2 * MIB && limits.bytes(0) > 1.9 * MIB);
  limits.refused(limits.bytes(0), false, 0);
  t.true(limits.bytes(0) <= MIB && limits.bytes(0) > 0.9 * MIB);
  t.is(limits.never(0), Infinity);
});

test('a single change is never taken once it was refused twice: the first time, the network may have failed', (t) => {
  const limits = new Limits();
  limits.refused(3 * MIB, true, 0);
  t.is(limits.never(0), Infinity);
  limits.refused(3 * MIB, true, 0);
  t.is(limits.never(0), 3 * MIB);
});

test('after ten minutes without a refusal everything is tried again', (t) => {
  const limits = new Limits();
  limits.refused(3 * MIB, true, 1_000);
  limits.refused(3 * MIB, true, 1_000);
  t.is(limits.never(600_000), 3 * MIB);
  t.is(limits.never(602_000), Infinity);
  t.is(limits.bytes(602_000), Infinity);
});

test('a portion is bounded in bytes of UTF-8, and a change that is larger goes alone', (t) => {
  const changes = ['€'.repeat(100), 'a'.repeat(100), 'b'.repeat(100), 'c'.repeat(900), 'd'].map(
    (json, n) => ({
      key: `k${n}`,
      revision: n + 1,
      json,
    }),
  );
  const sizes = (most?: number): number[] => [...portionsOf(changes, most)].map((one) => one.changes.length);
  t.deepEqual(sizes(), [5]);
  t.deepEqual(sizes(320), [1, 2, 1, 1]);
  t.deepEqual(
    [...portionsOf(changes, 320)].map(({ isFirst }) => isFirst),
    [true, false, false, false],
  );
});
