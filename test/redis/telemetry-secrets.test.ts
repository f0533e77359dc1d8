/**
 * Secrets are put in every possible place, and every possible error happens. Then all output of the process
 * is searched for them.
 */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { Redis } from 'ioredis';
import Koa from 'koa';
import { z } from 'zod';
import { connect, defineSpace } from '../../src/index.ts';
import { directRouter, statusRouter } from '../../src/koa.ts';
import { onRealServer } from '../_real.ts';
import { RedisServer } from '../_redis-server.ts';
import { TestTelemetry } from '../_telemetry.ts';
import { until } from '../_wait.ts';

const telemetry = new TestTelemetry();

const VALUE = 'canary-of-a-value';
const TOKEN = 'canary-of-a-token';
const PASSWORD = 'canary-of-a-password';
const space = defineSpace('space', { 'key/*': z.object({ secret: z.string(), n: z.number() }) });

/** Collects all writes to stdout and stderr from now on. */
function heard(): () => string {
  const pieces: string[] = [];
  for (const stream of [process.stdout, process.stderr]) {
    const write = stream.write.bind(stream);
    stream.write = (chunk: string | Uint8Array) => {
      pieces.push(Buffer.from(chunk as string).toString());
      return write(chunk);
    };
  }
  return () => pieces.join('');
}

onRealServer('no value, token, password or Redis argument is ever exported or printed', async (t) => {
  const written = heard();
  const server = await RedisServer.start();
  t.teardown(() => server.stop());
  const admin = new Redis(server.url, { replyMapping: 'legacy' });
  t.teardown(() => admin.disconnect());
  await admin.config('SET', 'requirepass', PASSWORD);
  const url = server.url.replace('redis://', `redis://:${PASSWORD}@`);

  const trading = connect({ redis: url, name: 'trading-1' });
  const owner = trading.own(space);
  const app = new Koa();
  app.silent = true;
  app.use(directRouter(trading, { token: TOKEN }).routes());
  app.use(statusRouter(trading).routes());
  const http = app.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const direct = {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    token: TOKEN,
    mode: 'always' as const,
  };
  const api = connect({ redis: url, name: 'api-1' });
  const refused = connect({ redis: url.replace(PASSWORD, `${PASSWORD}-but-wrong`), name: 'refused-1' });
  t.teardown(async () => {
    await Promise.all([trading, api, refused].map((tandem) => tandem.stop()));
    http.closeAllConnections();
    http.close();
  });
  const follower = api.follow(space);
  const near = api.follow(space, { direct });
  const wrong = refused.follow(space, { direct: { ...direct, token: `${TOKEN}-but-wrong` } });
  const refusals: string[] = [];
  wrong.on('error', ({ error }) => refusals.push(error.code));
  await Promise.all([owner.ready(), follower.ready(), near.ready()]);

  // Calls that succeed.
  const set = (n: number): void =>
    telemetry.in('decide', () => owner.set(`key/${n % 5}`, { secret: `${VALUE}-${n}`, n }));
  for (let n = 0; n < 20; n += 1) set(n);
  await until(() => follower.head === owner.head && near.head === owner.head, 'the values');
  await fetch(`${direct.url}/spaces/space/state/key/1`);
  await fetch(`${direct.url}/spaces/space?token=${TOKEN}`);

  // Calls that fail.
  t.throws(() => telemetry.in('decide', () => owner.set('key/1', { secret: VALUE, n: VALUE as never })));
  await admin.publish(
    'tandem:{space}:frames',
    `1 0\n3 7 0-0 0 1 1000 1 c t={"traceparent":"${VALUE}"}\n${VALUE}`,
  );
  const [epoch, revision] = follower.head.split('-').map(Number) as [number, number];
  const header = `3 ${epoch} 0-0 ${revision} ${revision + 1} 1000 1000 c`;
  const trace = JSON.stringify({ traceparent: VALUE, links: [VALUE] });
  await admin.publish('tandem:{space}:frames', `1 0\n${header} ${trace}\nkey/1\n${revision + 1}\n"${VALUE}"`);
  const rejections = async (): Promise<number> => (await telemetry.points('tandem.rejected')).length;
  await until(async () => (await rejections()) >= 2, 'both rejected');
  await until(
    () => refusals.includes('REDIS_REFUSED') && refusals.includes('DIRECT_REFUSED'),
    'both refused',
  );
  await server.kill();
  await until(() => owner.mode === 'degraded', 'degraded');
  for (let n = 0; n < 5; n += 1) set(n);
  await server.restart();
  await admin.config('SET', 'requirepass', PASSWORD).catch(() => {});
  await until(() => owner.mode === 'connected' && follower.head === owner.head, 'connected again');

  const spans = telemetry.spans.filter(({ name }) => /^(commit|apply|GET)/.test(name));
  t.true(
    spans.some(({ name }) => name === 'apply space') && spans.some(({ name }) => name.startsWith('GET')),
  );
  const exported = inspect([telemetry.spans, await telemetry.collect()], {
    depth: null,
    maxArrayLength: null,
    maxStringLength: null,
  });
  t.true(exported.includes('tandem.update.latency_ms') && exported.includes('tandem.rejected'));
  // Paths that a client requested may appear.
  t.true(exported.includes('/spaces/space/state/key/1'));
  for (const secret of [VALUE, TOKEN, PASSWORD]) {
    t.false(exported.includes(secret), `exported: ${secret}`);
    t.false(written().includes(secret), `written: ${secret}`);
  }
  // Arguments and names of scripts.
  t.notRegex(exported, /evalsha|redis\.call|tandem:\{space\}/i);
});
