/** Tests that the demo measures update latency correctly, from reports that come in any order. */
import test from 'ava';
import { LatencyMeter } from '../../examples/trading-desk/latency.ts';

test('an update counts from its set to the first frame at its position or past it', (t) => {
  const meter = new LatencyMeter();
  meter.noteSets([
    ['7-5', 1_000],
    ['7-10', 2_000],
    ['7-15', 3_000],
  ]);
  meter.noteSeen([
    ['7-5', 1_400],
    ['7-15', 3_500],
  ]);
  t.like(meter.overall(), { count: 3, p50Ms: 0.5, maxMs: 1.5 });
  t.deepEqual(meter.recent(), { count: 3, p50Ms: 0.5, p99Ms: 1.5, maxMs: 1.5 });
});

test('the order of the reports does not matter', (t) => {
  const meter = new LatencyMeter();
  meter.noteSeen([['7-5', 1_300]]);
  t.is(meter.overall(), undefined);
  meter.noteSets([
    ['7-5', 1_000],
    ['7-10', 1_100],
  ]);
  t.is(meter.waiting, 1);
  meter.noteSeen([['7-10', 1_900]]);
  t.is(meter.waiting, 0);
  t.like(meter.overall(), { count: 2, maxMs: 0.8 });
});

test('an update that an outage delays counts until it arrives, also under a new epoch', (t) => {
  const meter = new LatencyMeter();
  meter.noteSets([['7-5', 0]]);
  meter.noteSeen([['7-4', 100]]);
  t.is(meter.waiting, 1);
  meter.noteSets([['7-10', 500_000]]);
  meter.noteSeen([['8-10', 2_000_000]]);
  t.like(meter.recent(), { count: 2, maxMs: 2_000 });
});

test('positions from before the first claim are provisional and do not count', (t) => {
  const meter = new LatencyMeter();
  meter.noteSets([['0-5', 0]]);
  meter.noteSeen([['7-5', 100]]);
  t.is(meter.waiting, 0);
  t.is(meter.overall(), undefined);
});

test('recent latencies are those of the last ten seconds', (t) => {
  const meter = new LatencyMeter();
  meter.noteSets([
    ['7-1', 0],
    ['7-2', 20_000_000],
  ]);
  meter.noteSeen([
    ['7-1', 900],
    ['7-2', 20_000_100],
  ]);
  t.is(meter.recent()?.count, 1);
  t.is(meter.overall()?.count, 2);
});
