/**
 * Figure 1: from `set` to visible in another process, through Redis, compared with bare pub/sub of the same
 * values.
 */
import type { Benchmark, Row } from './harness/benchmark.ts';
import { ratio } from './harness/benchmark.ts';
import { costRows } from './harness/cost.ts';
import { withLanes } from './harness/lane.ts';
import { alternate } from './harness/rounds.ts';
import { withServer } from './harness/servers.ts';

const LOADS = [
  { rate: 1_000, receivers: 1, wait: 'turns' },
  // Ten processes share the processors, so none may keep one busy with waiting.
  { rate: 5_000, receivers: 8, wait: 'timer' },
] as const;

export const latency: Benchmark = {
  name: 'latency',
  takesLibrary: true,
  title: 'Set to visible through Redis; 1,000/s to one process and 5,000/s to eight',
  run: (settings) =>
    withServer('redis', async ({ url }) => {
      const rows: Row[] = [];
      const details: Record<string, unknown> = {};
      for (const { rate, receivers, wait } of LOADS) {
        const ways = (['tandem', 'ioredis', 'node-redis'] as const).map((way) => ({ way, url, receivers }));
        await withLanes(ways, async ([ours, bare, other]) => {
          const load = { rate, seconds: settings.seconds, wait };
          const found = await alternate(settings, {
            ours: () => ours!.latency(load),
            bare: () => bare!.latency(load),
            other: () => other!.latency(load),
          });
          // The CPU time of a load that waits by a timer. Its latencies are the timer's.
          const timed = { ...load, wait: 'timer' } as const;
          const cost =
            wait === 'timer'
              ? found
              : await alternate(settings, {
                  ours: () => ours!.latency(timed),
                  bare: () => bare!.latency(timed),
                });
          const what = `${rate}/s to ${receivers}`;
          rows.push(
            ratio(`p50, ${what}, to ioredis`, 'µs', 'p50', [found.ours, found.bare], { limit: 1.25 }),
            ratio(`p99, ${what}, to ioredis`, 'µs', 'p99', [found.ours, found.bare], { limit: 1.25 }),
            ratio(`p50, ${what}, to node-redis`, 'µs', 'p50', [found.ours, found.other]),
            ratio(`p99, ${what}, to node-redis`, 'µs', 'p99', [found.ours, found.other]),
            ...costRows(`${what}, to ioredis`, cost.ours, cost.bare),
          );
          details[what] = cost === found ? found : { ...found, cost };
        });
      }
      return { rows, details };
    }),
};
