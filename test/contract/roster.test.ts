/** What every roster does (`src/ports/roster.ts`): in memory, on a Redis, on an embedded one, and on a Cluster. */
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { Cluster, Redis } from 'ioredis';
import { createRedisMock } from 'js-redis-server';
import { ServerClock } from '../../src/base/clock.ts';
import { systemTime } from '../../src/base/time.ts';
import { RedisModel } from '../../src/memory/redis-model.ts';
import { MemoryStore } from '../../src/memory/store.ts';
import type { Roster } from '../../src/ports/roster.ts';
import { RedisStore } from '../../src/redis/store.ts';
import type { RedisTarget } from '../../src/redis/target.ts';
import { freePort } from '../_free-port.ts';
import { onRealServer } from '../_real.ts';
import { RedisServer } from '../_redis-server.ts';
import { until } from '../_wait.ts';

const KEPT_MS = 60_000;

async function overRedis(t: ExecutionContext, redis: RedisTarget): Promise<Roster> {
  const clock = new ServerClock(systemTime);
  const store = new RedisStore({ redis, prefix: 'app', time: systemTime, clock, deadlineMs: 5_000 });
  t.teardown(() => store.stop());
  store.commands.start();
  await until(() => store.commands.up, 'the connection');
  return store.roster;
}

async function keepsTexts(t: ExecutionContext, roster: Roster): Promise<void> {
  t.deepEqual((await roster.read()).entries, []);
  await roster.write('a', 'first', KEPT_MS);
  await roster.write('b', 'ä\n"', KEPT_MS);
  await roster.write('a', 'second', KEPT_MS);
  await roster.write('short', 'x', 20);
  const texts = async () => (await roster.read()).entries.map(({ id, text }) => `${id} ${text}`).toSorted();
  await until(async () => !(await texts()).includes('short x'), 'its time is over');
  t.deepEqual(await texts(), ['a second', 'b ä\n"']);
  const { now, entries, leftOut } = await roster.read();
  t.is(leftOut, 0);
  t.true(now > 1_700_000_000_000);
  for (const { restMs } of entries) t.true(restMs > KEPT_MS - 20_000 && restMs <= KEPT_MS, String(restMs));
  const before = entries.find(({ id }) => id === 'b')!.restMs;
  await until(async () => {
    const later = (await roster.read()).entries.find(({ id }) => id === 'b')!;
    return later.restMs <= before - 10;
  }, 'the server measures how old it is');
}

test('a roster in memory keeps texts for their time', (t) => {
  const server = new RedisModel(systemTime);
  return keepsTexts(t, new MemoryStore({ server, time: systemTime }).roster);
});

test('a roster on an embedded Redis keeps texts for their time', async (t) => {
  const mock = await createRedisMock();
  t.teardown(() => mock.close());
  await keepsTexts(t, await overRedis(t, mock.url));
});

onRealServer('a roster on a Redis keeps texts for their time, and an index that expires', async (t) => {
  const server = await RedisServer.start();
  const admin = new Redis(server.adminUrl);
  t.teardown(async () => {
    admin.disconnect();
    await server.stop();
  });
  const roster = await overRedis(t, server.url);
  await keepsTexts(t, roster);
  t.deepEqual((await admin.keys('*')).toSorted(), [
    'app:{@fleet}:index',
    'app:{@fleet}:process:a',
    'app:{@fleet}:process:b',
  ]);
  t.true((await admin.pttl('app:{@fleet}:index')) > KEPT_MS);
});

onRealServer('a roster on a Cluster is on one node of it', async (t) => {
  const buses = await Promise.all([freePort(), freePort()]);
  const nodes = await Promise.all(
    buses.map((bus) => RedisServer.start('--cluster-enabled', 'yes', '--cluster-port', `${bus}`)),
  );
  const admins = nodes.map(({ adminUrl }) => new Redis(adminUrl));
  t.teardown(async () => {
    for (const admin of admins) admin.disconnect();
    await Promise.all(nodes.map((node) => node.stop()));
  });
  const [one, two] = admins as [Redis, Redis];
  await one.call('CLUSTER', 'ADDSLOTSRANGE', '0', '8191');
  await two.call('CLUSTER', 'ADDSLOTSRANGE', '8192', '16383');
  await one.call('CLUSTER', 'MEET', '127.0.0.1', `${nodes[1]!.port}`, `${buses[1]}`);
  const isWhole = async (admin: Redis): Promise<boolean> => {
    const info = await admin.cluster('INFO');
    return /cluster_state:ok/.test(info) && /cluster_slots_ok:16384/.test(info);
  };
  await until(async () => (await isWhole(one)) && (await isWhole(two)), 'a whole cluster', 20_000);
  const places = nodes.map(({ port }) => ({ host: '127.0.0.1', port }));
  await keepsTexts(t, await overRedis(t, () => new Cluster(places, { lazyConnect: true })));
  const sizes = await Promise.all(admins.map((admin) => admin.dbsize()));
  t.deepEqual(
    sizes.toSorted((a, b) => a - b),
    [0, 3],
  );
});
