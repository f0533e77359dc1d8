/** A fleet of bots with a space each, and a portal that learns of new and retired ones. */
import type { Benchmark } from './harness/benchmark.ts';
import { Child } from './harness/child.ts';
import { alternate } from './harness/rounds.ts';
import { withServer } from './harness/servers.ts';

export const fleet: Benchmark = {
  name: 'fleet',
  title: 'A fleet of 1,000 spaces: found by a portal, a new one seen, a retired one removed',
  run: (settings) =>
    withServer('redis', async ({ url }) => {
      const spaces = settings.quick ? 100 : 1_000;
      const bots = new Child('bots');
      try {
        await bots.ask('open', { url, spaces });
        let news = spaces;
        let retired = 0;
        const { fleet } = await alternate(settings, {
          fleet: async () => {
            const portal = new Child('portal');
            try {
              const { ms, stretchMs, found } = await portal.ask<Found>('open', url);
              await bots.ask('own', news);
              const newMs = await portal.ask<number>('appeared', `bot:${news}`);
              news += 1;
              await bots.ask('retire', retired);
              const endMs = await portal.ask<number>('remove', `bot:${retired}`);
              retired += 1;
              return { ms, stretchMs, newMs, endMs, lacking: spaces - found };
            } finally {
              await portal.end();
            }
          },
        });
        const { ms, stretchMs, newMs, endMs, lacking } = fleet.medians;
        return {
          rows: [
            { what: `${spaces} spaces found and read`, unit: 'ms', ours: ms! },
            { what: 'of them not found', unit: '', ours: lacking!, limit: 0 },
            { what: "the portal's longest stretch meanwhile", unit: 'ms', ours: stretchMs!, limit: 50 },
            { what: "a new bot's first value: set to visible", unit: 'ms', ours: newMs! },
            { what: 'a retired bot: removal to the end of its follower', unit: 'ms', ours: endMs! },
          ],
          details: { fleet },
        };
      } finally {
        await bots.end();
      }
    }),
};

interface Found {
  readonly ms: number;
  readonly stretchMs: number;
  readonly found: number;
}
