/**
 * Every fault that can hit one Redis or the network in front of it. Tests, measurements and chaos share this
 * list.
 *
 * A fault leaves nothing behind once it has ended, whatever else happened meanwhile. `end` may be called in
 * any order, twice, and while other faults go on.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { FaultProxy } from './_fault-proxy.ts';
import { until } from './_wait.ts';
import type { Grounds, World } from './_world.ts';

export interface Fault<G extends Grounds = World> {
  /** The name continues a sentence that begins with "Redis". */
  readonly name: string;
  /** Which participants have to report `degraded` while the fault lasts. */
  readonly degrades: 'both' | 'owner' | 'follower' | 'none';
  /** Sets up conditions that the fault needs. They harm nobody by themselves. */
  prepare?(world: G): Promise<unknown>;
  begin(world: G): unknown;
  /** Absent for a fault that is over as soon as it has happened. */
  end?(world: G): unknown;
}

const set = (world: World, name: string, value: string): Promise<unknown> =>
  world.admin.config('SET', name, value);
const all = (world: World, act: (proxy: FaultProxy) => void): void => world.proxies.forEach(act);
const resume = (world: World): void => all(world, (proxy) => proxy.resume());
/** The default user as Redis starts with it: no password, every command allowed. */
const DEFAULT_USER = ['SETUSER', 'default', 'reset', 'on', 'nopass', '~*', '&*', '+@all'];
const killEveryone = (world: World): Promise<unknown> =>
  world.admin.call('CLIENT', 'KILL', 'USER', 'default');

/** Faults of the server process and of the data that it keeps. */
const server: readonly Fault[] = [
  {
    name: 'killed, and back empty',
    degrades: 'both',
    begin: ({ redis }) => redis.kill(),
    end: async ({ redis }) => {
      redis.forget();
      await redis.restart();
    },
  },
  {
    name: 'killed, and back with an older dump',
    degrades: 'both',
    prepare: async ({ admin }) => {
      await admin.save();
      // The dump is older than the state only if something is set after it.
      await pause(100);
    },
    begin: ({ redis }) => redis.kill(),
    end: async ({ redis }) => {
      await redis.restart();
      redis.forget();
    },
  },
  {
    name: 'loading a large dump',
    degrades: 'both',
    prepare: async ({ admin }) => {
      for (let n = 0; n < 300; n += 1) await admin.set(`ballast/${n}`, 'x'.repeat(2_000));
      await admin.save();
    },
    begin: ({ redis }) =>
      redis.restart('--key-load-delay', '30000', '--loading-process-events-interval-bytes', '1024'),
    end: async (world) => {
      const { admin, redis } = world;
      await set(world, 'key-load-delay', '0');
      await until(async () => /^loading:0/m.test(await admin.info('persistence')), 'the end of loading');
      await admin.eval("for n = 0, 299 do redis.call('DEL', 'ballast/' .. n) end", 0);
      redis.forget();
    },
  },
  {
    name: 'stopped, and going on',
    degrades: 'both',
    begin: ({ redis }) => redis.pause(),
    end: ({ redis }) => redis.resume(),
  },
  {
    name: 'busy with a script of another client',
    degrades: 'both',
    begin: async (world) => {
      await set(world, 'busy-reply-threshold', '20');
      const busy = world.admin.duplicate();
      busy.on('error', () => {});
      void busy
        .eval('while true do end', 0)
        .catch(() => {})
        .finally(() => busy.disconnect());
      await until(async () => {
        const answer = await world.admin.ping().catch((error: Error) => error.message);
        return answer.startsWith('BUSY');
      }, 'a busy Redis');
    },
    end: ({ admin }) => admin.script('KILL').catch(() => {}),
  },
  {
    name: 'out of memory',
    degrades: 'owner',
    begin: (world) => set(world, 'maxmemory', '1'),
    end: (world) => set(world, 'maxmemory', '0'),
  },
  {
    name: 'a replica, read-only',
    degrades: 'owner',
    begin: ({ admin }) => admin.replicaof('127.0.0.1', 1),
    end: ({ admin }) => admin.replicaof('NO', 'ONE'),
  },
  {
    name: 'short of the replicas that it requires',
    degrades: 'owner',
    begin: (world) => set(world, 'min-replicas-to-write', '1'),
    end: (world) => set(world, 'min-replicas-to-write', '0'),
  },
  {
    name: 'unable to write its snapshots',
    degrades: 'owner',
    prepare: async (world) => {
      const { admin } = world;
      await set(world, 'stop-writes-on-bgsave-error', 'no');
      await set(world, 'save', '3600 1');
      const [, dir] = (await admin.config('GET', 'dir')) as [string, string];
      await set(world, 'dir', '/proc');
      await admin.bgsave();
      const hasFailed = async (): Promise<boolean> =>
        /^rdb_last_bgsave_status:err/m.test(await admin.info('persistence'));
      await until(hasFailed, 'a snapshot that failed');
      await set(world, 'dir', dir);
    },
    begin: (world) => set(world, 'stop-writes-on-bgsave-error', 'yes'),
    end: async (world) => {
      await set(world, 'stop-writes-on-bgsave-error', 'no');
      await set(world, 'save', '');
    },
  },
];

/** Faults of permissions. */
const permissions: readonly Fault[] = [
  {
    name: 'asking for a password that no client has',
    degrades: 'both',
    begin: async (world) => {
      await set(world, 'requirepass', 'a new one');
      await killEveryone(world);
    },
    end: (world) => set(world, 'requirepass', ''),
  },
  {
    name: 'that has disabled its user',
    degrades: 'both',
    begin: async (world) => {
      await world.admin.call('ACL', 'SETUSER', 'default', 'off');
      await killEveryone(world);
    },
    end: ({ admin }) => admin.call('ACL', ...DEFAULT_USER),
  },
  {
    name: 'that forbids all commands',
    degrades: 'both',
    begin: ({ admin }) => admin.call('ACL', 'SETUSER', 'default', '-@all'),
    end: ({ admin }) => admin.call('ACL', ...DEFAULT_USER),
  },
  {
    name: 'that forbids only scripts',
    degrades: 'both',
    begin: ({ admin }) => admin.call('ACL', 'SETUSER', 'default', '-@scripting'),
    end: ({ admin }) => admin.call('ACL', ...DEFAULT_USER),
  },
  {
    name: 'that forbids the channels',
    degrades: 'both',
    begin: ({ admin }) => admin.call('ACL', 'SETUSER', 'default', 'resetchannels'),
    end: ({ admin }) => admin.call('ACL', ...DEFAULT_USER),
  },
];

/** Losses of single keys and connections. */
const losses: readonly Fault[] = [
  { name: 'flushed', degrades: 'none', begin: ({ admin }) => admin.flushall() },
  { name: 'without its scripts', degrades: 'none', begin: ({ admin }) => admin.script('FLUSH') },
  {
    name: 'robbed of one value',
    degrades: 'none',
    begin: (world) => world.admin.hdel(world.key('state'), 'still/1'),
  },
  {
    name: 'robbed of one member of its index',
    degrades: 'none',
    begin: (world) => world.admin.zrem(world.key('index'), 'still/1'),
  },
  { name: 'robbed of its meta', degrades: 'none', begin: (world) => world.admin.del(world.key('meta')) },
  { name: 'robbed of its state', degrades: 'none', begin: (world) => world.admin.del(world.key('state')) },
  { name: 'robbed of its index', degrades: 'none', begin: (world) => world.admin.del(world.key('index')) },
  { name: 'robbed of its lease', degrades: 'none', begin: (world) => world.admin.del(world.key('lease')) },
  {
    name: 'with a value that someone else has edited',
    degrades: 'none',
    begin: (world) => world.admin.hset(world.key('state'), 'still/1', '"edited"'),
  },
  {
    name: 'with a value that someone else has made unreadable',
    degrades: 'none',
    begin: (world) => world.admin.hset(world.key('state'), 'still/1', '{"__proto__":{"a":1}'),
  },
  {
    name: 'with a value that someone else has added',
    degrades: 'none',
    begin: (world) => world.admin.hset(world.key('state'), 'foreign', '1'),
  },
  {
    name: 'with meta that someone else has garbled',
    degrades: 'none',
    begin: (world) =>
      world.admin.hset(world.key('meta'), { fence: 'x', epoch: '-1', revision: 'NaN', size: '' }),
  },
  {
    name: 'evicting keys',
    degrades: 'none',
    begin: async (world) => {
      const { admin } = world;
      const used = Number(/^used_memory:(\d+)/m.exec(await admin.info('memory'))![1]);
      await set(world, 'maxmemory-policy', 'allkeys-random');
      await set(world, 'maxmemory', String(used + 300_000));
      const ours = [world.key('meta'), world.key('state'), world.key('index'), world.key('lease')];
      let n = 0;
      const isGone = async (): Promise<boolean> => {
        for (let more = 0; more < 10; more += 1) await admin.set(`ballast/${(n += 1)}`, 'x'.repeat(20_000));
        return (await admin.exists(...ours)) < ours.length;
      };
      await until(isGone, 'a key that was evicted');
    },
    end: async (world) => {
      await set(world, 'maxmemory', '0');
      await set(world, 'maxmemory-policy', 'noeviction');
      const filling = await world.admin.keys('ballast/*');
      if (filling.length > 0) await world.admin.unlink(...filling);
    },
  },
  {
    name: 'with every connection closed',
    degrades: 'none',
    begin: ({ admin }) => admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'),
  },
  {
    name: 'with every subscriber closed',
    degrades: 'none',
    begin: ({ admin }) => admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub'),
  },
  {
    name: 'with every subscriber past its output-buffer limit',
    degrades: 'none',
    begin: async (world) => {
      await set(world, 'client-output-buffer-limit', 'pubsub 65536 0 0');
      await world.admin.publish(world.key('frames'), 'x'.repeat(500_000));
    },
    end: (world) => set(world, 'client-output-buffer-limit', 'pubsub 33554432 8388608 60'),
  },
];

/** Faults of the network. */
const network: readonly Fault[] = [
  {
    name: 'cut off, and refused',
    degrades: 'both',
    begin: (world) =>
      all(world, (proxy) => {
        proxy.refuse();
        proxy.cut();
      }),
    end: resume,
  },
  { name: 'cut off once', degrades: 'none', begin: (world) => all(world, (proxy) => proxy.cut()) },
  { name: 'reset once', degrades: 'none', begin: (world) => all(world, (proxy) => proxy.reset()) },
  {
    name: 'in a black hole',
    degrades: 'both',
    begin: (world) => all(world, (proxy) => proxy.blackHole()),
    end: resume,
  },
  {
    name: 'in a black hole for requests',
    degrades: 'both',
    begin: (world) => all(world, (proxy) => proxy.blackHole('toServer')),
    end: resume,
  },
  {
    name: 'in a black hole for replies',
    degrades: 'both',
    begin: (world) => all(world, (proxy) => proxy.blackHole('toClient')),
    end: resume,
  },
  {
    name: 'in a black hole for the owner alone',
    degrades: 'owner',
    begin: ({ owner }) => owner.blackHole(),
    end: resume,
  },
  {
    name: 'in a black hole for followers alone',
    degrades: 'follower',
    begin: ({ followers }) => followers.blackHole(),
    end: resume,
  },
  {
    name: '50 ms away',
    degrades: 'none',
    begin: (world) => all(world, (proxy) => proxy.slow(50)),
    end: resume,
  },
  {
    name: 'too far away for any deadline',
    degrades: 'both',
    begin: (world) => all(world, (proxy) => proxy.slow(400)),
    end: resume,
  },
  {
    name: 'reached in pieces of a few bytes',
    degrades: 'none',
    begin: (world) => all(world, (proxy) => proxy.fragment()),
    end: resume,
  },
  {
    name: 'whose reply is lost after the write',
    degrades: 'none',
    begin: ({ owner }) => owner.loseReplyTo(/evalsha/i),
    end: resume,
  },
];

export const faults: readonly Fault[] = [...server, ...permissions, ...losses, ...network];
