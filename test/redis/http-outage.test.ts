/** The status routes without Redis, without an owner, or without any state. */
import type { ExecutionContext } from 'ava';
import Koa from 'koa';
import { defineSpace, json } from '../../src/index.ts';
import { statusRouter } from '../../src/koa.ts';
import type { Tandem } from '../../src/index.ts';
import { listen } from '../_listen.ts';
import { onRealServer } from '../_real.ts';
import { RedisServer } from '../_redis-server.ts';
import { tandemPair } from '../_tandem-pair.ts';
import { until } from '../_wait.ts';

const space = defineSpace('outage', { 'key/*': json<number>() });

async function serve(t: ExecutionContext, tandem: Tandem) {
  const origin = await listen(t, new Koa().use(statusRouter(tandem).routes()));
  return async (path: string, headers: Record<string, string> = {}) => {
    const response = await fetch(origin + path, { headers, signal: AbortSignal.timeout(5_000) });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json');
    return {
      status: response.status,
      headers: response.headers,
      body: isJson ? JSON.parse(text) : text,
    };
  };
}

async function start(t: ExecutionContext) {
  const redis = await RedisServer.start();
  return { redis, ...tandemPair(t, redis) };
}

onRealServer('a cache never gets 304 once the state is no longer live', async (t) => {
  const { redis, owning, following } = await start(t);
  const owner = owning.own(space);
  const follower = following.follow(space);
  owner.set('key/a', 1);
  await follower.waitFor(await owner.flush({ timeoutMs: 5_000 }), { timeoutMs: 5_000 });
  const get = await serve(t, following);
  const paths = ['/spaces', '/spaces/outage', '/spaces/outage/state/key/a'];
  const kept = await Promise.all(paths.map(async (path) => (await get(path)).headers.get('etag')!));
  for (const [n, path] of paths.entries())
    t.is((await get(path, { 'If-None-Match': kept[n]! })).status, 304, path);

  await redis.kill();
  await until(() => follower.get('key/a').freshness === 'stale', 'stale');
  for (const [n, path] of paths.entries()) {
    const { status, headers, body } = await get(path, { 'If-None-Match': kept[n]! });
    t.is(status, 200, path);
    t.is(headers.get('etag'), null, path);
    t.is((path === '/spaces' ? body.spaces[0] : body).freshness, 'stale', path);
  }

  await redis.restart();
  await until(
    () => follower.get('key/a').freshness === 'live' && follower.mode === 'connected',
    'live again',
  );
  const { headers } = await get('/spaces/outage');
  t.is((await get('/spaces/outage', { 'If-None-Match': headers.get('etag')! })).status, 304);
});

onRealServer('positions of owners that could not claim yet are no place to continue from', async (t) => {
  const { redis, owning } = await start(t);
  await redis.kill();
  const owner = owning.own(space);
  owner.set('key/a', 1);
  owner.set('key/b', 2);
  const get = await serve(t, owning);
  t.is(owner.head, '0-2');
  t.is((await get('/spaces/outage', { 'If-None-Match': '"0-2"' })).status, 200);
  // The position belongs to another process, which had set other values.
  const reading = get('/spaces/outage/changes', { 'Last-Event-ID': '0-2' });
  await until(() => (owner.set('key/a', 3), owner.head >= '0-5'), 'a change');
  await owning.stop({ timeoutMs: 100 });
  t.regex((await reading).body, /^event: state\ndata: .*"key\/b":\{"value":2,/m);
});

onRealServer('a space that nobody ever owned proves nothing, and has nothing to read', async (t) => {
  const { following } = await start(t);
  const follower = following.follow(space);
  await follower.ready();
  t.is(follower.get('key/a').staleMs, Infinity);
  const get = await serve(t, following);
  const { body } = await get('/spaces/outage');
  t.is(body.staleMs, null);
  t.is(body.freshness, 'stale');
  const ready = await get('/readyz?verbose');
  t.is(ready.status, 503);
  t.like(ready.body.spaces[0], { diagnosis: 'empty', policies: { stale: false }, culprit: 'owner' });
});

onRealServer('a stopped process says that it has stopped, not that a space is unknown', async (t) => {
  const { following } = await start(t);
  following.follow(space);
  const get = await serve(t, following);
  await following.stop();
  for (const path of [
    '/spaces',
    '/spaces/outage',
    '/spaces/outage/state/key/a',
    '/spaces/outage/changes',
    '/events',
  ]) {
    const { status, body } = await get(path);
    t.is(status, 503, path);
    t.is(body.code, 'STOPPED', path);
  }
});
