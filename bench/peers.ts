/** Figure 3: the same work by what a user would put in its place. */
import type { Benchmark, Row } from './harness/benchmark.ts';
import { ratio } from './harness/benchmark.ts';
import { withLanes } from './harness/lane.ts';
import { alternate } from './harness/rounds.ts';
import type { ServerKind } from './harness/servers.ts';
import { missing, withServer } from './harness/servers.ts';
import type { WayName } from './ways/index.ts';

const RATE = 1_000;

interface Peer {
  readonly way: WayName;
  readonly server: ServerKind;
  readonly limit?: number;
  readonly mayMiss?: boolean;
}
const PEERS: readonly Peer[] = [
  { way: 'nats', server: 'nats', limit: 0.6 },
  { way: 'etcd', server: 'etcd', limit: 0.25 },
  { way: 'polling', server: 'redis', mayMiss: true },
];
const WORDS: Partial<Record<WayName, string>> = {
  nats: 'NATS KV put → watch',
  etcd: 'etcd put → watch',
  polling: 'GET every 10 ms',
};

export const peers: Benchmark = {
  name: 'peers',
  title: `Set to visible, ${RATE}/s to one process, against NATS KV, etcd and polling`,
  run: (settings) =>
    withServer('redis', async ({ url }) => {
      const rows: Row[] = [];
      const skipped: string[] = [];
      const details: Record<string, unknown> = {};
      const load = { rate: RATE, seconds: settings.seconds };
      for (const { way, server, limit, mayMiss } of PEERS) {
        const why = missing(server);
        if (why !== undefined) {
          skipped.push(`${WORDS[way]}: ${why}`);
          continue;
        }
        await withServer(server, async (peer) => {
          const lanes = [
            { way: 'tandem' as const, url },
            { way, url: peer.url },
          ];
          await withLanes(lanes, async ([ours, theirs]) => {
            const found = await alternate(settings, {
              ours: () => ours!.latency(load),
              theirs: () => theirs!.latency(load, mayMiss),
            });
            const pair = [found.ours, found.theirs] as const;
            rows.push(
              ratio(`p50, to ${WORDS[way]}`, 'µs', 'p50', pair, limit === undefined ? {} : { limit }),
            );
            rows.push(ratio(`p99, to ${WORDS[way]}`, 'µs', 'p99', pair));
            details[way] = found;
          });
        });
      }
      return { rows, skipped, details };
    }),
};
