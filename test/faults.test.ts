/**
 * What goes wrong with a real Redis, one thing at a time: each is noticed within a second, nothing set meanwhile is
 * lost, no reader goes back, and two seconds after it is over owner and follower are connected and equal.
 */
import type { ExecutionContext } from 'ava';
import { Redis } from 'ioredis';
import { comparePositions, connect, defineSpace, json } from '../src/index.ts';
import { onRealServer } from './_real.ts';
import { RedisServer } from './_redis-server.ts';
import { until } from './_wait.ts';

const space = defineSpace('faults', { 'key/*': json<number>() });

interface Fault {
  readonly name: string;
  /** Args of redis-server. */
  readonly args?: string[];
  readonly begin: (redis: RedisServer, admin: Redis) => Promise<unknown> | void;
  readonly end?: (redis: RedisServer, admin: Redis) => Promise<unknown> | void;
  /** Whether owner and follower have to say `degraded` meanwhile. */
  readonly degrades: 'both' | 'owner' | 'none';
}

const FAULTS: readonly Fault[] = [
  {
    name: 'killed, and back empty',
    begin: (redis) => redis.kill('SIGKILL'),
    end: (redis) => redis.restart(),
    degrades: 'both',
  },
  {
    name: 'stopped, and going on',
    begin: (redis) => redis.pause(),
    end: (redis) => redis.resume(),
    degrades: 'both',
  },
  { name: 'flushed', begin: (_, admin) => admin.flushall(), degrades: 'none' },
  { name: 'without its scripts', begin: (_, admin) => admin.script('FLUSH'), degrades: 'none' },
  {
    name: 'with every connection closed',
    begin: (_, admin) => admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'),
    degrades: 'none',
  },
  {
    name: 'with every subscriber closed',
    begin: (_, admin) => admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub'),
    degrades: 'none',
  },
  {
    name: 'out of memory',
    begin: (_, admin) => admin.config('SET', 'maxmemory', '1'),
    end: (_, admin) => admin.config('SET', 'maxmemory', '0'),
    degrades: 'owner',
  },
  {
    name: 'a replica, read-only',
    begin: (_, admin) => admin.replicaof('127.0.0.1', 1),
    end: (_, admin) => admin.replicaof('NO', 'ONE'),
    degrades: 'owner',
  },
  {
    name: 'unable to write its snapshots',
    args: ['--enable-protected-configs', 'yes'],
    begin: async (_, admin) => {
      await admin.config('SET', 'dir', '/proc');
      await admin.config('SET', 'save', '3600 1');
      await admin.bgsave().catch(() => {});
      await until(
        async () => /rdb_last_bgsave_status:err/.test(await admin.info('persistence')),
        'a snapshot that failed',
      );
    },
    end: (_, admin) => admin.config('SET', 'stop-writes-on-bgsave-error', 'no'),
    degrades: 'owner',
  },
  {
    name: 'robbed of one value',
    begin: (_, admin) => admin.hdel('tandem:{faults}:state', 'key/1'),
    degrades: 'none',
  },
  { name: 'robbed of its meta', begin: (_, admin) => admin.del('tandem:{faults}:meta'), degrades: 'none' },
];

for (const fault of FAULTS) {
  onRealServer(`Redis ${fault.name}`, async (t) => {
    const redis = await RedisServer.start(...(fault.args ?? []));
    const admin = new Redis(redis.url, { retryStrategy: () => 20 });
    admin.on('error', () => {});
    const owning = connect({ redis: redis.url, name: 'owner' });
    const following = connect({ redis: redis.url, name: 'follower' });
    t.teardown(async () => {
      await Promise.all([owning.stop({ timeoutMs: 100 }), following.stop()]);
      admin.disconnect();
      await redis.stop();
    });
    const owner = owning.own(space);
    const follower = following.follow(space);
    await Promise.all([owner.ready(), follower.ready()]);
    const heads: string[] = [];
    follower.watch('*', () => heads.push(follower.head));
    for (let n = 0; n < 50; n += 1) owner.set(`key/${n}`, n);
    await follower.waitFor(await owner.flush());

    const modes = { owner: [] as string[], follower: [] as string[] };
    owner.on('mode', ({ mode }) => modes.owner.push(mode));
    follower.on('mode', ({ mode }) => modes.follower.push(mode));
    const beganAt = performance.now();
    await fault.begin(redis, admin);
    owner.set('key/50', 50);
    if (fault.degrades !== 'none') await until(() => modes.owner.includes('degraded'), 'the owner degraded');
    if (fault.degrades === 'both')
      await until(() => modes.follower.includes('degraded'), 'the follower degraded');
    const noticedMs = performance.now() - beganAt;
    if (fault.degrades !== 'none') {
      await until(() => follower.get('key/0').freshness === 'stale', 'staleness');
      t.true(performance.now() - beganAt < 10_000);
    }
    owner.set('key/51', 51);
    owner.delete('key/3');

    await fault.end?.(redis, admin);
    const endedAt = performance.now();
    await until(
      () => follower.mode === 'connected' && owner.mode === 'connected' && follower.head === owner.head,
      'all in step',
    );
    const recoveredMs = performance.now() - endedAt;
    t.log(`noticed after ${noticedMs.toFixed(0)} ms, in step ${recoveredMs.toFixed(0)} ms after its end`);
    if (fault.degrades !== 'none') t.true(noticedMs < 1_000);
    t.true(recoveredMs < 2_000);
    await equal(t, owner, follower);
    for (let at = 1; at < heads.length; at += 1)
      t.true(comparePositions(heads[at - 1]!, heads[at]!) <= 0, 'no going back');
  });
}

async function equal(
  t: ExecutionContext,
  owner: Readable,
  follower: Readable & { refresh(): Promise<{ differed: number }> },
) {
  const state = ({
    entries,
  }: {
    entries: Iterable<{ key: string; value: unknown }>;
  }): Record<string, unknown> => Object.fromEntries([...entries].map(({ key, value }) => [key, value]));
  t.deepEqual(state({ entries: follower.entries() }), state({ entries: owner.entries() }));
  t.is((await follower.refresh()).differed, 0);
}

interface Readable {
  entries(): Iterable<{ key: string; value: unknown }>;
}

onRealServer(
  'Redis down at the start: the owner is set all the same, and all is there when it comes',
  async (t) => {
    const redis = await RedisServer.start();
    await redis.kill('SIGKILL');
    const owning = connect({ redis: redis.url });
    const following = connect({ redis: redis.url });
    t.teardown(async () => {
      await Promise.all([owning.stop({ timeoutMs: 100 }), following.stop()]);
      await redis.stop();
    });
    const owner = owning.own(space);
    const follower = following.follow(space);
    owner.set('key/a', 1);
    await until(() => owner.mode === 'degraded' && follower.mode === 'degraded', 'both degraded', 1_000);
    t.is(follower.get('key/a').freshness, 'stale');
    await redis.restart();
    await follower.waitFor(await owner.flush({ timeoutMs: 5_000 }), { timeoutMs: 5_000 });
    t.is(follower.get('key/a').value, 1);
  },
);

onRealServer(
  'a wrong password is a clear error that holds no password, and is tried again now and then',
  async (t) => {
    const redis = await RedisServer.start();
    const admin = new Redis(redis.url);
    await admin.config('SET', 'requirepass', 'right');
    admin.disconnect();
    const secret = 'wrong-and-secret';
    const tandem = connect({ redis: redis.url.replace('//', `//:${secret}@`) });
    t.teardown(async () => {
      await tandem.stop({ timeoutMs: 100 });
      await redis.stop();
    });
    const owner = tandem.own(space);
    const errors: Error[] = [];
    owner.on('error', ({ error }) => errors.push(error));
    await until(() => errors.length > 0, 'the refusal', 2_000);
    const { code, message, cause } = errors[0] as Error & { code: string };
    t.is(code, 'REDIS_REFUSED', message);
    t.false(JSON.stringify([message, cause, Object.values(cause as object)]).includes(secret));
    t.is(owner.mode, 'degraded');
  },
);
