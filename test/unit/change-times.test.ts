/** When keys were set: the table from revisions to times, its bound, its size and its text. */
import assert from 'node:assert/strict';
import test from 'ava';
import * as fc from 'fast-check';
import { ChangeTimes } from '../../src/state/change-times.ts';
import { check } from '../_check.ts';

const START = 1_764_000_000_000;

/** Sets with pauses between, in ms. */
const pauses = fc.array(
  fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 5_000_000 })),
  { minLength: 1, maxLength: 2_000 },
);

/** The times of revisions 1, 2, …, ms. */
function timesOf(gaps: readonly number[]): number[] {
  let at = START;
  return gaps.map((gap) => (at += gap));
}

function tableOf(times: readonly number[]): ChangeTimes {
  const table = new ChangeTimes();
  for (const [n, at] of times.entries()) table.note(n, n + 1, at);
  return table;
}

/** The greatest error by which a table is wrong, as a part of the age. A whole ms is no error. */
function worst(table: ChangeTimes, times: readonly number[]): number {
  const now = times.at(-1)!;
  return times.reduce((most, at, n) => {
    const error = Math.abs(table.at(n + 1)! - at) - 0.5;
    return error <= 0.5 ? most : Math.max(most, error / (now - at));
  }, 0);
}

test('each time is right within 1 % of its age, and the table is as long as its logarithm', async (t) => {
  await check(
    t,
    fc.property(pauses, (gaps) => {
      const times = timesOf(gaps);
      assert.ok(worst(tableOf(times), times) <= 0.01);
    }),
  );
  const busy = timesOf(Array.from({ length: 300_000 }, () => 3));
  const table = tableOf(busy);
  t.true(worst(table, busy) <= 0.01);
  t.true(table.length < 1_300, `${table.length} spans`);
});

test('the time of the newest change is exact', (t) => {
  const table = new ChangeTimes();
  for (let n = 0; n < 3_000; n += 1) {
    table.note(n, n + 1, START + 7 * n);
    t.is(table.at(n + 1), START + 7 * n);
  }
});

test('a text says the same, also of a part, and with gaps', async (t) => {
  await check(
    t,
    fc.property(pauses, fc.nat(), fc.nat(), (gaps, a, b) => {
      const times = timesOf(gaps);
      const table = tableOf(times);
      const [after, upTo] = [a % times.length, b % (times.length + 1)].toSorted((x, y) => x - y) as [
        number,
        number,
      ];
      const read = ChangeTimes.of(table.print(after, upTo));
      for (let n = 1; n <= times.length; n += 1)
        if (n > after && n <= upTo) assert.equal(read.at(n), table.at(n));
        else assert.equal(read.at(n), undefined);
    }),
  );
  const holed = new ChangeTimes();
  holed.note(3, 5, START);
  holed.note(8, 9, START - 1_000, START + 4);
  t.is(holed.print(), `0@${START},3.,2,3.,1.-1000.1004`);
  const read = ChangeTimes.of(holed.print());
  t.deepEqual(
    [3, 4, 5, 6, 8, 9, 10].map((n) => read.at(n)),
    [undefined, START, START, undefined, undefined, START - 498, undefined],
  );
});

test('what is appended goes on from what is there, and takes back what came after it', (t) => {
  const table = ChangeTimes.of(`0@${START},2;2@${START + 5},1;2@${START + 9},2`);
  t.deepEqual(
    [1, 2, 3, 4].map((n) => table.at(n)),
    [START, START, START + 9, START + 9],
  );
});

test('a text that is none of ours says nothing, and a time to come is the present', (t) => {
  for (const text of [
    '',
    'x',
    '1',
    '1@',
    '1@2',
    '1@2,',
    '1@x,1',
    '-1@5,1',
    '1@5,1.2.3.4',
    '9'.repeat(20),
    '1@5,1.-9',
  ])
    t.true(ChangeTimes.of(text).isEmpty, text);
  const table = new ChangeTimes();
  table.take(`0@${START},1,1.999999,1`, START + 10);
  t.deepEqual(
    [1, 2, 3].map((n) => table.at(n)),
    [START, START + 10, START + 10],
  );
});

test('another table fills what is not known', (t) => {
  const table = ChangeTimes.of(`2@${START},2`);
  table.fill(ChangeTimes.of(`0@${START - 50},3,5`));
  t.deepEqual(
    [1, 2, 3, 4, 5, 8, 9].map((n) => table.at(n)),
    [START - 50, START - 50, START, START, START - 50, START - 50, undefined],
  );
});

test('keys that were put right keep their times, and what is too much is not known', (t) => {
  const table = new ChangeTimes();
  for (let n = 0; n < 20_000; n += 1) {
    const at = START + 1_000 * n;
    table.note(2 * n, 2 * n + 1, at);
    table.note(2 * n + 1, 2 * n + 2, START - 1_000_000 * (n % 7));
    const old = table.at(2 * n + 2);
    t.true(old === START - 1_000_000 * (n % 7));
  }
  t.true(table.length <= 4_352);
  t.is(table.at(1), undefined);
});
