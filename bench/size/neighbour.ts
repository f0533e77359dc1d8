/** A process owns one small space and follows another, and starts to own a large one: what of the small ones? */
import type { Row } from '../harness/benchmark.ts';
import { withServer } from '../harness/servers.ts';
import type { Seen } from './children.ts';
import { withChildren } from './children.ts';
import { bounded } from './rows.ts';

const LEASE_MS = 1_000;

export function neighbour(keys: number): Promise<Row[]> {
  return withServer('redis', ({ url }) =>
    withChildren(url, async (children) => {
      const first = await children.giant('first');
      await first.ask('own', {});
      await first.ask('fill', { keys });
      await first.end();

      const [trader, rival, reader] = [
        await children.giant('trader'),
        await children.giant('rival'),
        await children.giant('reader'),
      ];
      await trader.ask('ownSmall', { space: 'orders', leaseMs: LEASE_MS });
      await rival.ask('ownSmall', { space: 'orders', standby: true, leaseMs: LEASE_MS });
      await reader.ask('followSmall', 'orders');
      const news = await children.giant('news');
      await news.ask('ownSmall', { space: 'news', leaseMs: LEASE_MS });
      await trader.ask('followSmall', 'news');
      await new Promise((resolve) => setTimeout(resolve, 1_000));

      await Promise.all([trader, reader].map((child) => child.ask('begin')));
      await trader.ask('own', {});
      const [atTrader, atReader] = await Promise.all([trader, reader].map((child) => child.ask<Seen>('end')));
      const what = `another space while ${keys} keys are resumed`;
      const leads = (await trader.ask<string>('ownership')) === 'leading';
      return [
        bounded(`${what}: lost to its standby`, 'times', leads ? atTrader!.fences : 1, 0),
        bounded(`${what}: stale at its followers`, 'ms', atReader!.smallStaleMs, 0),
        bounded(`${what}: one that it follows is stale`, 'ms', atTrader!.smallStaleMs, 0),
      ];
    }),
  );
}
