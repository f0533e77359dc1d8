/** A Redis that is far away: a round trip of 400 ms, which is what TLS needs at half of that. */
import { Redis } from 'ioredis';
import type { ConnectOptions } from '../../src/index.ts';
import { connect, defineSpace, json } from '../../src/index.ts';
import { FaultProxy } from '../_fault-proxy.ts';
import { onRealServers } from '../_real.ts';
import { RedisServer } from '../_redis-server.ts';
import { until } from '../_wait.ts';

const ONE_WAY_MS = 200;
const space = defineSpace('space', { a: json() });

const ways: [title: string, target: (port: number) => Pick<ConnectOptions, 'redis' | 'connectTimeoutMs'>][] =
  [
    ['options', (port) => ({ redis: { host: '127.0.0.1', port, connectTimeout: 5_000 } })],
    ['a URL', (port) => ({ redis: `redis://127.0.0.1:${port}?connectTimeout=5000` })],
    ["a function's client", (port) => ({ redis: () => new Redis({ port, connectTimeout: 5_000 }) })],
    ['connectTimeoutMs', (port) => ({ redis: `redis://127.0.0.1:${port}`, connectTimeoutMs: 5_000 })],
  ];

for (const [title, target] of ways) {
  onRealServers(
    `a Redis far away is reached, and stays so, with a time to connect from ${title}`,
    async (t) => {
      const server = await RedisServer.start();
      const proxy = await FaultProxy.start(server.port);
      proxy.slow(ONE_WAY_MS);
      const options = { ...target(proxy.port), commandTimeoutMs: 5_000, telemetry: false };
      const here = connect(options);
      const there = connect(options);
      t.teardown(async () => {
        await Promise.all([here.stop({ timeoutMs: 100 }), there.stop({ timeoutMs: 100 })]);
        await proxy.stop();
        await server.stop();
      });
      const owner = here.own(space);
      const follower = there.follow(space, { maxStaleMs: 3_000 });
      await Promise.all([owner.ready({ timeoutMs: 30_000 }), follower.ready({ timeoutMs: 30_000 })]);
      const modes: string[] = [];
      owner.on('mode', ({ mode }) => modes.push(`owner ${mode}`));
      follower.on('mode', ({ mode }) => modes.push(`follower ${mode}`));
      // For longer than a lease, and than many pings.
      const end = performance.now() + 3_000;
      for (let n = 0; performance.now() < end; n += 1) {
        owner.set('a', n);
        const now = performance.now();
        await until(() => performance.now() - now > 50, 'the next change');
      }
      const { value } = owner.get('a');
      await until(() => follower.get('a').value === value, 'the last value', 12_000);
      t.is(follower.get('a').freshness, 'live');
      t.deepEqual(modes, []);
    },
  );
}

onRealServers('where a bound is too near, the error names the option, and where Redis is', async (t) => {
  const server = await RedisServer.start();
  const proxy = await FaultProxy.start(server.port);
  proxy.slow(ONE_WAY_MS);
  t.teardown(async () => {
    await proxy.stop();
    await server.stop();
  });
  const near = [
    [{}, /no connection to Redis at 127\.0\.0\.1:\d+ within 700 ms \(connectTimeoutMs\)/],
    [{ connectTimeoutMs: 5_000, commandTimeoutMs: 100 }, /did not answer within 100 ms \(commandTimeoutMs\)/],
  ] as const;
  for (const [options, said] of near) {
    const tandem = connect({ redis: proxy.url, telemetry: false, ...options });
    const owner = tandem.own(space);
    const messages: string[] = [];
    owner.on('error', ({ error }) => messages.push(error.message));
    await until(() => messages.some((message) => said.test(message)), `the error, not ${messages.join()}`);
    await tandem.stop({ timeoutMs: 0 });
    t.pass();
  }
});
