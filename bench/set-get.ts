/** Figure 5: what `set` and `get` cost the loop that calls them. */
import type { Benchmark } from './harness/benchmark.ts';
import { ratio } from './harness/benchmark.ts';
import { Child } from './harness/child.ts';
import { alternate } from './harness/rounds.ts';
import { withServer } from './harness/servers.ts';

export const setGet: Benchmark = {
  name: 'set-get',
  takesLibrary: true,
  title: 'One set without a schema, one get; 1,000 keys, a turn of the loop after each thousand calls',
  run: (settings) =>
    withServer('redis', async ({ url }) => {
      process.env.BENCH_REDIS = url;
      const child = new Child('setter');
      try {
        await child.ask('open');
        const turns = settings.quick ? 50 : 500;
        const timed = async (what: string, scale = 1): Promise<{ ns: number }> => ({
          ns: await child.ask<number>(what, turns * scale),
        });
        const found = await alternate(settings, {
          set: () => timed('set'),
          mapSet: () => timed('mapSet'),
          get: () => timed('get', 10),
          getAtOwner: () => timed('getAtOwner', 10),
          mapGet: () => timed('mapGet', 10),
        });
        return {
          rows: [
            ratio('set, to JSON.stringify + Map.set', 'ns', 'ns', [found.set, found.mapSet], { limit: 2 }),
            ratio('get of a follower, to Map.get', 'ns', 'ns', [found.get, found.mapGet], { limit: 3 }),
            ratio('get of an owner, to Map.get', 'ns', 'ns', [found.getAtOwner, found.mapGet], { limit: 3 }),
          ],
          details: found,
        };
      } finally {
        await child.end();
      }
    }),
};
