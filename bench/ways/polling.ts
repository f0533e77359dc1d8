/** Polling: one process sets a key, and the other reads it every 10 ms. Only new values count. */
import { Redis } from 'ioredis';
import type { Tick } from '../harness/tick.ts';
import type { Way } from './way.ts';

const KEY = 'polled';
const EVERY_MS = 10;

export const polling: Way = {
  send: async ({ url }) => {
    const redis = new Redis(url);
    await redis.ping();
    let last: Promise<unknown> = Promise.resolve();
    return {
      send: (_key, value) => void (last = redis.set(KEY, JSON.stringify(value))),
      acknowledged: () => last,
      close: () => redis.disconnect(),
    };
  },
  receive: async ({ url }, seen) => {
    const redis = new Redis(url);
    let known: string | null = null;
    const poll = async (): Promise<void> => {
      const text = await redis.get(KEY);
      if (text === known || text === null) return;
      known = text;
      seen(KEY, JSON.parse(text) as Tick);
    };
    const timer = setInterval(() => {
      void poll();
    }, EVERY_MS);
    return () => {
      clearInterval(timer);
      redis.disconnect();
    };
  },
};
