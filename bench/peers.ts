/** Figure 3: the same work by the alternatives that a user would have. */
import type { Benchmark } from './harness/benchmark.ts';
import { ratio } from './harness/benchmark.ts';
import type { Peer } from './harness/peers.ts';
import { againstPeers } from './harness/peers.ts';

const RATE = 1_000;

const PEERS: readonly (Peer & { limit?: number; mayMiss?: boolean })[] = [
  { way: 'nats', server: 'nats', what: 'NATS KV put → watch', limit: 0.6 },
  { way: 'etcd', server: 'etcd', what: 'etcd put → watch', limit: 0.25 },
  { way: 'polling', server: 'redis', what: 'GET every 10 ms', mayMiss: true },
];

export const peers: Benchmark = {
  name: 'peers',
  title: `Set to visible, ${RATE}/s to one process, against NATS KV, etcd and polling`,
  run: (settings) => {
    const load = { rate: RATE, seconds: settings.seconds };
    return againstPeers(
      PEERS,
      settings,
      (lane, { way, mayMiss }) => lane.latency(load, lane.way === way && mayMiss),
      ({ what, limit }, pair) => [
        ratio(`p50, to ${what}`, 'µs', 'p50', pair, limit === undefined ? {} : { limit }),
        ratio(`p99, to ${what}`, 'µs', 'p99', pair),
      ],
    );
  },
};
