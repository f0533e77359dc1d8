/** The pump of a process, and the clients that take nothing. */
import test from 'ava';
import { PIECE_BYTES } from '../../src/base/pieces.ts';
import { Slices } from '../../src/base/slices.ts';
import { Text } from '../../src/base/text.ts';
import type { TextReader } from '../../src/base/text.ts';
import { Budget } from '../../src/http/budget.ts';
import type { Outlet } from '../../src/http/outlets.ts';
import { Outlets } from '../../src/http/outlets.ts';
import { FakeTime } from '../../src/base/fake-time.ts';

const PIECE = 'x'.repeat(PIECE_BYTES);

function start() {
  const time = new FakeTime();
  const slices = new Slices(time, { steps: () => 10 });
  const outlets = new Outlets({ slices, time });
  const written: string[] = [];
  /** A client that takes `takes` pieces, and then nothing. */
  const open = (name: string, reader: TextReader, takes = Infinity) => {
    let got = 0;
    const outlet = {
      text: reader.text,
      waitingBytes: 0,
      fullSince: undefined as number | undefined,
      isCut: false as boolean,
      write() {
        if (outlet.fullSince !== undefined || reader.next() === undefined) return false;
        written.push(name);
        got += 1;
        if (got === takes) outlet.fullSince = time.now();
        return true;
      },
      cut() {
        outlet.isCut = true;
        reader.close();
        outlets.remove(outlet);
      },
    } satisfies Outlet & { isCut: boolean };
    outlets.add(outlet);
    outlets.ready(outlet);
    return outlet;
  };
  const make = (text: Text, pieces: number): void => text.make(slices, Array(pieces).fill(PIECE).values());
  return { time, slices, outlets, written, open, make };
}

test('each client gets a piece in turn, a few in a turn of the loop', async (t) => {
  const { time, written, open, make } = start();
  const text = new Text();
  const readers = [text.open(), text.open(), text.open()];
  make(text, 20);
  await time.settle();
  for (const [n, reader] of readers.entries()) open(`${n}`, reader);
  t.is(written.length, 0, 'nothing within the call');
  await time.turn();
  t.true(written.length <= 10);
  await time.settle();
  t.is(written.length, 60);
  for (let at = 3; at < 60; at += 1) t.is(written[at], written[at - 3]);
});

test('a client whose writing throws is cut, and the others get all of it', async (t) => {
  const { time, slices, outlets, written, open, make } = start();
  const text = new Text();
  const broken = open('broken', text.open());
  broken.write = () => {
    throw new Error('broken');
  };
  open('whole', text.open());
  make(text, 5);
  await time.settle();
  t.true(broken.isCut);
  t.is(outlets.size, 1);
  t.deepEqual(written, Array(5).fill('whole'));
  t.is(slices.waiting, 0);
});

test('a client that takes nothing for 30 s is cut, and holds nothing any more', async (t) => {
  const { time, outlets, open, make } = start();
  const text = new Text();
  const stalled = open('stalled', text.open(), 2);
  make(text, 10);
  await time.advance(29_000);
  t.false(stalled.isCut);
  t.true(outlets.heldBytes > 0);
  await time.advance(3_000);
  t.true(stalled.isCut);
  t.is(outlets.heldBytes, 0);
  t.is(outlets.size, 0);
  t.is(time.pending, 0, 'no timer is left');
});

test('beyond the budget, clients that take nothing give up their places, and then there is a refusal', async (t) => {
  const { time, outlets, open, make } = start();
  const budget = new Budget(outlets, 1_000_000);
  const first = budget.newText();
  const stalled = open('stalled', first.open(), 2);
  make(first, 10);
  await time.settle();
  t.is(outlets.heldBytes, 10 * PIECE_BYTES);
  t.throws(() => budget.require(400_000), { code: 'TOO_MANY_BYTES' } as object);
  t.notThrows(() => budget.require(340_000));
  t.false(stalled.isCut, 'it took something a moment ago');
  await time.advance(2_500);
  t.notThrows(() => budget.require(400_000));
  t.true(stalled.isCut);
  t.is(outlets.heldBytes, 0);
});

test('a text that grows beyond the budget ends for all who read it', async (t) => {
  const { time, outlets, make } = start();
  const budget = new Budget(outlets, 500_000);
  const text = budget.newText();
  const reader = text.open();
  make(text, 10);
  await time.settle();
  t.is(text.state, 'failed');
  await t.throwsAsync(text.made, { code: 'TOO_MANY_BYTES' } as object);
  reader.close();
  t.is(outlets.heldBytes, 0);
});
