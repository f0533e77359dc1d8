/** Figure 8, first half: the memory of a follower per key, beyond the value itself and its entry in a Map. */
import type { Benchmark } from './harness/benchmark.ts';
import { Child } from './harness/child.ts';
import { withServer } from './harness/servers.ts';

export const memory: Benchmark = {
  name: 'memory',
  title: 'Heap of a follower of 1,000,000 keys, over the bare Map of the same parsed values; one round',
  run: ({ quick }) =>
    withServer('redis', async ({ url }) => {
      const keys = quick ? 50_000 : 1_000_000;
      const options = ['--expose-gc', '--max-old-space-size=4096'];
      const loader = new Child('loader', options);
      const [follower, bare] = [new Child('holder', options), new Child('holder', options)];
      try {
        await loader.ask('open', url);
        const position = await loader.ask<string>('set', { count: keys, keys });
        const followed = await follower.ask<number>('follow', { url, position });
        const held = await bare.ask<number>('map', url);
        return {
          rows: [
            { what: 'over a bare Map', unit: 'bytes a key', ours: (followed - held) / keys, limit: 200 },
            { what: 'follower', unit: 'bytes a key', ours: followed / keys },
            { what: 'bare Map', unit: 'bytes a key', ours: held / keys },
          ],
        };
      } finally {
        await Promise.all([loader.end(), follower.end(), bare.end()]);
      }
    }),
};
