/** What a page that is opened later still gets: a quarter of an hour of charts and latencies, and holes in them. */
import test from 'ava';
import { ChartRecorder } from '../../src/http/page/charts.ts';
import { LatencyMeter } from '../../src/http/page/latency.ts';
import { connect, defineSpace, json } from '../../src/index.ts';
import { fakeTime, memoryServer } from '../../src/testing.ts';

const MINUTE = 60_000;
const space = defineSpace('prices', { close: json<number>() });
const charts = [{ title: 'Price', space: 'prices', lines: [{ key: 'close' }] }] as const;

test('a chart that is opened after an outage of minutes shows what was before it, and the hole', async (t) => {
  const [server, time] = [memoryServer(), fakeTime()];
  const owning = connect({ store: server, time, name: 'owner', log: false });
  const following = connect({ store: server, time, name: 'api', log: false });
  t.teardown(() => Promise.all([owning.stop(), following.stop()]));
  const owner = owning.own(space);
  following.follow(space);
  const recorder = new ChartRecorder(charts);
  const pass = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 500) {
      if (time.now() % 1_000 < 500) owner.set('close', Math.round(time.now()));
      await time.advance(500);
      recorder.sample(following, time.now());
    }
  };
  await pass(3 * MINUTE);
  server.cut('api');
  await pass(5 * MINUTE);
  server.restore('api');
  await pass(3 * MINUTE);

  const points = recorder.since(0);
  const first = points[0]!.at;
  t.true(time.now() - first > 10 * MINUTE, `from ${first} to ${time.now()}`);
  t.true(points.length < 1_500);
  t.true(
    points.every(({ at }, n) => n === 0 || at > points[n - 1]!.at),
    'in order',
  );
  const holes = points.filter(({ values }) => Object.keys(values).length === 0).map(({ at }) => at);
  t.true(holes.at(-1)! - holes[0]! > 4 * MINUTE);
  t.deepEqual(recorder.since(recorder.points.count), [], 'a page that has all gets nothing');
});

test('latencies of ten minutes ago are kept, the worst of each ten seconds', (t) => {
  const meter = new LatencyMeter();
  for (let second = 1; second <= 900; second += 1) {
    meter.note(second === 101 ? 80 : 1, 0.1);
    meter.close(second * 1_000);
  }
  const kept = meter.since(0);
  t.true(kept.length < 220);
  t.true(
    kept.every(({ at }, n) => n === 0 || at > kept[n - 1]!.at),
    'in order',
  );
  const spike = kept.find(({ maxMs }) => maxMs === 80)!;
  t.like(spike, { at: 110_000, count: 10, p99Ms: 80 });
  t.is(
    spike.buckets.reduce((sum, count) => sum + count, 0),
    10,
  );
  t.is(meter.since(meter.seconds.count).length, 0);
});
