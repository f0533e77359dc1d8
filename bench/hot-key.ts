/**
 * Figure 4, second half: one key set a million times a second. The network must not slow the loop down, and a
 * follower sees the latest value.
 */
import { Redis } from 'ioredis';
import type { Benchmark } from './harness/benchmark.ts';
import { ratio } from './harness/benchmark.ts';
import { Child } from './harness/child.ts';
import { percentiles } from './harness/histogram.ts';
import { cpuMs } from './harness/redis-info.ts';
import type { Figures } from './harness/rounds.ts';
import { alternate } from './harness/rounds.ts';
import { withServer } from './harness/servers.ts';

interface Ran {
  readonly perSecond: number;
  readonly setUs: number;
}

export const hotKey: Benchmark = {
  name: 'hot-key',
  takesLibrary: true,
  title: 'One key set 1,000,000 times a second, a thousand a turn, against the same with no Redis behind it',
  run: (settings) =>
    withServer('redis', async ({ url }) => {
      const [linked, alone, reader, burner] = [
        new Child('hot-setter'),
        new Child('hot-setter'),
        new Child('hot-reader'),
        new Child('burner'),
      ];
      const redis = new Redis(url);
      try {
        await linked.ask('open', url);
        await alone.ask('open', 'redis://127.0.0.1:1');
        await reader.ask('open', url);
        // Not the setter's: its loop takes a whole core in any case.
        const cpuTimes = async (): Promise<{ reader: number; redis: number }> => ({
          reader: await reader.ask<number>('cpuMs'),
          redis: await cpuMs(redis),
        });
        const run = async (setter: Child, perSecond: number): Promise<Figures> => {
          const before = await cpuTimes();
          const ran = await setter.ask<Ran>('run', { seconds: settings.seconds, perSecond });
          const after = await cpuTimes();
          const seen = percentiles([await reader.ask<string>('take')]);
          const share = (from: number, to: number): number => (to - from) / settings.seconds / 10;
          return {
            ...ran,
            p50: seen.p50,
            p99: seen.p99,
            following: share(before.reader, after.reader),
            redis: share(before.redis, after.redis),
          };
        };
        const found = await alternate(settings, {
          linked: () => run(linked, 1_000_000),
          alone: () => run(alone, 1_000_000),
          // How much slower two cores make any loop while another process works beside it.
          crowded: async () => {
            const [ran] = await Promise.all([run(alone, 1_000_000), burner.ask('burn', settings.seconds)]);
            return ran;
          },
          calm: () => run(linked, 1_000),
        });
        const pair = [found.linked, found.alone] as const;
        return {
          rows: [
            ratio('sets a second, to no Redis', '/s', 'perSecond', pair, { limit: 0.95, atLeast: true }),
            ratio('time a set takes, to no Redis', 'µs', 'setUs', pair, { limit: 1.1 }),
            ratio(
              'no Redis but a busy neighbour, to no Redis',
              '/s',
              'perSecond',
              [found.crowded, found.alone],
              { atLeast: true },
            ),
            ratio('p50 of what is seen, to 1,000/s', 'µs', 'p50', [found.linked, found.calm]),
            ratio('p99 of what is seen, to 1,000/s', 'µs', 'p99', [found.linked, found.calm]),
            { what: 'CPU of follower, of a core', unit: '%', ours: found.linked.medians.following! },
            { what: 'CPU of Redis, of a core', unit: '%', ours: found.linked.medians.redis! },
          ],
          details: found,
        };
      } finally {
        redis.disconnect();
        await Promise.all([linked, alone, reader, burner].map((child) => child.end()));
      }
    }),
};
