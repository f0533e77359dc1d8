/**
 * Figure 2: the direct path in mode `always`, compared with bare pub/sub through the broker, and with a bare
 * stream between two processes.
 */
import type { Benchmark } from './harness/benchmark.ts';
import { ratio } from './harness/benchmark.ts';
import { costRows } from './harness/cost.ts';
import { withLanes } from './harness/lane.ts';
import { alternate } from './harness/rounds.ts';
import { withServer } from './harness/servers.ts';

const RATE = 1_000;

export const direct: Benchmark = {
  name: 'direct',
  takesLibrary: true,
  title: `Set to visible with the direct path at "always"; ${RATE}/s to one process`,
  run: (settings) =>
    withServer('redis', async ({ url }) => {
      const ways = (['direct', 'ioredis', 'http-stream'] as const).map((way) => ({ way, url }));
      return withLanes(ways, async ([ours, bare, stream]) => {
        const load = { rate: RATE, seconds: settings.seconds };
        const found = await alternate(settings, {
          ours: () => ours!.latency(load),
          bare: () => bare!.latency(load),
          stream: () => stream!.latency(load),
        });
        const timed = { ...load, wait: 'timer' } as const;
        const cost = await alternate(settings, {
          ours: () => ours!.latency(timed),
          bare: () => bare!.latency(timed),
        });
        return {
          rows: [
            ratio('p50, to ioredis pub/sub', 'µs', 'p50', [found.ours, found.bare], { limit: 0.65 }),
            ratio('p99, to ioredis pub/sub', 'µs', 'p99', [found.ours, found.bare], { limit: 0.65 }),
            ratio('p50, to a bare HTTP stream', 'µs', 'p50', [found.ours, found.stream]),
            ratio('p99, to a bare HTTP stream', 'µs', 'p99', [found.ours, found.stream]),
            ...costRows('to ioredis pub/sub', cost.ours, cost.bare),
          ],
          details: { ...found, cost },
        };
      });
    }),
};
