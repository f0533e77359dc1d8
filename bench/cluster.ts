/** Redis Clusters of several sizes: what one update costs all nodes, and how long it takes. */
import { RealCluster } from '../test/_cluster.ts';
import type { Benchmark, Row, Settings } from './harness/benchmark.ts';
import { ratio } from './harness/benchmark.ts';
import { Child } from './harness/child.ts';
import { percentiles } from './harness/histogram.ts';
import { usage } from './harness/redis-info.ts';
import type { Figures, Sampled } from './harness/rounds.ts';
import { alternate } from './harness/rounds.ts';

const SIZES = [1, 3, 6];
const SPACES = 50;
/** Half of a machine with two processors is idle. */
const RATE = 500;
const PAUSE_MS = 500;

type Way = 'tandem' | 'bare';

export const cluster: Benchmark = {
  name: 'cluster',
  title: `Redis Cluster: ${SPACES} spaces, ${RATE} updates a second, on 1, 3 and 6 nodes`,
  isLong: true,
  async run(settings) {
    const clusters = [];
    try {
      for (const masters of SIZES)
        clusters.push(await RealCluster.start({ masters, args: ['--cluster-announce-ip', '127.0.0.1'] }));
      const candidates = Object.fromEntries(
        clusters.flatMap((one, n) =>
          (['tandem', 'bare'] as const).map((way) => [`${way}${SIZES[n]}`, () => round(one, way, settings)]),
        ),
      );
      const all = await alternate(settings, candidates);
      return { rows: rowsOf(all), details: all };
    } finally {
      await Promise.all(clusters.map((one) => one.stop()));
    }
  },
};

function rowsOf(all: Record<string, Sampled>): Row[] {
  const one = all[`tandem${SIZES[0]}`]!;
  return SIZES.flatMap((size) => {
    const [ours, bare] = [all[`tandem${size}`]!, all[`bare${size}`]!];
    const on = `${size} node${size > 1 ? 's' : ''}`;
    const published = { what: `published over the bus, ${on}`, unit: 'messages an update' };
    return [
      ratio(`set to visible p50, ${on}, against SPUBLISH`, 'µs', 'p50', [ours, bare], { limit: 1.3 }),
      ratio(`bytes an update, ${on}, against 1 node`, 'bytes', 'bytes', [ours, one], { limit: 1.2 }),
      ratio(`CPU of Redis an update, ${on}, against 1 node`, 'µs', 'redisUs', [ours, one], { limit: 1.2 }),
      { ...published, ours: ours.medians.bus!, limit: 0.01 },
    ];
  });
}

/** CPU, and bytes that clients sent and got; both of all nodes together. */
async function readingOf({ nodes }: RealCluster) {
  const [all, sent] = await Promise.all([
    Promise.all(nodes.map(({ admin }) => usage(admin))),
    Promise.all(nodes.map((node) => node.info('cluster_stats_messages_publish_sent'))),
  ]);
  const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
  return {
    cpuMs: sum(all.map(({ cpuMs }) => cpuMs)),
    bytes: sum(all.map(({ bytesIn, bytesOut }) => bytesIn + bytesOut)),
    bus: sum(sent.map((number) => Number(number ?? 0))),
  };
}

/** What the nodes do without any client is taken off: each has a timer, and gossips. */
async function idleCpu(cluster: RealCluster, seconds: number): Promise<number> {
  const before = await readingOf(cluster);
  await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
  return ((await readingOf(cluster)).cpuMs - before.cpuMs) / seconds;
}

async function round(cluster: RealCluster, way: Way, { seconds }: Settings): Promise<Figures> {
  const idle = await idleCpu(cluster, Math.min(2, seconds));
  const [sender, receiver] = [new Child('shards'), new Child('shards')];
  try {
    const place = { ports: cluster.nodes.map(({ port }) => port), spaces: SPACES };
    await sender.ask(way === 'tandem' ? 'own' : 'publish', place);
    await receiver.ask(way === 'tandem' ? 'follow' : 'subscribe', place);
    await sender.ask('send', { rate: RATE, seconds: 0.5, spaces: SPACES });
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    await receiver.ask('take');
    const before = await readingOf(cluster);
    await sender.ask('send', { rate: RATE, seconds, spaces: SPACES });
    const after = await readingOf(cluster);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    const { count, packed } = await receiver.ask<{ count: number; packed: string }>('take');
    const updates = RATE * seconds;
    const { p50 } = percentiles([packed]);
    return {
      p50,
      bytes: (after.bytes - before.bytes) / updates,
      redisUs: ((after.cpuMs - before.cpuMs - idle * seconds) * 1_000) / updates,
      idleMs: idle,
      bus: (after.bus - before.bus) / updates,
      lost: updates - count,
    };
  } finally {
    await Promise.all([sender.end(), receiver.end()]);
  }
}
