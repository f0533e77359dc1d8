/** NATS JetStream KV, from put to watch: one replica, in memory, with its fastest settings. */
import { jetstream } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import { connect } from '@nats-io/transport-node';
import type { Tick } from '../harness/tick.ts';
import type { Way } from './way.ts';

const BUCKET = 'quotes';

export const nats: Way = {
  send: async ({ url }) => {
    const connection = await connect({ servers: url, noDelay: true } as Parameters<typeof connect>[0]);
    const bucket = await new Kvm(jetstream(connection)).create(BUCKET, {
      history: 1,
      storage: 'memory' as never,
    });
    let last: Promise<unknown> = Promise.resolve();
    return {
      send: (key, value) => void (last = bucket.put(key, JSON.stringify(value))),
      acknowledged: () => last,
      close: () => connection.close(),
    };
  },
  receive: async ({ url }, seen) => {
    const connection = await connect({ servers: url });
    const bucket = await new Kvm(jetstream(connection)).open(BUCKET);
    const watch = await bucket.watch({ include: 'updates' as never });
    void (async () => {
      for await (const { key, value } of watch)
        seen(key, JSON.parse(new TextDecoder().decode(value)) as Tick);
    })();
    return () => connection.close();
  },
};
