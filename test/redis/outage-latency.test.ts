/**
 * Update latency includes outages: observers, the metric, the page's meter and traces say the same of a change that was
 * replaced before anybody saw it.
 */
import type { ExecutionContext } from 'ava';
import { connect, defineSpace, json } from '../../src/index.ts';
import type { Applied, Synced } from '../../src/ports/observer.ts';
import { FaultProxy } from '../_fault-proxy.ts';
import { onRealServer } from '../_real.ts';
import { RedisServer } from '../_redis-server.ts';
import { TestTelemetry } from '../_telemetry.ts';
import { until } from '../_wait.ts';

const telemetry = new TestTelemetry();
/** For so long nobody sees a change, ms. */
const OUT_MS = 600;

async function start(t: ExecutionContext) {
  const server = await RedisServer.start();
  const proxy = await FaultProxy.start(server.port);
  const trading = connect({ redis: server.url, name: 'trading-1', log: false });
  const api = connect({ redis: proxy.url, name: 'api-1', log: false });
  t.teardown(async () => {
    await Promise.all([trading.stop({ timeoutMs: 100 }), api.stop()]);
    await proxy.stop();
    await server.stop();
  });
  const space = defineSpace(t.title.replaceAll(/\W+/g, '-').slice(0, 40), { 'key/*': json() });
  const owner = trading.own(space);
  const follower = api.follow(space);
  const visible: (Applied | Synced)[] = [];
  const note = (event: Applied | Synced): void =>
    void (event.updateLatencyMs !== undefined && visible.push(event));
  api.observe({ applied: note, synced: note });
  await Promise.all([owner.ready(), follower.ready()]);
  owner.set('key/a', 0);
  await follower.waitFor(await owner.flush());
  visible.length = 0;
  return { server, proxy, owner, follower, visible, space: space.name };
}

/** The number of updates in the metric that took longer than a time, s. */
async function longerThan(space: string, seconds: number): Promise<number> {
  const points = await telemetry.points('tandem.update.latency');
  return points
    .filter(({ attributes }) => attributes['tandem.space'] === space)
    .reduce((sum, { value }) => {
      const { boundaries, counts } = (value as { buckets: { boundaries: number[]; counts: number[] } })
        .buckets;
      return sum + counts.reduce((more, count, n) => more + (boundaries[n - 1]! >= seconds ? count : 0), 0);
    }, 0);
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

onRealServer('a change that was replaced while Redis was out counts with its whole age', async (t) => {
  const { server, owner, follower, visible, space } = await start(t);
  await server.kill();
  await until(() => owner.mode === 'degraded' && follower.mode === 'degraded', 'the outage');
  const setAt = performance.now();
  telemetry.in('decide', () => owner.set('key/a', 1));
  await pause(OUT_MS);
  owner.set('key/a', 2);
  await server.restart();
  await follower.waitFor(owner.head, { timeoutMs: 5_000 });
  const tookMs = performance.now() - setAt;
  await owner.flush();
  await until(() => visible.length > 0, 'a latency');
  const longest = Math.max(...visible.map(({ updateLatencyMs }) => updateLatencyMs!));
  t.true(longest >= OUT_MS - 5, `${longest} ms`);
  t.true(longest <= tookMs + 50, `${longest} ms, and it took ${tookMs} ms`);
  t.true((await longerThan(space, 0.5)) >= 1);

  const outage = telemetry.spans
    .filter(
      ({ name, attributes }) =>
        name === `commit ${space}` && attributes['tandem.commit.outcome'] === 'committed',
    )
    .flatMap(({ events }) => events)
    .find(({ name }) => name === 'tandem.outage');
  t.regex(
    String(outage?.attributes?.['tandem.outage.summary']),
    /^Redis was out for this owner from 2\S+Z to 2\S+Z: /,
  );
  t.true((outage!.attributes!['tandem.outage.duration_ms'] as number) >= OUT_MS - 5);
});

onRealServer('so does one that a follower missed alone', async (t) => {
  const { proxy, owner, follower, visible, space } = await start(t);
  proxy.refuse();
  proxy.reset();
  await until(() => follower.mode === 'degraded', 'the outage of the follower');
  owner.set('key/b', 1);
  await pause(OUT_MS);
  owner.set('key/b', 2);
  await owner.flush();
  t.deepEqual(visible, []);
  proxy.resume();
  await follower.waitFor(owner.head, { timeoutMs: 5_000 });
  await until(() => visible.length > 0, 'a latency');
  const { updateLatencyMs, errorMs } = visible[0]!;
  t.true(updateLatencyMs! >= OUT_MS - errorMs, `${updateLatencyMs} ± ${errorMs} ms`);
  t.true(updateLatencyMs! < OUT_MS + 2_000, `${updateLatencyMs} ± ${errorMs} ms`);
  t.true((await longerThan(space, 0.5)) >= 1);
});

onRealServer('without an outage, the oldest unseen change is the oldest in the frame', async (t) => {
  const { owner, follower, visible } = await start(t);
  for (let n = 0; n < 50; n += 1) {
    owner.set('key/a', n);
    owner.set('key/a', n + 0.5);
    await pause(2);
  }
  await follower.waitFor(await owner.flush());
  for (const event of visible) {
    t.true(event.updateLatencyMs! < 100, `${event.updateLatencyMs} ms`);
    if ('frameLatencyMs' in event) t.true(event.updateLatencyMs! >= event.frameLatencyMs! - 0.001);
  }
  t.true(visible.length > 10);
});
