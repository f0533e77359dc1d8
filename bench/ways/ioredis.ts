/**
 * Bare pub/sub with ioredis: the limit of anything that goes through this broker. A message has key, line
 * break, value.
 */
import { Redis } from 'ioredis';
import type { Tick } from '../harness/tick.ts';
import type { Way } from './way.ts';

const CHANNEL = 'bare';

/** @param enableAutoPipelining one write for all messages of one turn: slower for one, faster for many */
function way(enableAutoPipelining: boolean): Way {
  return {
    send: async ({ url }) => {
      const redis = new Redis(url, { enableAutoPipelining });
      await redis.ping();
      let last: Promise<unknown> = Promise.resolve();
      return {
        send: (key, value) => void (last = redis.publish(CHANNEL, `${key}\n${JSON.stringify(value)}`)),
        acknowledged: () => last,
        close: () => redis.disconnect(),
      };
    },
    receive: async ({ url }, seen) => {
      const redis = new Redis(url);
      redis.on('message', (_channel: string, message: string) => {
        const end = message.indexOf('\n');
        seen(message.slice(0, end), JSON.parse(message.slice(end + 1)) as Tick);
      });
      await redis.subscribe(CHANNEL);
      return () => redis.disconnect();
    },
  };
}

export const ioredis = way(false);
export const pipelined = way(true);
