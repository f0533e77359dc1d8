/**
 * Two hundred followers lose Redis and get it back. They reconnect spread out in time, and other clients
 * still get answers meanwhile.
 */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect } from '../../src/index.ts';
import { FaultProxy } from '../_fault-proxy.ts';
import { onRealServer } from '../_real.ts';
import { RedisServer } from '../_redis-server.ts';
import { load } from '../fixtures/load-space.ts';

const FOLLOWERS = 200;
const KEYS = 1_000;
const WINDOW_MS = 50;

const start = (file: string, ...args: string[]): ChildProcess =>
  fork(new URL(`../fixtures/${file}.ts`, import.meta.url), args);
const told = async (child: ChildProcess): Promise<{ longestMs: number; answers: number }> =>
  ((await once(child, 'message', { signal: AbortSignal.timeout(60_000) })) as [never])[0];

onRealServer('two hundred followers reconnect spread out, and no other client waits for them', async (t) => {
  t.timeout(120_000);
  const redis = await RedisServer.start();
  const proxy = await FaultProxy.start(redis.port);
  const owning = connect({ redis: redis.url, name: 'owner' });
  const herd = start('herd', proxy.url, String(FOLLOWERS));
  t.teardown(async () => {
    herd.kill('SIGKILL');
    await owning.stop({ timeoutMs: 500 });
    await proxy.stop();
    await redis.stop();
  });
  const owner = owning.own(load);
  for (let n = 0; n < KEYS; n += 1) owner.set(`key/${n}`, { n, sentAt: 0 });
  await owner.ready();
  await told(herd);

  // Redis is gone long enough for each follower to reach its longest pause. Other clients still reach Redis.
  proxy.refuse();
  proxy.cut();
  const bystander = start('bystander', redis.url);
  await told(bystander);
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  owner.set('key/0', { n: 1, sentAt: 0 });
  const position = await owner.flush();
  proxy.askedAt.length = 0;
  const resumedAt = performance.now();
  proxy.resume();
  herd.send(position);
  await told(herd);
  const tookMs = performance.now() - resumedAt;
  bystander.send('enough');
  const { longestMs, answers } = await told(bystander);

  const arrivals = proxy.askedAt.map((at) => at - resumedAt).filter((at) => at >= 0);
  const busiest = Math.max(
    ...arrivals.map((from) => arrivals.filter((at) => at >= from && at < from + WINDOW_MS).length),
  );
  t.log(
    `${FOLLOWERS} followers in step ${tookMs.toFixed(0)} ms after; ${arrivals.length} connections, at most ${busiest} in ${WINDOW_MS} ms; ` +
      `another client got ${answers} answers; the slowest took ${longestMs.toFixed(1)} ms`,
  );
  t.true(tookMs < 10_000);
  // If all came at once, all arrivals would be in one window.
  t.true(busiest < arrivals.length / 2);
  t.true(longestMs < 500);
});
