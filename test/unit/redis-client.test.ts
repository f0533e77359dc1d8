/** Which clients of a function's are used, and which are the user's own. Nothing connects here. */
import test from 'ava';
import { Cluster, Redis } from 'ioredis';
import { ClientMaker } from '../../src/redis/client.ts';
import type { Client } from '../../src/redis/target.ts';

const LAZY = { lazyConnect: true } as const;
const redis = (options: object = {}): Redis => new Redis({ ...LAZY, host: '127.0.0.1', port: 1, ...options });
const cluster = (): Cluster => new Cluster([{ host: '127.0.0.1', port: 1 }], LAZY);

for (const [title, make] of [
  ['Redis', redis],
  ['Cluster', cluster],
] as const) {
  test(`a ${title} client that is given twice is left alone: a duplicate of it is used`, (t) => {
    const mine: Client = make();
    const before = { ...mine.options };
    const maker = new ClientMaker(() => mine);
    const used = [maker.make(), maker.make()];
    t.is(new Set([mine, ...used]).size, 3);
    t.deepEqual({ ...mine.options }, before);
    t.is(mine.status, 'wait');
    for (const client of used) {
      t.is(maker.about(client).warning?.code, 'INVALID_OPTION');
      t.is(client.options.enableOfflineQueue, false);
    }
  });

  test(`a new ${title} client each time is used as it is`, (t) => {
    const made: Client[] = [];
    const maker = new ClientMaker(() => {
      made.push(make());
      return made.at(-1)!;
    });
    const used = [maker.make(), maker.make()];
    // The second was made for the comparison with the first.
    t.deepEqual(
      used.map((client) => made.indexOf(client)),
      [0, 2],
    );
    t.is(made.length, 3);
    for (const client of used) t.is(maker.about(client).warning, undefined);
  });
}

test('a client that one connection has used is not used by another', (t) => {
  const mine = redis();
  let calls = 0;
  const maker = new ClientMaker(() => ((calls += 1) === 1 ? mine : redis()));
  t.is(maker.make(), mine);
  const other = new ClientMaker(() => mine);
  t.not(other.make(), mine);
});

test('what cannot be duplicated, has a keyPrefix or is no client is refused, and stays as it is', (t) => {
  const bare = { sendCommand() {}, disconnect: () => t.fail(), options: {}, status: 'ready' };
  const ofNodeRedis = { ...bare, status: undefined, isReady: true, duplicate: () => t.fail() };
  const prefixed = redis({ keyPrefix: 'a:' });
  for (const given of [
    bare,
    ofNodeRedis,
    prefixed,
    undefined,
    {},
    { disconnect: () => t.fail() },
    'redis://h',
  ])
    t.throws(() => new ClientMaker(() => given as never).make(), { code: 'INVALID_OPTION' });
  t.deepEqual(bare.options, {});
  t.is(prefixed.options.enableOfflineQueue, true);
});

test('the time to connect is the option, else what the target says, else 700 ms', (t) => {
  const timeOf = (maker: ClientMaker): number => maker.about(maker.make()).connectTimeoutMs;
  const host = '127.0.0.1';
  t.is(timeOf(new ClientMaker('redis://h')), 700);
  t.is(timeOf(new ClientMaker('redis://h?connectTimeout=5000')), 5_000);
  t.is(timeOf(new ClientMaker({ host, connectTimeout: 10_000 })), 10_000);
  t.is(timeOf(new ClientMaker({ host, connectTimeout: 0 })), 60_000, 'without an end for ioredis');
  t.is(timeOf(new ClientMaker({ host, connectTimeout: 1 })), 50);
  t.is(timeOf(new ClientMaker({ host, connectTimeout: 5_000 }, { connectTimeoutMs: 900 })), 900);
  t.is(timeOf(new ClientMaker(() => redis())), 700, "ioredis's default is nobody's wish");
  t.is(timeOf(new ClientMaker(() => redis({ connectTimeout: 4_000 }))), 4_000);
  const own = { ...LAZY, redisOptions: { connectTimeout: 3_000 } };
  t.is(timeOf(new ClientMaker(() => new Cluster([{ host, port: 1 }], own))), 3_000);
});

test('ioredis itself gives up after this client, which names the option', (t) => {
  const { options } = new ClientMaker('redis://h', { connectTimeoutMs: 30_000 }).make();
  t.true((options as { connectTimeout: number }).connectTimeout > 30_000);
});
