/** Work in slices: short stretches, in turns, each with its own end. */
import assert from 'node:assert/strict';
import test from 'ava';
import type { Sliced } from '../../src/base/slices.ts';
import { finish, Slices } from '../../src/base/slices.ts';
import { FakeTime } from '../../src/base/fake-time.ts';

/** Work of `steps` steps, each of which takes 1 ms and writes the name into a log. */
function* work(name: string, steps: number, time: FakeTime, log: string[]): Sliced<string> {
  for (let step = 0; step < steps; step += 1) {
    log.push(name);
    time.skip(1);
    yield;
  }
  return name;
}

test('work that fits into a slice is done at once', async (t) => {
  const time = new FakeTime();
  const log: string[] = [];
  const done = new Slices(time).run(work('a', 3, time, log));
  t.deepEqual(log, ['a', 'a', 'a']);
  t.is(await done, 'a');
});

test('a turn of the loop has one slice, and jobs take turns', async (t) => {
  const time = new FakeTime();
  const slices = new Slices(time, { sliceMs: 2 });
  const log: string[] = [];
  const a = slices.run(work('a', 6, time, log));
  const b = slices.run(work('b', 3, time, log));
  t.deepEqual(log, ['a', 'a'], 'the second job waits for the next turn');
  t.is(slices.waiting, 2);
  await time.settle();
  t.deepEqual(await Promise.all([a, b]), ['a', 'b']);
  t.is(log.join(''), 'aaaabbaab');
  t.is(slices.waiting, 0);
});

test('a slice ends after the steps that are drawn for it', async (t) => {
  const time = new FakeTime();
  const log: string[] = [];
  const done = new Slices(time, { steps: () => 1 }).run(work('a', 2, time, log));
  t.is(log.length, 1);
  await time.settle();
  t.is(await done, 'a');
});

test('work that is called off runs its finally block, and rejects with the reason', async (t) => {
  const time = new FakeTime();
  const abort = new AbortController();
  let isClosed = false;
  function* endless(): Sliced<void> {
    try {
      for (;;) {
        time.skip(1);
        yield;
      }
    } finally {
      isClosed = true;
    }
  }
  const slices = new Slices(time);
  const done = slices.run(endless(), abort.signal);
  const reason = new Error('called off');
  abort.abort(reason);
  const failed = assert.rejects(done, reason);
  await time.settle();
  await failed;
  t.true(isClosed);
  t.is(slices.waiting, 0);
});

test('what work throws rejects its promise, and the next job goes on', async (t) => {
  const time = new FakeTime();
  const slices = new Slices(time);
  // eslint-disable-next-line require-yield
  function* broken(): Sliced<void> {
    throw new Error('broken');
  }
  const failed = assert.rejects(slices.run(broken()), /broken/);
  const next = slices.run(work('a', 1, time, []));
  await time.settle();
  await failed;
  t.is(await next, 'a');
});

test('work that is known to be small can be done in one stretch', (t) => {
  const time = new FakeTime();
  t.is(finish(work('a', 3, time, [])), 'a');
});
