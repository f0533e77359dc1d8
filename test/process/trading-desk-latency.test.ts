/** Tests of the figures that the demo shows: latencies as its follower reports them, and updates on their way. */
import test from 'ava';
import { LatencyMeter } from '../../examples/trading-desk/latency.ts';
import * as words from '../../examples/trading-desk/words.ts';

const sample = (atUs: number, ms: number, errorMs = 0.01) => ({ atUs, ms, errorMs });

test('the figures are those that the follower has measured', (t) => {
  const meter = new LatencyMeter();
  meter.note([sample(1_000, 0.4), sample(2_000, 0.5), sample(3_000, 1.5)]);
  t.like(meter.overall(), { count: 3, p50: { ms: 0.5 }, max: { ms: 1.5 } });
  t.like(meter.recent(), { count: 3, p50: { ms: 0.5 }, p99: { ms: 1.5 }, max: { ms: 1.5 } });
});

test('a latency below the error of its measurement is no figure', (t) => {
  const meter = new LatencyMeter();
  meter.note([sample(1_000, 0, 0.2), sample(2_000, 0.15, 0.2), sample(3_000, 0.9, 0.2)]);
  t.is(words.latency(meter.recent()!), 'p50 under 0.35 ms  p99 0.90 ms');
});

test('updates are on their way until the follower is at their position or past it, also under a new epoch', (t) => {
  const meter = new LatencyMeter();
  meter.noteSets([
    ['7-5', 1_000],
    ['7-10', 1_100],
  ]);
  t.is(meter.waiting, 2);
  meter.noteHead('7-5');
  t.is(meter.waiting, 1);
  meter.noteSets([['7-15', 2_000]]);
  meter.noteHead('8-10');
  t.is(meter.waiting, 0);
});

test('the order of the reports does not matter', (t) => {
  const meter = new LatencyMeter();
  meter.noteHead('7-10');
  meter.noteSets([['7-10', 1_100]]);
  t.is(meter.waiting, 0);
  t.is(meter.overall(), undefined);
});

test('positions from before the first claim are provisional and do not count', (t) => {
  const meter = new LatencyMeter();
  meter.noteSets([['0-5', 0]]);
  t.is(meter.waiting, 0);
});

test('recent latencies are those of the last ten seconds', (t) => {
  const meter = new LatencyMeter();
  meter.note([sample(900, 0.9), sample(20_000_100, 0.1)]);
  t.is(meter.recent()?.count, 1);
  t.is(meter.overall()?.count, 2);
});
