/** Clients of ioredis 5 and of iovalkey work as those of ioredis 6 do, by their types and on a real server. */
import { createClient, createCluster } from '@redis/client';
import { Redis as Redis6 } from 'ioredis';
import { Cluster as Cluster5, Redis as Redis5 } from 'ioredis-5';
import { Cluster as ClusterOfValkey, Redis as RedisOfValkey } from 'iovalkey';
import { connect, defineSpace, json } from '../../src/index.ts';
import type { ClientLike, ConnectOptions } from '../../src/index.ts';
import test from 'ava';
import { onRealServer } from '../_real.ts';
import { RedisServer } from '../_redis-server.ts';
import { until } from '../_wait.ts';

const space = defineSpace('space', { 'key/*': json<number>() });
const LAZY = { lazyConnect: true } as const;

const makers: [string, (port: number) => ClientLike][] = [
  ['ioredis 6', (port) => new Redis6(port, LAZY)],
  ['ioredis 5', (port) => new Redis5(port, LAZY)],
  ['iovalkey', (port) => new RedisOfValkey(port, LAZY)],
];
for (const [library, make] of makers) {
  onRealServer(`clients of ${library}`, async (t) => {
    const server = await RedisServer.start();
    const open = () => connect({ redis: () => make(server.port), name: 'api', telemetry: false });
    const [owning, following] = [open(), open()];
    t.teardown(async () => {
      await Promise.all([owning.stop({ timeoutMs: 100 }), following.stop({ timeoutMs: 100 })]);
      await server.stop();
    });
    const [owner, follower] = [owning.own(space), following.follow(space)];
    const said: string[] = [];
    owner.on('error', ({ error }) => said.push(error.message));
    follower.on('error', ({ error }) => said.push(error.message));
    owner.set('key/a', 1);
    await until(() => follower.get('key/a').value === 1, `the value: ${said.join(' | ')}`);
    owner.batch(() => {
      for (let n = 0; n < 2_500; n += 1) owner.set(`key/${n}`, n);
    });
    await until(() => follower.get('key/2499').value === 2_499, 'a large turn');
    t.is(follower.get('key/a').freshness, 'live');
    t.deepEqual(said, []);
  });
}

test('the types take all of them, Cluster clients too, and none of node-redis', (t) => {
  const nodes = [{ host: '127.0.0.1', port: 1 }];
  const targets: ConnectOptions['redis'][] = [
    () => new Cluster5(nodes, LAZY),
    () => new ClusterOfValkey(nodes, LAZY),
    // @ts-expect-error a client of another library
    () => createClient(),
    // @ts-expect-error and one of a cluster
    () => createCluster({ rootNodes: [] }),
  ];
  t.is(targets.length, 4);
});

onRealServer('a client of node-redis is refused by name, as it is and from a function', async (t) => {
  const clients = [createClient(), createCluster({ rootNodes: [{ url: 'redis://127.0.0.1:1' }] })];
  for (const client of clients) {
    const expected = { code: 'INVALID_OPTION', message: /node-redis/ };
    t.throws(() => connect({ redis: client as never }), expected);
    const tandem = connect({ redis: () => client as never, telemetry: false });
    t.teardown(() => tandem.stop({ timeoutMs: 0 }));
    const said: string[] = [];
    tandem.follow(space).on('error', ({ error }) => said.push(`${error.code} ${error.message}`));
    await until(() => said.some((one) => /^INVALID_OPTION .*node-redis/.test(one)), 'the refusal');
  }
});
