/** A network on which a page of large values takes longer than Redis may take for an answer. */
import type { ExecutionContext } from 'ava';
import { connect, defineSpace, json } from '../../src/index.ts';
import { FaultProxy } from '../_fault-proxy.ts';
import { onRealServers } from '../_real.ts';
import { RedisServer } from '../_redis-server.ts';
import { until } from '../_wait.ts';

const big = defineSpace('big', { '*': json<string>() });
const small = defineSpace('small', { '*': json<number>() });
const mine = defineSpace('mine', { '*': json<number>() });
const VALUES = 8;
const LENGTH = 400_000;

/** Two processes on one server: `there` beside it, `here` behind a proxy. */
async function begin(t: ExecutionContext) {
  const server = await RedisServer.start();
  const proxy = await FaultProxy.start(server.port);
  const there = connect({ redis: server.url, telemetry: false });
  const here = connect({ redis: proxy.url, telemetry: false });
  t.teardown(async () => {
    proxy.resume();
    await Promise.all([here.stop({ timeoutMs: 100 }), there.stop({ timeoutMs: 100 })]);
    await proxy.stop();
    await server.stop();
  });
  return { proxy, there, here };
}

onRealServers(
  'a large state comes in over the connection that it began on, and disturbs nothing',
  async (t) => {
    const { proxy, here, there } = await begin(t);
    const [bigOwner, smallOwner] = [there.own(big), there.own(small)];
    for (let n = 0; n < VALUES; n += 1) bigOwner.set(`k/${n}`, 'x'.repeat(LENGTH));
    smallOwner.set('a', 0);
    await Promise.all([bigOwner.flush(), smallOwner.flush()]);

    const [owner, follower] = [here.own(mine), here.follow(small)];
    await Promise.all([owner.ready(), follower.ready()]);
    const modes: string[] = [];
    owner.on('mode', ({ mode }) => modes.push(`owner ${mode}`));
    follower.on('mode', ({ mode }) => modes.push(`follower ${mode}`));
    // A page of one value takes 800 ms, and an answer may take 500.
    proxy.narrow(500, 'toClient');
    const connections = proxy.askedAt.length;
    const reader = here.follow(big);
    const stale: string[] = [];
    for (let n = 1; reader.mode !== 'connected'; n += 1) {
      smallOwner.set('a', n);
      owner.set('b', n);
      await until(() => follower.get('a').value === n, 'each change of the small space');
      if (follower.get('a').freshness !== 'live') stale.push(`${n}`);
    }
    t.is(reader.get(`k/${VALUES - 1}`).value?.length, LENGTH);
    t.deepEqual(modes, []);
    t.deepEqual(stale, []);
    t.is(proxy.askedAt.length, connections, 'no connection was given up');
  },
);

onRealServers(
  'a server that stops in the middle of a large page is found as soon as any other',
  async (t) => {
    const { proxy, here, there } = await begin(t);
    const owner = there.own(big);
    for (let n = 0; n < VALUES; n += 1) owner.set(`k/${n}`, 'x'.repeat(LENGTH));
    await owner.flush();
    const follower = here.follow(mine);
    await until(() => follower.mode === 'connected', 'the connection');
    proxy.narrow(100, 'toClient');
    here.follow(big);
    const begun = performance.now();
    await until(() => performance.now() - begun > 1_500, 'the middle of a page');
    t.is(follower.mode, 'connected');
    const stoppedAt = performance.now();
    proxy.blackHole();
    await until(() => follower.mode !== 'connected', 'the end of the connection');
    const tookMs = performance.now() - stoppedAt;
    // A deadline is 500 ms, and a machine may be busy.
    t.true(tookMs < 2_500, `${tookMs} ms`);
  },
);
