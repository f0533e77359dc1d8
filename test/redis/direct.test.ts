/** The direct path: from the owner's process over HTTP, while a real Redis is killed and comes back. */
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ExecutionContext } from 'ava';
import { Redis } from 'ioredis';
import Koa from 'koa';
import { comparePositions, connect, defineSpace, json } from '../../src/index.ts';
import { directRouter } from '../../src/koa.ts';
import type { DirectOptions } from '../../src/index.ts';
import { listen } from '../_listen.ts';
import { onRealServer } from '../_real.ts';
import { RedisServer } from '../_redis-server.ts';
import { until } from '../_wait.ts';

const space = defineSpace('direct', { 'key/*': json<number>() });
const token = 'a token of some length';

/** Starts an owner that serves the direct path, a follower that uses it, and a Redis between them. */
async function start(t: ExecutionContext, direct: Partial<DirectOptions> = {}) {
  const redis = await RedisServer.start();
  const owning = connect({ redis: redis.url, name: 'owner' });
  const following = connect({ redis: redis.url, name: 'follower' });
  const owner = owning.own(space);
  const app = new Koa();
  app.silent = true;
  app.use(directRouter(owning, { token }).routes());
  const server: Server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const follower = following.follow(space, { direct: { url, token, ...direct } });
  const heads: string[] = [];
  follower.watch('*', () => heads.push(follower.head));
  const errors: string[] = [];
  follower.on('error', ({ error }) => errors.push(error.code));
  t.teardown(async () => {
    await following.stop();
    await owning.stop({ timeoutMs: 100 });
    server.closeAllConnections();
    server.close();
    await redis.stop();
  });
  await Promise.all([owner.ready(), follower.ready()]);
  return { redis, owning, owner, follower, server, url, heads, errors };
}

onRealServer(
  'the follower is live again at once without Redis, and nothing is missing when Redis is back',
  async (t) => {
    const { redis, owner, follower, heads } = await start(t);
    owner.set('key/a', 1);
    await follower.waitFor(await owner.flush());
    t.is(follower.get('key/a').source, 'redis');

    await redis.kill('SIGKILL');
    const killedAt = performance.now();
    await until(
      () => follower.mode === 'degraded' && follower.get('key/a').source === 'direct',
      'the direct path',
    );
    t.log(`direct ${(performance.now() - killedAt).toFixed(0)} ms after Redis was killed`);
    t.true(performance.now() - killedAt < 1_000);
    const staleness: number[] = [];
    for (let n = 2; n < 200; n += 1) {
      owner.set('key/a', n);
      await follower.waitFor(owner.head);
      t.is(follower.get('key/a').value, n);
      t.is(follower.get('key/a').freshness, 'live');
      staleness.push(follower.get('key/a').staleMs);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    t.log(`longest staleness in a second of outage: ${Math.max(...staleness).toFixed(1)} ms`);

    await redis.restart();
    await until(
      () => follower.mode === 'connected' && follower.get('key/a').source === 'redis',
      'Redis again',
    );
    owner.set('key/b', 1);
    await follower.waitFor(await owner.flush());
    t.is(follower.get('key/a').value, 199);
    t.is(follower.get('key/b').value, 1);
    t.is((await follower.refresh()).differed, 0);
    for (let at = 1; at < heads.length; at += 1) t.true(comparePositions(heads[at - 1]!, heads[at]!) <= 0);
  },
);

onRealServer(
  'if Redis takes no writes, the follower switches to the direct path before it is stale, and back later',
  async (t) => {
    const { redis, owner, follower } = await start(t);
    owner.set('key/a', 0);
    await follower.waitFor(await owner.flush());
    const admin = new Redis(redis.url);
    t.teardown(() => admin.disconnect());
    await admin.config('SET', 'maxmemory', '1mb');
    await until(() => owner.mode === 'degraded', 'an owner whose commits are refused');
    await until(() => follower.get('key/a').source === 'direct', 'the direct path');
    for (let n = 1; n < 150; n += 1) {
      owner.set('key/a', n);
      await follower.waitFor(owner.head);
      t.is(follower.get('key/a').value, n);
      t.is(follower.get('key/a').freshness, 'live');
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await admin.config('SET', 'maxmemory', '0');
    await until(() => owner.mode === 'connected' && follower.get('key/a').source === 'redis', 'Redis again');
    t.is(follower.get('key/a').value, 149);
    t.is((await follower.refresh()).differed, 0);
  },
);

onRealServer('an owner that could not claim yet can be read, but proves nothing', async (t) => {
  const { redis, owning } = await start(t);
  await owning.stop();
  await redis.kill('SIGKILL');
  const own = connect({ redis: redis.url, name: 'another' });
  const late = connect({ redis: redis.url, name: 'late' });
  t.teardown(async () => {
    await late.stop();
    await own.stop({ timeoutMs: 100 });
  });
  const owner = own.own(space);
  owner.set('key/a', 1);
  const url = await listen(t, new Koa().use(directRouter(own, { token }).routes()));
  const follower = late.follow(space, { direct: { url, token } });
  await until(() => follower.get('key/a').source === 'direct', 'the direct path');
  t.like(follower.get('key/a'), { source: 'direct', freshness: 'stale', ownerAlive: false });
  t.is(owner.get('key/a').freshness, 'stale');
  await redis.restart();
  await until(() => follower.get('key/a').freshness === 'live', 'live, once it has claimed');
});

onRealServer('a new follower reads the whole state directly while Redis is out', async (t) => {
  const { redis, owner, url } = await start(t);
  for (let n = 0; n < 3_000; n += 1) owner.set(`key/${n}`, n);
  await owner.flush({ timeoutMs: 5_000 });
  await redis.kill('SIGKILL');
  const late = connect({ redis: redis.url, name: 'late' });
  t.teardown(() => late.stop());
  const follower = late.follow(space, { direct: { url, token } });
  await follower.ready({ timeoutMs: 5_000 });
  t.is([...follower.entries()].length, 3_000);
  t.is(follower.get('key/7').freshness, 'live');
  t.is(follower.head, owner.head);
  owner.delete('key/7');
  await follower.waitFor(owner.head);
  t.is(follower.get('key/7').value, undefined);
});

onRealServer('mode "always" uses the direct path with Redis up, too', async (t) => {
  const { owner, follower } = await start(t, { mode: 'always' });
  const isBoth = (): boolean => follower.get('key/a').source === 'direct' && follower.mode === 'connected';
  await until(isBoth, 'the direct path, with Redis up');
  for (let n = 0; n < 500; n += 1) {
    owner.set('key/a', n);
    await follower.waitFor(owner.head);
    t.is(follower.get('key/a').value, n);
  }
  t.is((await follower.refresh()).differed, 0);
});

onRealServer('a wrong token gives a clear error, and the follower still reads from Redis', async (t) => {
  const { owner, follower, errors, url } = await start(t, { token: 'another token', mode: 'always' });
  await until(() => errors.includes('DIRECT_REFUSED'), 'the refusal');
  owner.set('key/a', 1);
  await follower.waitFor(await owner.flush());
  t.is(follower.get('key/a').source, 'redis');
  for (const path of ['/direct/clock', '/direct/direct/state', '/direct/direct/frames?from=0-0']) {
    t.is((await fetch(url + path)).status, 401, path);
    t.is((await fetch(url + path, { headers: { Authorization: 'Bearer ' } })).status, 401, path);
  }
});

onRealServer('the follower reports when the owner is gone too', async (t) => {
  const { redis, owner, follower, server } = await start(t);
  owner.set('key/a', 1);
  await follower.waitFor(await owner.flush());
  await redis.kill('SIGKILL');
  await until(() => follower.get('key/a').source === 'direct', 'the direct path');
  server.closeAllConnections();
  server.close();
  await until(() => follower.get('key/a').freshness === 'stale', 'staleness');
  t.is(follower.get('key/a').source, 'memory');
  t.is(follower.get('key/a').value, 1);
});
