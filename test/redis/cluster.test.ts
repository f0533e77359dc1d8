/** Redis as a Cluster of real nodes: each shard concerns its own spaces alone. */
import type { ExecutionContext } from 'ava';
import { ServerClock } from '../../src/base/clock.ts';
import { systemTime } from '../../src/base/time.ts';
import { connect, defineSpace, json } from '../../src/index.ts';
import { RedisStore } from '../../src/redis/store.ts';
import { Tandem } from '../../src/tandem.ts';
import type { ClusterNode, ClusterOptions } from '../_cluster.ts';
import { partBus, RealCluster } from '../_cluster.ts';
import { onRealServer } from '../_real.ts';
import { until } from '../_wait.ts';

const definition = { 'key/*': json<number>() };
/** A master that dies takes no other with it. */
const ALONE = ['--cluster-require-full-coverage', 'no'];
/** After a failover, also on a busy machine, ms. */
const BACK_MS = 20_000;

function join(t: ExecutionContext, cluster: RealCluster, name: string): Tandem {
  const tandem = connect({ redis: cluster.redis, name, telemetry: false, log: false });
  t.teardown(() => tandem.stop({ timeoutMs: 100 }));
  return tandem;
}

/** An owner and a follower of some spaces in processes of their own, and numbers that grow in all of them. */
class Desk {
  readonly owners;
  readonly followers;
  readonly errors: string[] = [];
  /** Per space: samples of its readings, and how many of them were stale or of another mode than connected. */
  readonly seen = new Map<string, { samples: number; stale: number; apart: number }>();
  readonly #timers: NodeJS.Timeout[];
  readonly #latest = new Map<string, number>();
  /** What was seen to go back. */
  readonly wentBack: string[] = [];
  #number = 0;

  constructor(owning: Tandem, following: Tandem, names: readonly string[], hz: number) {
    this.owners = names.map((name) => owning.own(defineSpace(name, definition)));
    this.followers = names.map((name) => following.follow(defineSpace(name, definition)));
    const note = ({ error }: { error: Error }): unknown => this.errors.push(error.message);
    for (const owner of this.owners) owner.on('error', note);
    for (const follower of this.followers) follower.on('error', note);
    for (const follower of this.followers) {
      const { name } = follower.space;
      follower.watch('*', ({ value }) => {
        if (value! < (this.#latest.get(name) ?? 0)) this.wentBack.push(name);
        this.#latest.set(name, value!);
      });
    }
    this.forget();
    this.#timers = [setInterval(() => this.#set(), 1_000 / hz), setInterval(() => this.#sample(), 20)];
  }

  static async open(
    t: ExecutionContext,
    cluster: RealCluster,
    names: readonly string[],
    hz = 50,
  ): Promise<Desk> {
    const desk = new Desk(join(t, cluster, 'owner'), join(t, cluster, 'follower'), names, hz);
    t.teardown(() => desk.stop());
    await Promise.all([...desk.owners, ...desk.followers].map((one) => one.ready({ timeoutMs: BACK_MS })));
    await desk.live(names);
    desk.forget();
    return desk;
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
  }

  /** The number that was seen last. */
  latest(name: string): number {
    return this.#latest.get(name) ?? 0;
  }

  forget(): void {
    for (const { space } of this.followers) this.seen.set(space.name, { samples: 0, stale: 0, apart: 0 });
  }

  async live(names: readonly string[]): Promise<void> {
    const ours = [...this.followers, ...this.owners].filter(({ space }) => names.includes(space.name));
    const isLive = (): boolean =>
      ours.every(({ mode, proof }) => mode === 'connected' && proof.freshness() === 'live');
    await until(isLive, `live spaces: ${this.errors.slice(-5).join(' | ')}`, BACK_MS);
  }

  /** Nothing is set any more: each follower has what its owner has. */
  async converged(t: ExecutionContext): Promise<void> {
    this.stop();
    const states = (participants: Desk['owners'] | Desk['followers']): string[] =>
      participants.map((one) =>
        [...one.entries()]
          .map(({ key, value }) => `${key}=${value}`)
          .toSorted((a, b) => a.localeCompare(b))
          .join(),
      );
    const isSame = (): boolean => states(this.owners).join() === states(this.followers).join();
    await until(isSame, 'the same state everywhere', BACK_MS);
    t.deepEqual(this.wentBack, []);
  }

  /** The spaces in which a reading was stale, or a participant not connected. */
  disturbed(names: readonly string[]): string[] {
    return names.filter((name) => {
      const { stale, apart } = this.seen.get(name)!;
      return stale + apart > 0;
    });
  }

  #set(): void {
    this.#number += 1;
    for (const owner of this.owners) owner.set(`key/${this.#number % 10}`, this.#number);
  }

  #sample(): void {
    for (const [at, { space, proof, mode }] of this.followers.entries()) {
      const seen = this.seen.get(space.name)!;
      seen.samples += 1;
      if (proof.freshness() !== 'live') seen.stale += 1;
      if (mode !== 'connected' || this.owners[at]!.mode !== 'connected') seen.apart += 1;
    }
  }
}

async function start(t: ExecutionContext, options: ClusterOptions): Promise<RealCluster> {
  t.timeout(90_000);
  const cluster = await RealCluster.start(options);
  t.teardown(() => cluster.stop());
  return cluster;
}

const published = async (nodes: readonly ClusterNode[]): Promise<number> => {
  const sent = await Promise.all(nodes.map((node) => node.info('cluster_stats_messages_publish_sent')));
  return sent.reduce((sum, number) => sum + Number(number ?? 0), 0);
};

onRealServer('a dead master without a replica costs the spaces of the others nothing', async (t) => {
  const cluster = await start(t, { args: ALONE });
  const [first, second, third] = cluster.masters as [ClusterNode, ...ClusterNode[]];
  const dead = cluster.namesOf(first, 2);
  const healthy = [second!, third!].flatMap((node) => cluster.namesOf(node, 2));
  const desk = await Desk.open(t, cluster, [...dead, ...healthy]);
  const before = await published(cluster.nodes);
  await first.server.kill();
  const isStale = (): boolean => dead.every((name) => desk.seen.get(name)!.stale > 50);
  await until(isStale, 'stale spaces of the dead shard', BACK_MS);
  t.deepEqual(desk.disturbed(healthy), []);
  t.true((await published(cluster.nodes.slice(1))) <= before, 'no frame crosses the bus');
  // It comes back empty, and the owner repairs it.
  await first.server.restart();
  await desk.live(dead);
  t.deepEqual(desk.disturbed(healthy), []);
  await desk.converged(t);
});

onRealServer('under load, a replica takes over from a dead master', async (t) => {
  const cluster = await start(t, { replicas: 1, args: ALONE });
  const [first, second] = cluster.masters as [ClusterNode, ClusterNode];
  const [ours, healthy] = [cluster.namesOf(first, 3), cluster.namesOf(second, 3)];
  const desk = await Desk.open(t, cluster, [...ours, ...healthy], 300);
  await first.server.kill();
  await until(() => ours.every((name) => desk.seen.get(name)!.stale > 0), 'stale readings', BACK_MS);
  await desk.live(ours);
  t.deepEqual(desk.disturbed(healthy), []);
  await desk.converged(t);
});

onRealServer('slots in use move to a node that was added, and back', async (t) => {
  const cluster = await start(t, {});
  const [first] = cluster.masters as [ClusterNode];
  const [moving, other] = cluster.namesOf(first, 2) as [string, string];
  const desk = await Desk.open(t, cluster, [moving, other], 200);
  const added = await cluster.add();
  await cluster.move(moving, first, added);
  const channel = `tandem:{${moving}}:frames`;
  const isThere = async ({ admin }: ClusterNode): Promise<boolean> => {
    const [, count] = (await admin.call('PUBSUB', 'SHARDNUMSUB', channel)) as [string, number];
    return count === 1;
  };
  await until(() => isThere(added), 'the subscription at the added node', BACK_MS);
  const heard = desk.latest(moving);
  await until(() => desk.latest(moving) > heard + 20, 'frames from there', BACK_MS);
  await cluster.move(moving, added, first);
  await until(() => isThere(first), 'the subscription at the first node', BACK_MS);
  // On a busy machine the move of the keys may take longer than a call.
  const { samples, stale, apart } = desk.seen.get(moving)!;
  t.log(`of ${samples} samples of the space that moved, ${stale} were stale and ${apart} not connected`);
  t.true(stale < samples / 4, 'it goes on meanwhile');
  t.deepEqual(desk.disturbed([other]), []);
  await desk.converged(t);
});

onRealServer(
  'where slots without a node stop the whole Cluster, readings say so, and all comes back',
  async (t) => {
    const cluster = await start(t, {});
    const names = cluster.masters.flatMap((node) => cluster.namesOf(node, 1));
    const desk = await Desk.open(t, cluster, names);
    const [first] = cluster.masters as [ClusterNode];
    await first.server.kill();
    const isDown = (): boolean => desk.errors.some((error) => error.includes('CLUSTERDOWN'));
    await until(isDown, 'CLUSTERDOWN', BACK_MS);
    await until(() => desk.owners.every(({ mode }) => mode === 'degraded'), 'degraded owners', BACK_MS);
    await first.server.restart();
    await desk.live(names);
    await desk.converged(t);
  },
);

onRealServer('a master that the others no longer reach is left for its replica', async (t) => {
  const cluster = await start(t, { replicas: 1, canCut: true, args: ALONE });
  const [first, second] = cluster.masters as [ClusterNode, ClusterNode];
  const [ours, healthy] = [cluster.namesOf(first, 2), cluster.namesOf(second, 2)];
  const desk = await Desk.open(t, cluster, [...ours, ...healthy]);
  const replica = cluster.nodes.at(-1)!;
  partBus([first], cluster.nodes.slice(1));
  const isMaster = async (): Promise<boolean> =>
    /^role:master/m.test(await replica.admin.info('replication'));
  await until(isMaster, 'a new master', BACK_MS);
  const names = (): Promise<unknown> => replica.admin.call('PUBSUB', 'SHARDCHANNELS');
  await until(
    async () => ((await names()) as string[]).length === 2,
    'subscriptions at the new master',
    BACK_MS,
  );
  await desk.live(ours);
  partBus([], cluster.nodes);
  await cluster.whole();
  await desk.live(ours);
  t.deepEqual(desk.disturbed(healthy), []);
  await desk.converged(t);
});

/** A process as of a version that knew no shards: one client of the whole Cluster, `PUBLISH` and `SUBSCRIBE`. */
function joinAsEarlier(t: ExecutionContext, { redis }: RealCluster, name: string): Tandem {
  const [time, clock] = [systemTime, new ServerClock(systemTime)];
  const store = new RedisStore({ redis, time, clock, deadlineMs: 500 });
  const path = (): never => {
    throw new Error('it has no direct path');
  };
  const tandem = new Tandem({ name, store, clock, time, path }, () => store.stop());
  t.teardown(() => tandem.stop({ timeoutMs: 100 }));
  return tandem;
}

onRealServer('followers hear an owner of an earlier version, which publishes to all nodes', async (t) => {
  const cluster = await start(t, {});
  const names = cluster.masters.flatMap((node) => cluster.namesOf(node, 1));
  const desk = new Desk(joinAsEarlier(t, cluster, 'owner'), join(t, cluster, 'follower'), names, 50);
  t.teardown(() => desk.stop());
  await desk.live(names);
  desk.forget();
  await until(() => names.every((name) => desk.seen.get(name)!.samples > 50), 'a second');
  t.deepEqual(desk.disturbed(names), []);
  await desk.converged(t);
});

onRealServer('nodes before Redis 7 publish to all nodes, and that is said', async (t) => {
  const without = ['spublish', 'ssubscribe', 'sunsubscribe'].flatMap((name) => [
    '--rename-command',
    name,
    '',
  ]);
  const cluster = await start(t, { masters: 1, args: without });
  const desk = await Desk.open(t, cluster, ['space:0', 'space:1']);
  const said = desk.errors.filter((error) => error.includes('older than Redis 7'));
  t.is(said.length, desk.owners.length + desk.followers.length, 'once to each participant');
  await desk.converged(t);
});
