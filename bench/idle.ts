/** Figure 8, second half: a thousand idle spaces, owned by one process and followed by another. */
import { Redis } from 'ioredis';
import type { Benchmark, Row } from './harness/benchmark.ts';
import { Child } from './harness/child.ts';
import { between, usage } from './harness/redis-info.ts';
import type { Sampled } from './harness/rounds.ts';
import { alternate } from './harness/rounds.ts';
import { withServer } from './harness/servers.ts';

export const idle: Benchmark = {
  name: 'idle',
  title: '1,000 idle spaces: connections, and the share of one core in owner, follower and Redis',
  run: (settings) =>
    withServer('redis', async ({ url }) => {
      const { seconds, quick } = settings;
      const spaces = quick ? 100 : 1_000;
      const [owner, follower] = [new Child('many'), new Child('many')];
      const redis = new Redis(url);
      try {
        await owner.ask('open', { url, spaces, role: 'owner' });
        await follower.ask('open', { url, spaces, role: 'follower' });
        const clients = ((await redis.client('LIST')) as string).trim().split('\n').length - 1;
        const { idle } = await alternate(settings, {
          idle: async () => {
            const before = await usage(redis);
            const [owning, following] = await Promise.all([
              owner.ask<number>('share', seconds),
              follower.ask<number>('share', seconds),
            ]);
            const used = between(before, await usage(redis));
            const commands = used.commands / seconds;
            return { owning, following, redis: used.cpuMs / (seconds * 10), commands };
          },
        });
        return { rows: rowsOf(idle, clients), details: { idle, clients } };
      } finally {
        redis.disconnect();
        await Promise.all([owner.end(), follower.end()]);
      }
    }),
};

function rowsOf({ medians }: Sampled, clients: number): Row[] {
  const share = { unit: '%', limit: 15 };
  return [
    { what: 'connections of both', unit: '', ours: clients, limit: 4 },
    { what: 'of a core: owner', ours: medians.owning!, ...share },
    { what: 'of a core: follower', ours: medians.following!, ...share },
    { what: 'of a core: Redis', ours: medians.redis!, ...share },
    { what: 'commands', unit: '/s', ours: medians.commands! },
  ];
}
