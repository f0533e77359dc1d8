/** Figure 9: what an update costs Redis with 64 followers, compared with a bare PUBLISH to 64 subscribers. */
import { Redis } from 'ioredis';
import type { Benchmark } from './harness/benchmark.ts';
import { ratio } from './harness/benchmark.ts';
import type { Lane } from './harness/lane.ts';
import { withLanes } from './harness/lane.ts';
import { between, usage } from './harness/redis-info.ts';
import type { Figures } from './harness/rounds.ts';
import { alternate } from './harness/rounds.ts';
import { withServer } from './harness/servers.ts';

const RATE = 500;
const FOLLOWERS = { receivers: 2, each: 32 };

export const fanOut: Benchmark = {
  name: 'fan-out',
  title: `Redis CPU an update, ${RATE}/s to 64 followers, each with connections of its own`,
  run: (settings) =>
    withServer('redis', (first) =>
      withServer('redis', (second) => {
        const lanes = [
          { way: 'tandem' as const, url: first.url, ...FOLLOWERS },
          { way: 'ioredis' as const, url: second.url, ...FOLLOWERS },
        ];
        return withLanes(lanes, async ([ours, bare]) => {
          const cost = async (lane: Lane, url: string): Promise<Figures> => {
            const redis = new Redis(url);
            const before = await usage(redis);
            const { p50, p99 } = (await lane.latency({ rate: RATE, seconds: settings.seconds })) as {
              p50: number;
              p99: number;
            };
            const { cpuMs } = between(before, await usage(redis));
            redis.disconnect();
            return { cpuUs: (cpuMs * 1_000) / (RATE * settings.seconds), p50, p99 };
          };
          const found = await alternate(settings, {
            ours: () => cost(ours!, first.url),
            bare: () => cost(bare!, second.url),
          });
          const pair = [found.ours, found.bare] as const;
          return {
            rows: [
              ratio('CPU of Redis an update', 'µs', 'cpuUs', pair, { limit: 1.2 }),
              ratio('p50 of all 64', 'µs', 'p50', pair),
              ratio('p99 of all 64', 'µs', 'p99', pair),
            ],
            details: found,
          };
        });
      }),
    ),
};
