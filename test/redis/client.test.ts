/** The client on a real Redis that fails: it says what the server knows, and never goes back. */
import test from 'ava';
import Koa from 'koa';
import { follow } from '../../src/client.ts';
import { comparePositions, connect, defineSpace, json } from '../../src/index.ts';
import { statusRouter } from '../../src/koa.ts';
import { listen } from '../_listen.ts';
import { onRealServer } from '../_real.ts';
import { RedisServer } from '../_redis-server.ts';
import { until } from '../_wait.ts';

const space = defineSpace('watched', { 'key/*': json<number>() });

onRealServer('a client is stale while Redis is out, keeps what it shows, and catches up', async (t) => {
  const redis = await RedisServer.start();
  const owning = connect({ redis: redis.url, name: 'owner' });
  const following = connect({ redis: redis.url, name: 'api' });
  const owner = owning.own(space, { leaseMs: 500 });
  const follower = following.follow(space);
  owner.set('key/a', 1);
  await owner.ready();
  await follower.waitFor(await owner.flush(), { timeoutMs: 5_000 });
  const url = await listen(t, new Koa().use(statusRouter(following).routes()));
  const state = follow({ url, space });
  t.teardown(async () => {
    state.close();
    await following.stop();
    await owning.stop({ timeoutMs: 100 });
    await redis.stop();
  });
  const heads: string[] = [];
  state.subscribe(() => heads.push(state.head));
  await state.ready();
  await until(() => state.freshness === 'live', 'the client is live');

  await redis.kill();
  await until(() => state.freshness === 'stale', 'the client is stale');
  t.deepEqual([state.get('key/a').value, state.source, state.mode], [1, 'memory', 'connected']);
  await until(() => state.owner === 'lost', 'the owner counts as lost');
  owner.set('key/a', 2);
  await redis.restart();
  await until(() => state.freshness === 'live' && state.get('key/a').value === 2, 'the client has caught up');
  await until(() => state.ownerAlive, 'the owner is alive');

  await owning.stop();
  await until(() => state.owner === 'released', 'the client is told of the goodbye');
  for (const [n, head] of heads.entries())
    t.true(n === 0 || comparePositions(heads[n - 1]!, head) <= 0, `${heads[n - 1]} then ${head}`);
});

test('a client leaves its process free to end', async (t) => {
  const { execFile } = await import('node:child_process');
  const code = `import { follow } from ${JSON.stringify(new URL('../../src/client.ts', import.meta.url).href)};
    const state = follow({ url: 'http://127.0.0.1:1', space: 'none' });
    setTimeout(() => state.close(), 300);`;
  await new Promise<void>((resolve) => {
    execFile(process.execPath, ['--input-type=module', '-e', code], { timeout: 20_000 }, (error) => {
      t.is(error, null);
      resolve();
    });
  });
});
