/**
 * Health routes as a load balancer and a supervisor use them, while a real Redis is killed and comes back.
 */
import Koa from 'koa';
import { connect, defineSpace, json } from '../../src/index.ts';
import { directRouter, statusRouter } from '../../src/koa.ts';
import type { Readiness } from '../../src/koa.ts';
import { listen } from '../_listen.ts';
import { onRealServer } from '../_real.ts';
import { RedisServer } from '../_redis-server.ts';
import { tandemPair } from '../_tandem-pair.ts';
import { until } from '../_wait.ts';

const space = defineSpace('health', { 'key/*': json<number>() });
const token = 'a token of some length';
const POLICIES: readonly Readiness[] = ['connected', 'degraded-live', 'stale'];

async function ask(url: string) {
  const response = await fetch(url);
  return { status: response.status, headers: response.headers, body: (await response.json()) as any };
}

onRealServer(
  'readiness follows its policy, from before the first reading to the loss of Redis and owner',
  async (t) => {
    const redis = await RedisServer.start();
    await redis.kill();
    const { owning, following } = tandemPair(t, redis);
    const owner = owning.own(space, { leaseMs: 500 });
    const ownerApp = new Koa();
    ownerApp.use(directRouter(owning, { token }).routes());
    const ownerUrl = await listen(t, ownerApp);
    const origins = new Map<Readiness, string>();
    for (const readiness of POLICIES) {
      const app = new Koa();
      app.use(statusRouter(following, { readiness }).routes());
      origins.set(readiness, await listen(t, app));
    }
    const statuses = async (): Promise<number[]> => {
      const answers = await Promise.all([...origins.values()].map((origin) => ask(`${origin}/readyz`)));
      return answers.map(({ status }) => status);
    };
    const [origin] = origins.values();
    const comeTo = (expected: number[], what: string): Promise<void> =>
      until(async () => String(await statuses()) === String(expected), what);

    t.deepEqual(await statuses(), [503, 503, 503], 'no space yet');
    const follower = following.follow(space, { direct: { url: ownerUrl, token } });
    await until(() => follower.mode === 'degraded', 'degraded');
    // An owner that could not claim yet can be read directly, but proves nothing.
    await until(() => follower.get('key/a').source === 'direct', 'the direct path');
    t.deepEqual(await statuses(), [503, 503, 503], 'nothing is proven yet');

    await redis.restart();
    owner.set('key/a', 1);
    await owner.ready();
    await comeTo([200, 200, 200], 'all connected');
    const well = await ask(`${origin}/readyz?verbose`);
    t.like(well.body, { status: 'ready', readiness: 'connected' });
    t.like(well.body.spaces[0], {
      space: 'health',
      ready: true,
      diagnosis: 'connected',
      culprit: 'nobody',
      policies: { connected: true, 'degraded-live': true, stale: true },
      mode: 'connected',
      source: 'redis',
    });

    await redis.kill();
    await comeTo([503, 200, 200], 'live over the direct path');
    await until(() => follower.get('key/a').source === 'direct', 'the direct path');
    const out = await ask(`${origin}/readyz?verbose`);
    t.is(out.headers.get('retry-after'), '1');
    t.is(out.headers.get('cache-control'), 'no-store');
    t.is(out.body.status, 'not ready');
    t.like(out.body.spaces[0], {
      ready: false,
      diagnosis: 'degraded-live',
      culprit: 'redis',
      source: 'direct',
    });
    t.regex(out.body.spaces[0].summary, /Redis is out.*directly/);
    t.true(out.body.spaces[0].reason.length > 0);

    await owning.stop({ timeoutMs: 50 });
    await comeTo([503, 503, 200], 'stale');
    const gone = await ask(`${origin}/readyz?verbose=1`);
    t.like(gone.body.spaces[0], {
      diagnosis: 'stale',
      freshness: 'stale',
      source: 'memory',
      ownerAlive: false,
    });

    for (const url of origins.values()) t.is((await ask(`${url}/livez`)).status, 200);
    t.deepEqual((await ask(`${origin}/livez`)).body, { status: 'alive' });
  },
);

onRealServer('readiness says that an owner has released its space', async (t) => {
  const redis = await RedisServer.start();
  const { owning, following } = tandemPair(t, redis);
  const owner = owning.own(space, { leaseMs: 500 });
  owner.set('key/a', 1);
  await owner.ready();
  const follower = following.follow(space);
  await follower.waitFor(await owner.flush());
  const app = new Koa();
  app.use(statusRouter(following).routes());
  const origin = await listen(t, app);
  t.is((await ask(`${origin}/readyz`)).status, 200);
  await owning.stop();
  await until(async () => (await ask(`${origin}/readyz`)).status === 503, 'not ready');
  const { body } = await ask(`${origin}/readyz?verbose`);
  t.like(body.spaces[0], { diagnosis: 'stale', culprit: 'owner', mode: 'connected', ownerAlive: false });
  t.is(body.spaces[0].owner, 'released');
  t.regex(body.spaces[0].summary, /^The owner has stopped and released the space/);
});

onRealServer('an invalid policy is refused', async (t) => {
  const tandem = connect({ redis: 'redis://127.0.0.1:1' });
  t.teardown(() => tandem.stop());
  const readiness = 'always' as Readiness;
  t.throws(() => statusRouter(tandem, { readiness }), { code: 'INVALID_OPTION' });
  t.throws(() => statusRouter(tandem, { maxClients: -1 }), { code: 'INVALID_OPTION' });
  t.throws(() => statusRouter(tandem, { maxBytes: 0 }), { code: 'INVALID_OPTION' });
  t.throws(() => statusRouter(tandem, { keepAliveMs: 0 }), { code: 'INVALID_OPTION' });
  t.throws(() => statusRouter(tandem, { page: 'no' as never }), { code: 'INVALID_OPTION' });
  t.throws(() => statusRouter(tandem, { charts: 4 as never }), { code: 'INVALID_OPTION' });
  await Promise.resolve();
});
