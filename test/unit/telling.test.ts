/** Telling in slices: each key that changed once, as it is then, while frames go on changing the copy. */
import assert from 'node:assert/strict';
import test from 'ava';
import * as fc from 'fast-check';
import { HeadWatchers } from '../../src/actor/head-watchers.ts';
import { Slices } from '../../src/base/slices.ts';
import { Telling } from '../../src/actor/telling.ts';
import { noTracer } from '../../src/ports/tracer.ts';
import type { ReadChange } from '../../src/state/read-change.ts';
import { Replica } from '../../src/state/replica.ts';
import { check } from '../_check.ts';
import { FakeTime } from '../../src/base/fake-time.ts';
import { swap } from '../_swap.ts';

const LINE = { epoch: 5, base: { epoch: 3, revision: 0 } };

class Bench {
  readonly time = new FakeTime();
  readonly replica = new Replica();
  readonly heads = new HeadWatchers();
  readonly telling: Telling<readonly [key: string, revision: number]>;
  /** What a watcher of everything was called with. */
  readonly told: (readonly [key: string, revision: number])[] = [];
  /** The numbers of changed keys of the states that were told to the end. */
  readonly counts: number[] = [];

  /** @param steps of one slice */
  constructor(steps: () => number, isWatched = true, fewSteps = 0) {
    const slices = new Slices(this.time, { steps, fewSteps });
    const context = { heads: this.heads, runtime: { slices, tracer: noTracer } };
    this.telling = new Telling(this.replica, context, (key) => [key, this.revisionOf(key)] as const);
    if (isWatched) this.telling.watchers.add('*', (seen) => this.told.push(seen));
  }

  revisionOf(key: string): number {
    return this.replica.get(key)?.revision ?? 0;
  }

  replace(revision: number, changes: readonly ReadChange[]): void {
    const old = swap(this.replica, { ...LINE, revision }, changes);
    this.telling.replaced({ old, from: 0, told: (keys) => this.counts.push(keys) });
  }

  frame(key: string, value: unknown): void {
    const { revision } = this.replica.position;
    const changes = [change(key, revision + 1, value)];
    this.telling.show(this.replica.advance({ ...LINE, revision: revision + 1 }, changes), revision);
  }

  /** A turn of the loop passes: one slice. */
  async turn(): Promise<void> {
    await this.time.settle();
  }
}

const change = (key: string, revision: number, value: unknown = revision): ReadChange => ({
  key,
  revision,
  value,
  hash: 1,
});

test('a swap tells the keys that differ and those that are gone, and no other', async (t) => {
  const bench = new Bench(() => 1);
  bench.replace(4, [
    change('same', 1, { a: 1 }),
    change('other', 2),
    change('gone', 3),
    change('deleted', 4),
  ]);
  await bench.turn();
  bench.told.length = 0;
  bench.replace(20, [
    change('same', 1, { a: 1 }),
    change('other', 15),
    { ...change('deleted', 16), value: undefined },
    { ...change('never', 17), value: undefined },
    change('fresh', 18),
  ]);
  await bench.turn();
  t.deepEqual(bench.told, [
    ['other', 15],
    ['deleted', 16],
    ['fresh', 18],
    ['gone', 0],
  ]);
  t.deepEqual(bench.counts, [4, 4]);
});

test('a watcher of the head is called at the swap, and those of keys see the new state whole', (t) => {
  const bench = new Bench(() => 1);
  const heads: number[] = [];
  bench.heads.add(() => heads.push(bench.told.length));
  bench.replace(3, [change('a', 1), change('b', 2), change('c', 3)]);
  t.deepEqual(heads, [0]);
  t.deepEqual(bench.told, [['a', 1]], 'one slice');
  t.is(bench.revisionOf('c'), 3);
  t.true(bench.telling.isRunning);
});

test('an ordinary frame is told at once, so that watchers see each value, however fast frames come', (t) => {
  const bench = new Bench(() => 1, true, 1);
  const keys = ['a', 'b', 'c'];
  for (const from of [0, 3]) {
    const changes = keys.map((key, n) => change(key, from + n + 1));
    bench.telling.show(bench.replica.advance({ ...LINE, revision: from + 3 }, changes), from);
  }
  t.deepEqual(
    bench.told,
    [1, 2, 3, 4, 5, 6].map((revision) => [keys[(revision - 1) % 3]!, revision]),
  );
});

test('a frame that comes meanwhile is told behind the swap, and a key of it once', async (t) => {
  const bench = new Bench(() => 1);
  bench.replace(4, [change('a', 1), change('b', 2), change('c', 3), change('d', 4)]);
  t.deepEqual(bench.told, [['a', 1]]);
  bench.frame('a', 5);
  bench.frame('c', 6);
  bench.frame('c', 7);
  t.is(bench.told.length, 1, 'nobody else is called');
  await bench.turn();
  t.deepEqual(bench.told, [
    ['a', 1],
    ['b', 2],
    ['d', 4],
    ['a', 5],
    ['c', 7],
  ]);
  t.false(bench.telling.isRunning);
  bench.frame('a', 8);
  t.deepEqual(bench.told.at(-1), ['a', 8], 'after that frames are told at once');
});

test('the end of a telling is told when nothing is left, and in the same step', async (t) => {
  const bench = new Bench(() => 1);
  const frameMeanwhile = (): void => {
    if (bench.told.length < 20) bench.frame('a', bench.told.length);
  };
  bench.telling.watchers.add('*', frameMeanwhile);
  bench.replace(2, [change('a', 1), change('b', 2)]);
  await bench.turn();
  t.true(bench.told.length >= 20, 'it ends, though each call brings a frame');
  t.deepEqual(bench.counts, [2]);
});

test('without watchers a first state is counted at once', (t) => {
  const bench = new Bench(() => 1, false);
  bench.replace(2, [change('a', 1), change('b', 2)]);
  t.deepEqual(bench.counts, [2]);
  t.false(bench.telling.isRunning);
});

test('a telling that is stopped calls nobody any more, and has no end', async (t) => {
  const bench = new Bench(() => 1);
  bench.replace(3, [change('a', 1), change('b', 2), change('c', 3)]);
  bench.telling.stop();
  await bench.turn();
  t.is(bench.told.length, 1);
  t.deepEqual(bench.counts, []);
});

const sorted = (pairs: unknown[][]): unknown[][] =>
  pairs.toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1));

const key = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('frame' as const), key, isDelete: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('swap' as const), keys: fc.uniqueArray(key) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('turn' as const) }) },
);

test('whatever changes meanwhile, a watcher ends with the state, and goes back for no key', (t) =>
  check(
    t,
    fc.asyncProperty(
      fc.array(step, { maxLength: 40 }),
      fc.integer({ min: 1, max: 4 }),
      async (all, steps) => {
        const bench = new Bench(() => steps);
        const seen = new Map<string, unknown>();
        bench.telling.watchers.add('*', ([name, revision]) => {
          const before = seen.get(name) as number | undefined;
          assert.ok(revision === 0 || before === undefined || revision >= before, `${name} went back`);
          if (bench.replica.get(name)?.value === undefined) seen.delete(name);
          else seen.set(name, revision);
        });
        let run = Promise.resolve();
        for (const one of all) {
          if (one.do === 'frame') bench.frame(one.key, one.isDelete ? undefined : 1);
          else if (one.do === 'turn') run = bench.turn();
          else {
            // A swap waits for the end of the telling before it.
            await bench.turn();
            const { revision } = bench.replica.position;
            bench.replace(
              revision + 10,
              one.keys.map((name, at) => change(name, revision + 1 + at)),
            );
          }
        }
        await run;
        await bench.turn();
        assert.deepEqual(
          sorted([...seen]),
          sorted([...bench.replica.entries()].map(({ key: name, revision }) => [name, revision])),
        );
      },
    ),
  ));
