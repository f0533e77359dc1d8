/** The update latencies that the page shows, and how long they are kept. */
import test from 'ava';
import { LATENCY_BOUNDS_MS, LatencyMeter } from '../../src/http/page/latency.ts';
import { Recent } from '../../src/http/page/recent.ts';

test('a second has a count, quantiles and a distribution', (t) => {
  const meter = new LatencyMeter();
  for (let n = 1; n <= 100; n += 1) meter.note(n / 10, 0.2);
  meter.note(60_000, 0.4);
  meter.close(1_000);
  const second = meter.seconds.last!;
  t.like(second, { at: 1_000, count: 101, p50Ms: 5.1, p99Ms: 10, maxMs: 60_000, errorMs: 0.4 });
  t.is(second.buckets.length, LATENCY_BOUNDS_MS.length + 1);
  t.is(second.buckets.at(-1), 1, 'a value beyond all bounds is counted too');
  t.is(second.buckets[LATENCY_BOUNDS_MS.indexOf(1)], 5, 'a bound belongs to the values below it');
  t.is(
    second.buckets.reduce((sum, count) => sum + count, 0),
    101,
  );
  meter.close(2_000);
  t.like(meter.seconds.last, { count: 0, p50Ms: null, p99Ms: null, maxMs: null, errorMs: null });
});

test('a second counts also those updates that it no longer keeps', (t) => {
  const meter = new LatencyMeter();
  for (let n = 0; n < 50_000; n += 1) meter.note(1, 0);
  meter.close(1_000);
  t.like(meter.seconds.last, { count: 50_000, p50Ms: 1, maxMs: 1 });
});

test('each reader gets the entries that are new to it, as far as they are kept', (t) => {
  const recent = new Recent<number>(3);
  t.deepEqual(recent.since(0), []);
  for (let n = 1; n <= 10; n += 1) recent.add(n);
  t.is(recent.count, 10);
  t.deepEqual(recent.since(0), [8, 9, 10]);
  t.deepEqual(recent.since(9), [10]);
  t.deepEqual(recent.since(10), []);
  t.true(recent.items.length < 6);
});
