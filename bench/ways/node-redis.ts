/** Bare pub/sub with node-redis, which by itself writes once a turn. */
import { createClient } from '@redis/client';
import type { Tick } from '../harness/tick.ts';
import type { Way } from './way.ts';

const CHANNEL = 'bare-node-redis';

export const nodeRedis: Way = {
  send: async ({ url }) => {
    const redis = createClient({ url });
    await redis.connect();
    let last: Promise<unknown> = Promise.resolve();
    return {
      send: (key, value) => void (last = redis.publish(CHANNEL, `${key}\n${JSON.stringify(value)}`)),
      acknowledged: () => last,
      close: () => redis.destroy(),
    };
  },
  receive: async ({ url }, seen) => {
    const redis = createClient({ url });
    await redis.connect();
    await redis.subscribe(CHANNEL, (message) => {
      const end = message.indexOf('\n');
      seen(message.slice(0, end), JSON.parse(message.slice(end + 1)) as Tick);
    });
    return () => redis.destroy();
  },
};
