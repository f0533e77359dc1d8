/** One side of a Redis Cluster: it owns or follows spaces, or it publishes and subscribes to shards by ioredis alone. */
import { Cluster } from 'ioredis';
import { serve } from '../harness/child.ts';
import { monotonicMs } from '../harness/clock.ts';
import { Latencies } from '../harness/histogram.ts';
import { connect, defineSpace, json } from '../harness/library.ts';
import { pace } from '../harness/pace.ts';

interface Place {
  readonly ports: readonly number[];
  readonly spaces: number;
}

interface Timed {
  readonly at: number;
}

const PAD = 'x'.repeat(60);
const KEYS = 20;

const latencies = new Latencies();
let count = 0;
let send: (space: number, n: number, at: number) => void;

function received({ at }: Timed): void {
  latencies.record(monotonicMs() - at);
  count += 1;
}

function clusterOf({ ports }: Place, lazyConnect: boolean): Cluster {
  const nodes = ports.map((port) => ({ host: '127.0.0.1', port }));
  return new Cluster(nodes, { lazyConnect, shardedSubscribers: true });
}

const names = ({ spaces }: Place): string[] => Array.from({ length: spaces }, (_, n) => `c${n}`);

function join(place: Place) {
  return connect({ redis: () => clusterOf(place, true), telemetry: false, fleet: false, log: false });
}

serve({
  own: async (place: Place) => {
    const tandem = join(place);
    const owners = names(place).map((name) => tandem.own(defineSpace(name, { '*': json<Timed>() })));
    await Promise.all(owners.map((owner) => owner.ready()));
    send = (space, n, at) => owners[space]!.set(`k${n % KEYS}`, { at, n, pad: PAD } as Timed);
  },
  follow: async (place: Place) => {
    const tandem = join(place);
    const followers = names(place).map((name) => tandem.follow(defineSpace(name, { '*': json<Timed>() })));
    for (const follower of followers)
      follower.watch('*', ({ value }) => {
        if (value) received(value);
      });
    await Promise.all(followers.map((follower) => follower.ready()));
  },
  publish: async (place: Place) => {
    const cluster = clusterOf(place, false);
    await cluster.ping();
    send = (space, n, at) =>
      void cluster.spublish(`{c${space}}`, JSON.stringify({ at, n, pad: PAD })).catch(() => {});
  },
  subscribe: async (place: Place) => {
    const cluster = clusterOf(place, false);
    await cluster.ping();
    cluster.on('smessage', (_channel: string, message: string) => received(JSON.parse(message) as Timed));
    for (const name of names(place)) await cluster.ssubscribe(`{${name}}`);
  },
  send: ({ rate, seconds, spaces }: { rate: number; seconds: number; spaces: number }) =>
    pace({ rate, seconds, wait: 'timer' }, (n, due) => send(n % spaces, Math.floor(n / spaces), due)),
  take: () => {
    const taken = { count, packed: latencies.take() };
    count = 0;
    return taken;
  },
});
