/** Two prefixes on one Redis: as if each had a Redis of its own. */
import { Cluster, Redis } from 'ioredis';
import type { ExecutionContext } from 'ava';
import { connect, defineSpace, json } from '../../src/index.ts';
import { onRealServers } from '../_real.ts';
import { RedisServer } from '../_redis-server.ts';
import { until } from '../_wait.ts';

const space = defineSpace('space', { 'key/*': json() });

async function setTheStage(t: ExecutionContext) {
  const server = await RedisServer.start();
  const admin = new Redis(server.adminUrl, { replyMapping: 'legacy' });
  const process = (prefix?: string) => {
    const tandem = connect({ redis: server.url, telemetry: false, ...(prefix !== undefined && { prefix }) });
    t.teardown(() => tandem.stop({ timeoutMs: 100 }));
    return tandem;
  };
  t.teardown(async () => {
    admin.disconnect();
    await server.stop();
  });
  return { server, admin, process };
}

onRealServers('two prefixes on one Redis do not see each other', async (t) => {
  const { admin, process } = await setTheStage(t);
  const prefixes = ['team-a:app', 'team-b', 'tandem'];
  const owners = prefixes.map((prefix) => process(prefix).own(space));
  const followers = prefixes.map((prefix) => process(prefix).follow(space));
  owners.forEach((owner, at) => owner.set(`key/${at}`, at));
  await Promise.all(owners.map((owner) => owner.flush()));
  await Promise.all(followers.map((follower) => follower.ready()));
  // Announced and committed, and a large turn, whose keys are others.
  owners[0]!.batch(() => {
    for (let i = 0; i < 2_500; i += 1) owners[0]!.set(`key/many-${i}`, i);
  });
  owners[1]!.set('key/1', 'again');
  await until(() => followers[0]!.get('key/many-2499').value === 2499, 'the large turn');
  await until(() => followers[1]!.get('key/1').value === 'again', 'the change');
  await Promise.all(owners.map((owner) => owner.flush()));

  t.deepEqual(
    followers.map((follower) => [...follower.entries()].length),
    [2_501, 1, 1],
  );
  t.deepEqual(
    owners.map(({ ownership }) => ownership),
    ['leading', 'leading', 'leading'],
  );
  const keys = await admin.keys('*');
  for (const prefix of prefixes) t.true(keys.includes(`${prefix}:{space}:state`));
  const starts = prefixes.flatMap((prefix) => [`${prefix}:{space}:`, `${prefix}:{@fleet}:`]);
  t.true(keys.every((key) => starts.some((start) => key.startsWith(start))));
  const fleets = () => Promise.all(prefixes.map((prefix) => admin.zcard(`${prefix}:{@fleet}:index`)));
  await until(async () => (await fleets()).join() === '2,2,2', 'each process is in its own fleet');
  const channels = (await admin.pubsub('CHANNELS')) as string[];
  t.deepEqual(channels.toSorted(), prefixes.map((prefix) => `${prefix}:{space}:frames`).toSorted());
});

onRealServers('without a prefix all names begin with "tandem"', async (t) => {
  const { admin, process } = await setTheStage(t);
  const owner = process().own(space);
  const follower = process('tandem').follow(space);
  owner.set('key/a', 1);
  await Promise.all([owner.flush(), follower.ready()]);
  await until(() => follower.get('key/a').value === 1, 'the value');
  t.is(await admin.hget('tandem:{space}:state', 'key/a'), '1');
});

onRealServers('keyPrefix of a client or a Cluster is refused, and the error says what to use', async (t) => {
  const { server } = await setTheStage(t);
  const lazy = { lazyConnect: true } as const;
  const nodes = [{ host: '127.0.0.1', port: server.port }];
  const makers = [
    () => new Redis(server.url, { ...lazy, keyPrefix: 'app:' }),
    () => new Cluster(nodes, { ...lazy, keyPrefix: 'app:' }),
    () => new Cluster(nodes, { ...lazy, redisOptions: { keyPrefix: 'app:' } }),
  ];
  for (const make of makers) {
    t.throws(() => connect({ redis: make() as never }), {
      code: 'INVALID_OPTION',
      message: /use connect\({ prefix }\)/,
    });
    const tandem = connect({ redis: make, telemetry: false });
    t.teardown(() => tandem.stop({ timeoutMs: 100 }));
    const messages: string[] = [];
    tandem.follow(space).on('error', ({ error }) => messages.push(`${error.code} ${error.message}`));
    await until(
      () => messages.some((one) => /^INVALID_OPTION .*use connect\({ prefix }\)/.test(one)),
      'the refusal',
    );
  }
});
