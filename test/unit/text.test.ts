/** A text that many readers share: made once, in slices, and held only while somebody still has to get it. */
import test from 'ava';
import * as fc from 'fast-check';
import { Slices } from '../../src/base/slices.ts';
import { messageOf, PIECE_LENGTH, Text } from '../../src/base/text.ts';
import type { TextReader } from '../../src/base/text.ts';
import { check } from '../_check.ts';
import { FakeTime } from '../../src/base/fake-time.ts';

const LINE = 'a line of sixteen characters, twice\n';

function* lines(count: number, on: { closed?: () => void; at?: (n: number) => void } = {}) {
  try {
    for (let n = 0; n < count; n += 1) {
      on.at?.(n);
      yield `${n} ${LINE}`;
    }
  } finally {
    on.closed?.();
  }
}

function start(steps = 1_000) {
  const time = new FakeTime();
  const slices = new Slices(time, { steps: () => steps });
  return { time, slices };
}

/** Reads what there is. */
function read(reader: TextReader): string {
  let text = '';
  for (let piece = reader.next(); piece !== undefined; piece = reader.next()) text += piece.toString();
  return text;
}

const COUNT = 20_000;
const WHOLE = [...lines(COUNT)].join('');

test('it is made in slices, and a reader gets pieces while it is made', async (t) => {
  const { time, slices } = start(5_000);
  const text = new Text();
  const reader = text.open();
  let told = 0;
  reader.onMore = () => (told += 1);
  text.make(slices, lines(COUNT));
  const early = read(reader);
  t.true(early.length > 0 && early.length < WHOLE.length);
  t.false(reader.isAtEnd);
  await time.settle();
  await text.made;
  t.is(early + read(reader), WHOLE);
  t.true(reader.isAtEnd);
  t.true(told > 5);
  reader.close();
});

test('readers at any speed get all of it, and a sealed text holds only what the slowest has to get', async (t) => {
  await check(
    t,
    fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 4 }),
      fc.boolean(),
      async (speeds, isSealedEarly) => {
        const { time, slices } = start();
        const text = new Text();
        const readers = speeds.map(() => ({ reader: text.open(), got: '' }));
        text.make(slices, lines(COUNT));
        if (isSealedEarly) text.seal();
        for (let turn = 0; turn < 60; turn += 1) {
          await time.turn();
          for (const [n, { reader }] of readers.entries())
            for (let piece = 0; piece < speeds[n]!; piece += 1)
              readers[n]!.got += reader.next()?.toString() ?? '';
        }
        await time.settle();
        text.seal();
        for (const one of readers) one.got += read(one.reader);
        if (readers.some(({ got }) => got !== WHOLE)) return false;
        if (text.heldBytes !== 0) return false;
        for (const { reader } of readers) reader.close();
        return !text.isOpen;
      },
    ),
    { numRuns: 50 },
  );
});

test('an open text is held whole, so that a late reader can begin it', async (t) => {
  const { time, slices } = start();
  const text = new Text();
  const first = text.open();
  text.make(slices, lines(COUNT));
  await time.settle();
  read(first);
  t.is(text.heldBytes, text.bytes);
  const late = text.open();
  first.close();
  t.is(read(late), WHOLE);
  text.seal();
  t.is(text.heldBytes, 0);
  late.close();
});

test('once nobody reads it, all of it is dropped, and no more of it is made', async (t) => {
  const { time, slices } = start();
  const text = new Text();
  const reader = text.open();
  let made = 0;
  let isClosed = false;
  let isIdle = false;
  text.whenIdle(() => (isIdle = true));
  text.make(slices, lines(COUNT, { closed: () => (isClosed = true), at: (n) => (made = n) }));
  reader.close();
  t.true(isIdle);
  t.is(text.heldBytes, 0);
  await time.settle();
  await t.throwsAsync(text.made);
  t.true(isClosed);
  t.true(made < COUNT - 1);
  t.is(slices.waiting, 0);
});

test('what its making throws ends it for all readers', async (t) => {
  const { slices } = start();
  const text = new Text();
  const reader = text.open();
  let told = 0;
  reader.onMore = () => (told += 1);
  const at = (n: number): void => {
    if (n === 3) throw new Error('this row cannot be read');
  };
  text.make(slices, lines(10, { at }));
  await t.throwsAsync(text.made, { message: /cannot be read/ });
  t.is(text.state, 'failed');
  t.false(text.isOpen);
  t.is(told, 1);
  reader.close();
});

test('a short message is a string, and a long one a text', async (t) => {
  const { time, slices } = start();
  t.is(messageOf(lines(3), slices, time), [...lines(3)].join(''));
  const long = messageOf(lines(COUNT), slices, time) as Text;
  const reader = long.open();
  await time.settle();
  t.is(read(reader), WHOLE);
  t.true(long.bytes > PIECE_LENGTH);
  reader.close();
});
