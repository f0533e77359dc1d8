/** All ways, by name. */
import type { Way } from './way.ts';

export const WAYS = {
  tandem: async () => (await import('./tandem.ts')).tandem,
  direct: async () => (await import('./direct.ts')).direct,
  ioredis: async () => (await import('./ioredis.ts')).ioredis,
  pipelined: async () => (await import('./ioredis.ts')).pipelined,
  'node-redis': async () => (await import('./node-redis.ts')).nodeRedis,
  nats: async () => (await import('./nats.ts')).nats,
  etcd: async () => (await import('./etcd.ts')).etcd,
  'http-stream': async () => (await import('./http-stream.ts')).httpStream,
  polling: async () => (await import('./polling.ts')).polling,
} satisfies Record<string, () => Promise<Way>>;

export type WayName = keyof typeof WAYS;
