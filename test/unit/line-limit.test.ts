/** Limits of the log: so many lines in a period, and a text that was said is no news. */
import test from 'ava';
import { array, assert, nat, property } from 'fast-check';
import { LineLimit } from '../../src/log/line-limit.ts';
import { Repeats } from '../../src/log/repeats.ts';

test('lines beyond the limit are counted, and the period ends with one line that says so', (t) => {
  const limit = new LineLimit(3, 1_000);
  t.deepEqual(
    [0, 10, 20, 30, 40].map((now) => limit.take(now)),
    [true, true, true, false, false],
  );
  t.is(limit.dueAt, 1_000);
  t.deepEqual(limit.settle(1_000), { leftOut: 2, withinMs: 1_000 });
  t.is(limit.dueAt, undefined);
  t.deepEqual(
    [1_001, 1_002, 1_003].map((now) => limit.take(now)),
    [true, true, false],
    'that line counts',
  );
});

test('a quiet period ends by itself', (t) => {
  const limit = new LineLimit(2, 1_000);
  t.deepEqual(
    [0, 900, 1_000, 1_100, 1_200].map((now) => limit.take(now)),
    [true, true, true, true, false],
  );
});

test('however lines come, each is written or counted, and few are written', (t) => {
  assert(
    property(array(nat(300), { maxLength: 200 }), (gaps) => {
      const limit = new LineLimit(5, 1_000);
      const written: number[] = [];
      let [now, taken, leftOut] = [0, 0, 0];
      const settle = (at: number): void => {
        leftOut += limit.settle(at).leftOut;
        written.push(at);
      };
      for (const gap of gaps) {
        now += gap;
        if (limit.dueAt !== undefined && limit.dueAt <= now) settle(limit.dueAt);
        if (!limit.take(now)) continue;
        taken += 1;
        written.push(now);
      }
      if (limit.dueAt !== undefined) settle(limit.dueAt);
      // The end of one period and the beginning of the next can meet.
      const within = written.map((at) => written.filter((one) => one >= at && one < at + 1_000).length);
      return taken + leftOut === gaps.length && Math.max(0, ...within) <= 10;
    }),
  );
  t.pass();
});

test('texts that differ in numbers alone are the same, and are counted', (t) => {
  const repeats = new Repeats(1_000);
  t.is(repeats.hear('no answer within 500 ms', 0), 0);
  t.is(repeats.hear('no answer within 501 ms', 500), undefined);
  t.is(repeats.hear('ECONNREFUSED', 500), 0);
  t.is(repeats.hear('no answer within 502 ms', 1_000), 1);
  repeats.clear();
  t.is(repeats.hear('no answer within 502 ms', 1_001), 0);
});

test('few texts are remembered', (t) => {
  const repeats = new Repeats(Infinity);
  const text = (n: number): string => `text ${String.fromCodePoint(0x4e00 + n)}`;
  for (let n = 0; n < 10_000; n += 1) t.is(repeats.hear(text(n), 0), 0);
  t.is(repeats.hear(text(9_999), 0), undefined);
  t.is(repeats.hear(text(0), 0), 0);
});
