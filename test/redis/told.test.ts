/** The events `freshness` and `ownerChanged` against a real Redis: in time, and once for each change. */
import test from 'ava';
import type { ExecutionContext } from 'ava';
import type { Owner } from '../../src/index.ts';
import { connect, defineSpace, json } from '../../src/index.ts';
import { FaultProxy } from '../_fault-proxy.ts';
import { onRealServer } from '../_real.ts';
import { RedisServer } from '../_redis-server.ts';
import { Told } from '../_told.ts';

const space = defineSpace('told', { 'key/*': json<number>() });
type D = typeof space.definition;
interface Scene {
  readonly owner: Owner<D>;
  readonly log: Told;
  readonly ownerProxy: FaultProxy;
  readonly followerProxy: FaultProxy;
}

async function scene(t: ExecutionContext): Promise<Scene> {
  const redis = await RedisServer.start();
  const [ownerProxy, followerProxy] = [
    await FaultProxy.start(redis.port),
    await FaultProxy.start(redis.port),
  ];
  const owning = connect({ redis: ownerProxy.url, name: 'trader' });
  const following = connect({ redis: followerProxy.url, name: 'api' });
  t.teardown(async () => {
    await Promise.all([following.stop({ timeoutMs: 100 }), owning.stop({ timeoutMs: 100 })]);
    await Promise.all([ownerProxy.stop(), followerProxy.stop()]);
    await redis.stop();
  });
  const owner = owning.own(space, { leaseMs: 1_500 });
  owner.on('error', () => {});
  owner.set('key/a', 1);
  const follower = following.follow(space);
  follower.on('error', () => {});
  const log = new Told(t, follower, 'key/a');
  await log.expect(t, 'alive trader', 'live');
  return { owner, log, ownerProxy, followerProxy };
}

onRealServer('an owner that stops cleanly has released its space', async (t) => {
  const { owner, log } = await scene(t);
  t.deepEqual(await owner.stop(), { uncommitted: [] });
  await log.expect(t, 'released trader', 'stale');
});

onRealServer('an owner that goes without a word is lost, and alive again when it comes back', async (t) => {
  const { log, ownerProxy } = await scene(t);
  ownerProxy.blackHole();
  await log.expect(t, 'lost trader', 'stale');
  ownerProxy.resume();
  await log.expect(t, 'alive trader', 'live');
});

onRealServer('a follower that is cut off goes stale, and live again', async (t) => {
  const { log, followerProxy } = await scene(t);
  followerProxy.blackHole();
  await log.expect(t, 'lost trader', 'stale');
  followerProxy.resume();
  await log.expect(t, 'alive trader', 'live');
});

test('what an owner lost that stopped before is told by the stop of the process, too', async (t) => {
  const tandem = connect({ redis: 'redis://127.0.0.1:1', name: 'script' });
  const owner = tandem.own(space);
  owner.on('error', () => {});
  owner.set('key/a', 1);
  t.is((await owner.stop({ timeoutMs: 100 })).uncommitted.length, 1);
  t.is((await tandem.stop({ timeoutMs: 100 })).uncommitted.length, 1);
});

test('a script that never reached Redis learns what it has lost', async (t) => {
  const tandem = connect({ redis: 'redis://127.0.0.1:1', name: 'script' });
  const owner = tandem.own(space);
  owner.on('error', () => {});
  for (const key of ['key/a', 'key/b', 'key/c'] as const) owner.set(key, 1);
  const { uncommitted } = await tandem.stop({ timeoutMs: 300 });
  t.deepEqual(
    uncommitted.map(({ space: name, key, value }) => [name, key, value]),
    ['key/a', 'key/b', 'key/c'].map((key) => ['told', key, 1]),
  );
});
