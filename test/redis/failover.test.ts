/** Redis behind Sentinels and as a Cluster: masters that die, replicas that lag, slots that move. */
import { Cluster, Redis } from 'ioredis';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { ExecutionContext } from 'ava';
import { connect, defineSpace, json } from '../../src/index.ts';
import { Witness } from '../_episode.ts';
import { FaultProxy } from '../_fault-proxy.ts';
import type { Fault } from '../_faults.ts';
import { onRealServer } from '../_real.ts';
import { freePort } from '../_free-port.ts';
import { RedisServer } from '../_redis-server.ts';
import { until } from '../_wait.ts';
import type { Grounds, KeyName } from '../_world.ts';

const QUIET = { enableReadyCheck: false, replyMapping: 'legacy', maxRetriesPerRequest: null } as const;

/** A master, a replica that can be made to lag, and a Sentinel. */
class Replicated implements Grounds {
  readonly space = 'failover';
  readonly master: RedisServer;
  readonly replica: RedisServer;
  readonly sentinel: RedisServer;
  /** The proxy between master and replica. */
  readonly replication: FaultProxy;
  /** A client of whichever server Sentinel calls the master. */
  readonly admin: Redis;

  constructor(master: RedisServer, replica: RedisServer, sentinel: RedisServer, replication: FaultProxy) {
    this.master = master;
    this.replica = replica;
    this.sentinel = sentinel;
    this.replication = replication;
    this.admin = new Redis({
      ...this.#sentinels,
      ...QUIET,
      retryStrategy: () => 20,
      sentinelRetryStrategy: () => 20,
    });
    this.admin.on('error', () => {});
  }

  static async start(): Promise<Replicated> {
    const master = await RedisServer.start('--repl-diskless-sync-delay', '0');
    const replication = await FaultProxy.start(master.port);
    const replica = await RedisServer.start('--replicaof', '127.0.0.1', `${replication.port}`);
    const client = new Redis(master.adminUrl, QUIET);
    await until(async () => /state=online/.test(await client.info('replication')), 'a replica online');
    client.disconnect();
    const sentinel = await RedisServer.sentinel(master);
    const asking = new Redis(sentinel.url, QUIET);
    const known = async (): Promise<boolean> =>
      ((await asking.call('SENTINEL', 'replicas', 'master')) as unknown[]).length === 1;
    await until(known, 'a Sentinel that knows the replica', 20_000);
    asking.disconnect();
    return new Replicated(master, replica, sentinel, replication);
  }

  get #sentinels() {
    return { sentinels: [{ host: '127.0.0.1', port: this.sentinel.port }], name: 'master' };
  }

  get ways(): Grounds['ways'] {
    // The Redis option as a user gives it.
    const redis = (): Redis => new Redis({ ...this.#sentinels, lazyConnect: true });
    return { owner: redis, follower: redis, newcomer: redis };
  }

  key(name: KeyName): string {
    return `tandem:{${this.space}}:${name}`;
  }

  async promoted(): Promise<void> {
    const client = new Redis(this.replica.adminUrl, QUIET);
    await until(
      async () => /^role:master/m.test(await client.info('replication')),
      'the replica promoted',
      20_000,
    );
    client.disconnect();
  }

  async stop(): Promise<void> {
    this.admin.disconnect();
    await Promise.all(
      [this.master, this.replica, this.sentinel, this.replication].map((part) => part.stop()),
    );
  }
}

/** Three masters, each with a replica. */
class Clustered implements Grounds {
  readonly space = 'failover';
  readonly nodes: readonly RedisServer[];
  readonly admin: Cluster;

  constructor(nodes: readonly RedisServer[]) {
    this.nodes = nodes;
    this.admin = this.#client({
      redisOptions: { ...QUIET },
      clusterRetryStrategy: () => 50,
      retryDelayOnFailover: 50,
      retryDelayOnClusterDown: 50,
    });
    this.admin.on('error', () => {});
  }

  static async start(): Promise<Clustered> {
    const node = async (): Promise<RedisServer> =>
      RedisServer.start(
        '--cluster-enabled',
        'yes',
        '--cluster-node-timeout',
        '1000',
        '--cluster-port',
        `${await freePort()}`,
        '--cluster-replica-validity-factor',
        '0',
        '--repl-diskless-sync-delay',
        '0',
      );
    const nodes = await Promise.all([node(), node(), node(), node(), node(), node()]);
    const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`);
    const create = ['--cluster', 'create', ...addresses, '--cluster-replicas', '1', '--cluster-yes'];
    // redis-cli waits forever for nodes that do not join.
    await promisify(execFile)('redis-cli', create, { timeout: 30_000 });
    const cluster = new Clustered(nodes);
    const isWhole = async (client: Redis): Promise<boolean> => {
      const [info, replication] = [await client.cluster('INFO'), await client.info('replication')];
      return /cluster_state:ok/.test(info) && /state=online|master_link_status:up/.test(replication);
    };
    for (const { adminUrl } of nodes) {
      const client = new Redis(adminUrl, QUIET);
      await until(() => isWhole(client), 'a whole cluster', 20_000);
      client.disconnect();
    }
    return cluster;
  }

  #client(options: ConstructorParameters<typeof Cluster>[1]): Cluster {
    return new Cluster(
      this.nodes.map(({ port }) => ({ host: '127.0.0.1', port })),
      options,
    );
  }

  get ways(): Grounds['ways'] {
    // The Redis option as a user gives it.
    const redis = (): Cluster => this.#client({ lazyConnect: true });
    return { owner: redis, follower: redis, newcomer: redis };
  }

  key(name: KeyName): string {
    return `tandem:{${this.space}}:${name}`;
  }

  /** The masters, beginning with the one that holds the space. */
  async masters(): Promise<{ server: RedisServer; id: string; slots: [number, number][] }[]> {
    const slot = await this.slot();
    const client = new Redis(this.nodes.find(({ isRunning }) => isRunning)!.adminUrl, QUIET);
    const slots = (await client.cluster('SLOTS')) as unknown as [number, number, [string, number, string]][];
    client.disconnect();
    const masters = slots.map(([from, to, [, port, id]]) => ({
      server: this.nodes.find((node) => node.port === port)!,
      id,
      slots: [[from, to]] as [number, number][],
      isOurs: from <= slot && slot <= to,
    }));
    return masters.toSorted((a, b) => Number(b.isOurs) - Number(a.isOurs));
  }

  async slot(): Promise<number> {
    const client = new Redis(this.nodes.find(({ isRunning }) => isRunning)!.adminUrl, QUIET);
    const slot = await client.cluster('KEYSLOT', this.key('meta'));
    client.disconnect();
    return slot;
  }

  async stop(): Promise<void> {
    this.admin.disconnect();
    await Promise.all(this.nodes.map((node) => node.stop()));
  }
}

async function judge<G extends Grounds & { stop(): Promise<void> }>(
  t: ExecutionContext,
  grounds: G,
  fault: Fault<G>,
): Promise<void> {
  t.timeout(60_000);
  t.teardown(() => grounds.stop());
  const witness = await Witness.start(grounds);
  t.teardown(() => witness.stop());
  const { noticedMs, recoveredMs, setMicros } = await witness.episode(fault, 0);
  await witness.conclude();
  t.log(`noticed after ${noticedMs?.toFixed(0)} ms, in step ${recoveredMs.toFixed(0)} ms after its end`);
  t.deepEqual(witness.violations, []);
  t.true(recoveredMs < 2_000, `in step after ${recoveredMs} ms`);
  // A fault that ends before the next set has slowed no set.
  t.false(setMicros.during >= 10 * setMicros.before, JSON.stringify(setMicros));
}

onRealServer('with Sentinel, a replica takes over from a dead master', async (t) => {
  await judge(t, await Replicated.start(), {
    name: 'failed over',
    degrades: 'both',
    begin: ({ master }) => master.kill(),
    end: (grounds) => grounds.promoted(),
  });
});

onRealServer('with Sentinel, the owner repairs a lagging replica that takes over', async (t) => {
  const grounds = await Replicated.start();
  let lagging = '';
  await judge(t, grounds, {
    name: 'failed over to a replica that lags',
    degrades: 'both',
    prepare: async ({ replication, master }) => {
      replication.blackHole('toClient');
      // The replica never gets what is set from here on.
      const client = new Redis(master.adminUrl, QUIET);
      lagging = (await client.hget(grounds.key('meta'), 'revision'))!;
      await until(
        async () => Number(await client.hget(grounds.key('meta'), 'revision')) > Number(lagging) + 50,
        'a lag',
      );
      client.disconnect();
    },
    begin: async ({ master, replication }) => {
      replication.reset();
      await master.kill();
    },
    end: (grounds) => grounds.promoted(),
  });
});

onRealServer('in a Cluster, a replica takes over from the dead master of the space', async (t) => {
  await judge(t, await Clustered.start(), {
    name: 'failed over',
    degrades: 'both',
    begin: async (grounds) => (await grounds.masters())[0]!.server.kill(),
    end: async (grounds) => {
      const isUp = async (): Promise<boolean> => (await grounds.masters())[0]!.server.isRunning;
      await until(isUp, 'a new master for the space', 20_000);
    },
  });
});

onRealServer('in a Cluster, the slot of the space moves to another master, key by key', async (t) => {
  let movedTo = '';
  await judge(t, await Clustered.start(), {
    name: 'with a slot that moves',
    degrades: 'none',
    begin: async (grounds) => {
      const slot = await grounds.slot();
      const masters = await grounds.masters();
      const [from, to] = masters as [(typeof masters)[0], (typeof masters)[0]];
      const [source, target] = [from, to].map(({ server }) => new Redis(server.adminUrl, QUIET)) as [
        Redis,
        Redis,
      ];
      await target.cluster('SETSLOT', slot, 'IMPORTING', from.id);
      await source.cluster('SETSLOT', slot, 'MIGRATING', to.id);
      for (const name of ['state', 'meta', 'index', 'lease'] as const) {
        await source.call('MIGRATE', '127.0.0.1', `${to.server.port}`, grounds.key(name), '0', '1000');
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      const left = async (): Promise<string[]> =>
        (await source.call('CLUSTER', 'GETKEYSINSLOT', `${slot}`, '10')) as string[];
      for (const key of await left())
        await source.call('MIGRATE', '127.0.0.1', `${to.server.port}`, key, '0', '1000', 'REPLACE');
      for (const client of [target, source]) await client.cluster('SETSLOT', slot, 'NODE', to.id);
      movedTo = to.id;
      source.disconnect();
      target.disconnect();
    },
    end: async (grounds) => t.is((await grounds.masters())[0]!.id, movedTo),
  });
});

onRealServer('in a Cluster, spaces of all shards are found and heard over one subscription', async (t) => {
  t.timeout(60_000);
  const grounds = await Clustered.start();
  t.teardown(() => grounds.stop());
  const definition = { status: json<string>() };
  const join = (name: string) => {
    const tandem = connect({ redis: grounds.ways.owner as () => Cluster, name, telemetry: false });
    t.teardown(() => tandem.stop({ timeoutMs: 100 }));
    return tandem;
  };
  const bots = join('bots');
  const own = (n: number) => {
    const owner = bots.own(defineSpace(`bot:${n}`, definition));
    owner.set('status', `of ${n}`);
    return owner;
  };
  const owners = Array.from({ length: 20 }, (_, n) => own(n));
  await Promise.all(owners.map((owner) => owner.ready()));
  const portal = join('portal');
  const discovery = portal.discover('bot:*', definition, () => {});
  await discovery.ready();
  own(20);
  const names = Array.from({ length: 21 }, (_, n) => `bot:${n}`);
  const isLive = (name: string): boolean => portal.get(name)?.get('status').freshness === 'live';
  await until(() => names.every(isLive), 'all bots live');
  await owners[3]!.stop();
  t.true(await portal.remove('bot:3'));
  await until(() => !discovery.participants.has('bot:3'), 'the end of a retired bot');
  t.is(discovery.participants.size, 20);
});
