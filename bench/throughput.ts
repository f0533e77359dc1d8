/** Figure 4: distinct updates that reach a second process, as many as it takes; none is overtaken by its successor. */
import type { Benchmark, Row } from './harness/benchmark.ts';
import { ratio } from './harness/benchmark.ts';
import { withLanes } from './harness/lane.ts';
import { alternate } from './harness/rounds.ts';
import type { ServerKind } from './harness/servers.ts';
import { missing, withServer } from './harness/servers.ts';
import type { WayName } from './ways/index.ts';

/** More than may wait at once, so that no update replaces another on its way. */
const KEYS = 10_000;

const PEERS: readonly { way: WayName; server: ServerKind; what: string; limit?: number }[] = [
  { way: 'ioredis', server: 'redis', what: 'a bare ioredis publish each', limit: 3 },
  { way: 'pipelined', server: 'redis', what: 'ioredis publishes, pipelined' },
  { way: 'nats', server: 'nats', what: 'NATS KV', limit: 12 },
  { way: 'etcd', server: 'etcd', what: 'etcd', limit: 35 },
];

export const throughput: Benchmark = {
  name: 'throughput',
  title: `Distinct updates a second to a second process, of ${KEYS} keys`,
  run: (settings) =>
    withServer('redis', async ({ url }) => {
      const rows: Row[] = [];
      const skipped: string[] = [];
      const details: Record<string, unknown> = {};
      const load = { seconds: settings.seconds, keys: KEYS };
      for (const { way, server, what, limit } of PEERS) {
        const why = missing(server);
        if (why !== undefined) {
          skipped.push(`${what}: ${why}`);
          continue;
        }
        await withServer(server, async (peer) => {
          const lanes = [
            { way: 'tandem' as const, url },
            { way, url: peer.url },
          ];
          await withLanes(lanes, async ([ours, theirs]) => {
            const found = await alternate(settings, {
              ours: () => ours!.throughput(load),
              theirs: () => theirs!.throughput(load),
            });
            const wanted = limit === undefined ? {} : { limit, atLeast: true };
            rows.push(ratio(`to ${what}`, '/s', 'perSecond', [found.ours, found.theirs], wanted));
            details[way] = found;
          });
        });
      }
      return { rows, skipped, details };
    }),
};
