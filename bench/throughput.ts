/**
 * Figure 4: as many distinct updates as reach a second process. No update is replaced by a later one of its
 * key.
 */
import type { Benchmark } from './harness/benchmark.ts';
import { ratio } from './harness/benchmark.ts';
import { costRows } from './harness/cost.ts';
import type { Peer } from './harness/peers.ts';
import { againstPeers } from './harness/peers.ts';

/** More keys than may wait at once, so that no update replaces another on its way. */
const KEYS = 10_000;

const PEERS: readonly (Peer & { limit?: number })[] = [
  { way: 'ioredis', server: 'redis', what: 'a bare ioredis publish each', limit: 3 },
  { way: 'pipelined', server: 'redis', what: 'ioredis publishes, pipelined' },
  { way: 'nats', server: 'nats', what: 'NATS KV', limit: 12 },
  { way: 'etcd', server: 'etcd', what: 'etcd', limit: 35 },
];

export const throughput: Benchmark = {
  name: 'throughput',
  takesLibrary: true,
  title: `Distinct updates a second to a second process, of ${KEYS} keys`,
  run: (settings) => {
    const load = { seconds: settings.seconds, keys: KEYS };
    return againstPeers(
      PEERS,
      settings,
      (lane) => lane.throughput(load),
      ({ way, what, limit }, pair) => {
        const wanted = { ...(limit === undefined ? {} : { limit }), atLeast: true };
        const row = ratio(`to ${what}`, '/s', 'perSecond', pair, wanted);
        // Ours does the same work beside each of the others: one of them is enough.
        return way === 'ioredis' ? [row, ...costRows(`to ${what}`, ...pair)] : [row];
      },
    );
  },
};
