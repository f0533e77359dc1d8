/** Texts that are shared by all who ask for the same version of a state, and are never older than the asking. */
import test from 'ava';
import { SharedTexts } from '../../src/base/shared-texts.ts';
import { Slices } from '../../src/base/slices.ts';
import type { TextReader } from '../../src/base/text.ts';
import { FakeTime } from '../../src/base/fake-time.ts';

/** The rows of a text: 2.4 MB. */
const ROWS = 20_000;

/** A state that is a number, and whose text says the number again and again. */
function start() {
  const time = new FakeTime();
  const slices = new Slices(time, { steps: () => 1_000 });
  const texts = new SharedTexts(slices, time);
  const state = { value: 1, begun: 0 };
  function* rows(): Generator<string, void, void> {
    const { value } = state;
    state.begun += 1;
    for (let n = 0; n < ROWS; n += 1) yield `${value}`.padEnd(120, '.');
  }
  const open = (part = ''): TextReader | undefined => texts.open(part, [state.value], rows);
  const ask = async (part = ''): Promise<TextReader> => {
    let reader = open(part);
    while (reader === undefined) {
      await texts.free();
      reader = open(part);
    }
    return reader;
  };
  /** Reads all of a text. Returns the number that it says. */
  const finish = async (reader: TextReader): Promise<number> => {
    await time.settle();
    let text = '';
    for (let piece = reader.next(); piece !== undefined; piece = reader.next()) text += piece.toString();
    reader.close();
    const said = [...new Set(text.split(/\.+/).filter((part) => part !== ''))];
    return text.length === 120 * ROWS && said.length === 1 ? Number(said[0]) : NaN;
  };
  return { time, texts, state, open, ask, finish };
}

test('all who ask for the same version share one text, while it is made and while it is read', async (t) => {
  const { time, texts, state, open, finish } = start();
  const readers = [open()!, open()!];
  await time.settle();
  readers.push(open()!);
  t.is(state.begun, 1);
  t.is(texts.size, 1);
  for (const reader of readers) t.is(await finish(reader), 1);
  t.is(texts.size, 0, 'nothing is left');
});

test('whoever asks after a change gets no older state: it waits, and shares the next text', async (t) => {
  const { time, state, open, ask, finish } = start();
  const first = open()!;
  state.value = 2;
  t.is(open(), undefined, 'one is in the making');
  const asked = Promise.all([ask(), ask(), ask()]);
  t.is(state.begun, 1);
  await time.settle();
  state.value = 3;
  t.is(await finish(first), 1);
  const later = await asked;
  t.is(state.begun, 2);
  for (const reader of later) t.true((await finish(reader)) >= 2);
});

test('parts of a state are made beside each other, a few at a time', async (t) => {
  const { time, open, finish } = start();
  const readers = ['a', 'b', 'c', 'd'].map((part) => open(part)!);
  t.is(open('e'), undefined);
  await time.settle();
  const fifth = open('e')!;
  for (const reader of [...readers, fifth]) t.is(await finish(reader), 1);
});

test('while a text goes out, those who ask later wait for its end, and share the next one', async (t) => {
  const { time, texts, state, open, ask, finish } = start();
  const first = open()!;
  await time.settle();
  state.value = 2;
  const asked = [ask(), ask()];
  for (let piece = 0; piece < 3; piece += 1) {
    first.next();
    await time.advance(90);
    t.is(texts.size, 1);
  }
  first.close();
  await time.settle();
  for (const reader of await Promise.all(asked)) t.is(await finish(reader), 2);
  t.is(state.begun, 2);
});

test('readers that take nothing hold up the second text a moment, and the third for a second', async (t) => {
  const { time, texts, state, open, ask, finish } = start();
  const stalled = open()!;
  await time.settle();
  state.value = 2;
  const second = ask();
  await time.advance(200);
  t.is(texts.size, 2, 'the second has begun');
  state.value = 3;
  const third = ask();
  await time.advance(800);
  t.is(texts.size, 2, 'two are held whole');
  await time.advance(300);
  t.is(texts.size, 3, 'the third has waited enough');
  t.is(await finish(await second), 2);
  t.is(await finish(await third), 3);
  state.value = 4;
  const fourth = ask();
  await time.advance(200);
  t.is(await finish(await fourth), 4, 'the first alone holds up no other');
  stalled.close();
  t.is(texts.size, 0);
});

test('slow readers hold up the next text for a second at most', async (t) => {
  const { time, state, open, ask, finish } = start();
  const slow = open()!;
  await time.settle();
  state.value = 2;
  const next = ask();
  for (let waited = 0; waited < 1_200; waited += 60) {
    slow.next();
    await time.advance(60);
  }
  t.is(await finish(await next), 2);
  slow.close();
});

test('a text that takes long to make waits a moment for others, and begins by itself', async (t) => {
  const { time, state, open, ask, finish } = start();
  const first = open()!;
  while (first.text.state === 'making') {
    time.skip(10);
    await time.turn();
  }
  t.is(await finish(first), 1);
  const asked = [ask()];
  await time.advance(20);
  state.value = 2;
  asked.push(ask());
  t.is(state.begun, 1, 'it waits');
  await time.advance(100);
  for (const reader of await Promise.all(asked)) t.is(await finish(reader), 2);
  t.is(state.begun, 2);
});
