/** Readers of a growing source: each gets everything at its own speed, and nothing is queued for it. */
import assert from 'node:assert/strict';
import test from 'ava';
import * as fc from 'fast-check';
import { Readers } from '../../src/base/readers.ts';
import type { ReadersOptions } from '../../src/base/readers.ts';
import { Stretches } from '../../src/base/stretches.ts';
import { check } from '../_check.ts';
import { FakeTime } from '../../src/base/fake-time.ts';

/** A growing number, and readers that get ranges of it. */
function start(options: Partial<ReadersOptions<number>> = {}) {
  const time = new FakeTime();
  const source = { value: 0 };
  const readers = new Readers<number>({
    time,
    stretches: new Stretches(time),
    beatMs: 1_000,
    next: (cursor, { isBeat }) => {
      if (source.value < 0) return 'over';
      if (cursor === source.value && !isBeat) return 'nothing';
      return { message: `${cursor}>${source.value}`, cursor: source.value };
    },
    ...options,
  });
  const open = (takes: () => boolean = () => true) => {
    const got: string[] = [];
    const ends: number[] = [];
    const reader = readers.open(source.value, {
      write: (message) => (got.push(message as string), takes()),
      end: () => ends.push(time.now()),
    });
    return { got, ends, reader };
  };
  const set = async (value: number): Promise<void> => {
    source.value = value;
    readers.changed();
    await time.settle();
  };
  return { time, source, readers, open, set };
}

test('the changes of one turn are sent once, at its end', async (t) => {
  const { open, source, readers, time } = start();
  const { got } = open();
  t.deepEqual(got, ['0>0'], 'a keep-alive first');
  for (const value of [1, 2, 3]) {
    source.value = value;
    readers.changed();
  }
  t.is(got.length, 1);
  await time.settle();
  t.deepEqual(got.slice(1), ['0>3']);
});

test('a full reader is sent nothing, and later everything in one message', async (t) => {
  const { open, set } = start();
  let takes = true;
  const slow = open(() => takes);
  const quick = open();
  takes = false;
  for (const value of [1, 2, 3, 4]) await set(value);
  t.deepEqual(slow.got, ['0>0', '0>1']);
  t.deepEqual(quick.got, ['0>0', '0>1', '1>2', '2>3', '3>4']);
  takes = true;
  slow.reader.drained();
  t.deepEqual(slow.got, ['0>0', '0>1', '1>4']);
});

test('with a pace, changes are sent at most that often', async (t) => {
  const { open, set, time } = start({ paceMs: 100 });
  const { got } = open();
  for (const value of [1, 2, 3]) await set(value);
  await time.advance(99);
  t.is(got.length, 1);
  await time.advance(1);
  t.deepEqual(got.slice(1), ['0>3']);
});

test('keep-alives come at their interval while anyone reads', async (t) => {
  const { open, time, readers } = start();
  const { got, reader } = open();
  await time.advance(3_000);
  t.is(got.length, 4);
  reader.close();
  await time.advance(2_000);
  t.is(got.length, 4);
  t.is(readers.size, 0);
  t.is(time.pending, 0, 'no timer is left');
});

test('a reader that cannot continue is closed, and the end of the source closes all readers', (t) => {
  const { open, source, readers } = start();
  const first = open();
  source.value = -1;
  first.reader.drained();
  t.is(first.ends.length, 1);
  source.value = 5;
  const [second, third] = [open(), open()];
  readers.end();
  t.is(second.ends.length + third.ends.length, 2);
  t.is(readers.size, 0);
  second.reader.drained();
  t.deepEqual(second.got, ['5>5'], 'and nothing comes after');
});

test('at any speed, the messages of a reader join without a gap and lead to the end', async (t) => {
  const steps = fc.array(fc.record({ what: fc.constantFrom('set', 'drain', 'wait'), ms: fc.nat(3_000) }), {
    maxLength: 60,
  });
  await check(
    t,
    fc.asyncProperty(steps, fc.boolean(), async (steps, isPaced) => {
      const { open, set, source, time } = start(isPaced ? { paceMs: 100 } : {});
      const { got, reader } = open(() => false);
      for (const { what, ms } of steps) {
        if (what === 'set') await set(source.value + 1);
        else if (what === 'drain') reader.drained();
        else await time.advance(ms);
      }
      reader.drained();
      reader.drained();
      const spans = got.map((message) => message.split('>').map(Number) as [number, number]);
      for (const [index, [from]] of spans.entries()) assert.equal(from, spans[index - 1]?.[1] ?? 0);
      assert.equal(spans.at(-1)![1], source.value);
    }),
  );
});
