/** Rows of many runs, joined by benchmark and name. */
import test from 'ava';
import type { Reports, Round } from '../../bench/against/series.ts';
import { join, lacking } from '../../bench/against/series.ts';
import type { Row } from '../../bench/harness/benchmark.ts';

const row = (what: string, ours: number, more: Partial<Row> = {}): Row => ({
  what,
  unit: 'µs',
  ours,
  ...more,
});
const found = (...rows: Row[]): Reports => ({ latency: { rows } });

test('a row is joined by its benchmark and its name, in the order of the rounds', (t) => {
  const round = (n: number): Round => ({
    this: found(row('p99', 9), row('p50', n, { reference: 50 })),
    that: found(row('p50', 10 * n, { reference: 7 }), row('p99', 8)),
    control: found(row('p50', 100 * n), row('p99', 7)),
  });
  const { series, onlyThis, onlyThat } = join([round(1), round(2)]);
  const common = { benchmark: 'latency', unit: 'µs', isMoreBetter: false, isBorrowed: false };
  t.deepEqual(series, [
    { ...common, what: 'p99', this: [9, 9], that: [8, 8], control: [7, 7] },
    { ...common, what: 'p50', this: [1, 2], that: [10, 20], control: [100, 200] },
  ]);
  t.deepEqual([onlyThis, onlyThat], [[], []]);
});

test('rows of the same name in two benchmarks are not joined', (t) => {
  const { series, onlyThis, onlyThat } = join([
    {
      this: found(row('p50', 1)),
      that: { direct: { rows: [row('p50', 2)] } },
      control: found(row('p50', 1)),
    },
  ]);
  t.deepEqual(series, []);
  t.deepEqual(onlyThis, ['latency: p50']);
  t.deepEqual(onlyThat, ['direct: p50']);
});

test('a row that one side lacks is named and not joined', (t) => {
  const here = found(row('p50', 1), row('CPU', 2));
  const { series, onlyThis, onlyThat } = join([
    { this: here, that: found(row('p50', 1), row('turns', 3)), control: here },
  ]);
  t.deepEqual(
    series.map(({ what }) => what),
    ['p50'],
  );
  t.deepEqual(onlyThis, ['latency: CPU']);
  t.deepEqual(onlyThat, ['latency: turns']);
});

test('a row that the other tree lacks is taken from what was borrowed, and says so', (t) => {
  const here = found(row('p50', 1), row('CPU', 2));
  const round = { this: here, that: found(row('p50', 3)), control: here };
  const borrowed = found(row('p50', 1_000), row('CPU', 4));
  const { series, onlyThis } = join([{ ...round, borrowed }]);
  t.deepEqual(
    series.map(({ what, that, isBorrowed }) => ({ what, that, isBorrowed })),
    [
      { what: 'p50', that: [3], isBorrowed: false },
      { what: 'CPU', that: [4], isBorrowed: true },
    ],
  );
  t.deepEqual(onlyThis, []);
});

test('a row that was borrowed in some rounds alone is not joined', (t) => {
  const here = found(row('CPU', 2));
  const round = { this: here, that: found(), control: here };
  const { series, onlyThis } = join([{ ...round, borrowed: found(row('CPU', 4)) }, round]);
  t.deepEqual([series, onlyThis], [[], ['latency: CPU']]);
});

test('one figure beside two references is one series', (t) => {
  const here = found(row('p50, to ioredis', 5), row('p50, to node-redis', 5), row('p99, to ioredis', 6));
  const { series, onlyThis } = join([{ this: here, that: here, control: here }]);
  t.deepEqual(
    series.map(({ what }) => what),
    ['p50, to ioredis', 'p99, to ioredis'],
  );
  t.deepEqual(onlyThis, []);
});

test('what is no number in JSON is not joined', (t) => {
  const here = found(row('p50', null as unknown as number));
  t.deepEqual(join([{ this: here, that: here, control: here }]).series, []);
});

test('a figure of which more is better says so', (t) => {
  const here = found(row('sets', 5, { unit: '/s', atLeast: true }));
  // An older tree's row may not say it.
  const that = found(row('sets', 5, { unit: '/s' }));
  t.true(join([{ this: here, that, control: here }]).series[0]!.isMoreBetter);
});

test('benchmarks that lack a row are named once', (t) => {
  const here = {
    ...found(row('p50', 1), row('CPU', 2), row('CPU of Redis', 2)),
    direct: { rows: [row('p50', 1)] },
  };
  t.deepEqual(lacking(here, { ...found(row('p50', 1)), direct: here.direct }), ['latency']);
  t.deepEqual(lacking(here, {}), ['latency', 'direct']);
  t.deepEqual(lacking(here, here), []);
});
