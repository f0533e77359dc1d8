/** A real Redis Cluster: masters, replicas, and a bus that can be cut. */
import { once } from 'node:events';
import type { Server, Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import { Cluster, Redis } from 'ioredis';
import { slotOf } from '../src/redis/cluster/slot.ts';
import { freePort } from './_free-port.ts';
import { RedisServer } from './_redis-server.ts';
import { until } from './_wait.ts';

const HOST = '127.0.0.1';
const SLOTS = 16_384;
const QUIET = { enableReadyCheck: false, replyMapping: 'legacy', maxRetriesPerRequest: null } as const;

export interface ClusterOptions {
  readonly masters?: number;
  /** Of the first master; default 0. */
  readonly replicas?: number;
  /** Further arguments of each node. */
  readonly args?: readonly string[];
  /** Whether the bus runs through proxies. Default false. */
  readonly canCut?: boolean;
}

export class ClusterNode {
  readonly server: RedisServer;
  /** A client of this node alone. */
  readonly admin: Redis;
  readonly bus: BusProxy | undefined;
  readonly busPort: number;

  constructor(server: RedisServer, busPort: number, bus?: BusProxy) {
    this.server = server;
    this.busPort = busPort;
    this.bus = bus;
    this.admin = new Redis(server.adminUrl, { ...QUIET, retryStrategy: () => 50 });
    this.admin.on('error', () => {});
  }

  get port(): number {
    return this.server.port;
  }

  id(): Promise<string> {
    return this.admin.cluster('MYID');
  }

  async info(name: string): Promise<string | undefined> {
    return new RegExp(`^${name}:(\\S*)`, 'm').exec(await this.admin.cluster('INFO'))?.[1];
  }

  async stop(): Promise<void> {
    this.admin.disconnect();
    await Promise.all([this.server.stop(), this.bus?.stop()]);
  }
}

export class RealCluster {
  readonly nodes: ClusterNode[] = [];
  readonly masters: readonly ClusterNode[];
  readonly #options: ClusterOptions;

  private constructor(options: ClusterOptions, masters: readonly ClusterNode[]) {
    this.#options = options;
    this.masters = masters;
  }

  /** Masters share all slots. The first ones have more where they cannot share evenly. */
  static async start(options: ClusterOptions = {}): Promise<RealCluster> {
    const { masters: count = 3, replicas = 0 } = options;
    const all = await Promise.all(Array.from({ length: count + replicas }, (_, n) => startNode(options, n)));
    const cluster = new RealCluster(options, all.slice(0, count));
    cluster.nodes.push(...all);
    try {
      await cluster.#join(all, count);
    } catch (error) {
      await cluster.stop();
      throw error;
    }
    return cluster;
  }

  async #join(all: readonly ClusterNode[], count: number): Promise<void> {
    const share = Math.ceil(SLOTS / count);
    for (const [n, { admin }] of this.masters.entries()) {
      await admin.call('CLUSTER', 'SET-CONFIG-EPOCH', String(n + 1));
      await admin.call('CLUSTER', 'ADDSLOTSRANGE', n * share, Math.min(SLOTS, (n + 1) * share) - 1);
    }
    await this.#meet(all);
    const [first] = all as [ClusterNode];
    const id = await first.id();
    for (const { admin } of all.slice(count)) await admin.call('CLUSTER', 'REPLICATE', id);
    await this.whole();
  }

  /** One more node, without slots. */
  async add(): Promise<ClusterNode> {
    const node = await startNode(this.#options, this.nodes.length);
    this.nodes.push(node);
    await this.#meet(this.nodes);
    await this.whole();
    return node;
  }

  /** The `redis` option as a user gives it. */
  get redis(): () => Cluster {
    return () =>
      new Cluster(
        this.nodes.map(({ port }) => ({ host: HOST, port })),
        { lazyConnect: true },
      );
  }

  /** Of so many spaces with a name of this beginning, those that each master has. */
  namesOf(node: ClusterNode, count: number, start = 'space'): string[] {
    const share = Math.ceil(SLOTS / this.masters.length);
    const at = this.masters.indexOf(node);
    const names: string[] = [];
    for (let n = 0; names.length < count; n += 1)
      if (Math.floor(slotOf(`${start}:${n}`) / share) === at) names.push(`${start}:${n}`);
    return names;
  }

  /** Moves the slot of a space, key by key as `redis-cli --cluster reshard` does. */
  async move(space: string, from: ClusterNode, to: ClusterNode): Promise<void> {
    const slot = slotOf(space);
    const [source, target] = [await from.id(), await to.id()];
    await to.admin.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', source);
    await from.admin.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', target);
    for (;;) {
      const [key] = (await from.admin.call('CLUSTER', 'GETKEYSINSLOT', slot, 1)) as string[];
      if (key === undefined) break;
      await from.admin.call('MIGRATE', HOST, to.port, key, 0, 2_000, 'REPLACE');
    }
    for (const { admin } of [to, from, ...this.masters])
      await admin.call('CLUSTER', 'SETSLOT', slot, 'NODE', target);
  }

  /** Every node serves, and every replica is in step. */
  async whole(): Promise<void> {
    for (const node of this.nodes) {
      const isWhole = async (): Promise<boolean> => {
        const replication = await node.admin.info('replication');
        const isInStep = !/role:slave/.test(replication) || /master_link_status:up/.test(replication);
        return isInStep && (await node.info('cluster_state')) === 'ok';
      };
      await until(isWhole, 'a whole cluster', 30_000);
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()));
  }

  async #meet(nodes: readonly ClusterNode[]): Promise<void> {
    const [first, ...others] = nodes as [ClusterNode, ...ClusterNode[]];
    for (const { port, busPort } of others) await first.admin.call('CLUSTER', 'MEET', HOST, port, busPort);
    for (const node of nodes) {
      const knowsAll = async (): Promise<boolean> =>
        (await node.info('cluster_known_nodes')) === String(nodes.length);
      await until(knowsAll, 'nodes that know each other', 20_000);
    }
  }
}

/** Each node calls others from an address of its own, by which a proxy knows it. */
async function startNode({ args = [], canCut = false }: ClusterOptions, at: number): Promise<ClusterNode> {
  const port = await freePort();
  const source = `127.0.0.${10 + at}`;
  const bus = canCut ? await BusProxy.start(port, source) : undefined;
  const throughProxy = ['--bind-source-addr', source, '--protected-mode', 'no'];
  const server = await RedisServer.start(
    '--cluster-enabled',
    'yes',
    '--cluster-node-timeout',
    '1000',
    '--cluster-port',
    String(port),
    '--cluster-replica-validity-factor',
    '0',
    // A master that gives its last slot away stays one.
    '--cluster-allow-replica-migration',
    'no',
    '--repl-diskless-sync-delay',
    '0',
    ...(bus ? ['--cluster-announce-bus-port', String(bus.port), ...throughProxy] : []),
    ...args,
  );
  return new ClusterNode(server, bus?.port ?? port, bus);
}

/** The way to the bus of one node. */
class BusProxy {
  readonly port: number;
  readonly #source: string;
  readonly #server: Server;
  readonly #pairs = new Set<{ from: string; sockets: readonly Socket[] }>();
  /** The nodes that cannot call this one. */
  #refused: ReadonlySet<string> = new Set();

  private constructor(server: Server, port: number, source: string, target: number) {
    this.#server = server;
    this.port = port;
    this.#source = source;
    server.on('connection', (socket) => this.#connected(socket, target));
  }

  static async start(target: number, source: string): Promise<BusProxy> {
    const server = createServer();
    server.listen(0, HOST);
    await once(server, 'listening');
    return new BusProxy(server, (server.address() as { port: number }).port, source, target);
  }

  async stop(): Promise<void> {
    this.#refused = new Set();
    for (const { sockets } of this.#pairs) for (const socket of sockets) socket.destroy();
    this.#server.close();
    await Promise.resolve();
  }

  /** These nodes cannot call this one, and no others are kept off. */
  refuse(nodes: readonly ClusterNode[]): void {
    this.#refused = new Set(nodes.map(({ bus }) => bus!.#source));
    for (const { from, sockets } of this.#pairs)
      if (this.#refused.has(from)) for (const socket of sockets) socket.destroy();
  }

  #connected(socket: Socket, target: number): void {
    const from = socket.remoteAddress ?? '';
    socket.on('error', () => {});
    if (this.#refused.has(from)) return void socket.destroy();
    const onwards = connect(target, HOST);
    onwards.on('error', () => {});
    const pair = { from, sockets: [socket, onwards] };
    this.#pairs.add(pair);
    const end = (): void => {
      this.#pairs.delete(pair);
      socket.destroy();
      onwards.destroy();
    };
    socket.on('close', end);
    onwards.on('close', end);
    socket.pipe(onwards).pipe(socket);
  }
}

/** Nothing passes between these nodes and the others, until it is called anew. */
export function partBus(nodes: readonly ClusterNode[], others: readonly ClusterNode[]): void {
  for (const { bus } of nodes) bus!.refuse(others);
  for (const { bus } of others) bus!.refuse(nodes);
}
