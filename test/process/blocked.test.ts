/**
 * A process whose event loop is blocked for seconds: nobody else suffers, and the process is current again at
 * once.
 */
import { onRealServer } from '../_real.ts';
import { startPair } from '../fixtures/child.ts';

const BLOCKED_MS = 3_500;

for (const blocked of ['owner', 'follower'] as const) {
  onRealServer(
    `all recovers after the ${blocked}'s event loop was blocked for longer than the lease`,
    async (t) => {
      t.timeout(60_000);
      const { owner, follower } = await startPair(t);
      const load = { do: 'load', sets: 4_000, keys: 100, perSecond: 1_000 } as const;
      const loaded = owner.ask(load, 'loaded', 40_000);
      (blocked === 'owner' ? owner : follower).tell({ do: 'block', ms: BLOCKED_MS });
      if (blocked === 'owner') {
        await new Promise((resolve) => setTimeout(resolve, 2_000));
        t.is((await follower.ask({ do: 'dump' }, 'dump')).freshness, 'stale', 'nothing proves the state');
      }
      await loaded;
      const startedAt = performance.now();
      for (;;) {
        const here = await owner.ask({ do: 'dump' }, 'dump');
        const there = await follower.ask({ do: 'dump' }, 'dump');
        if (here.head === there.head && there.mode === 'connected' && there.freshness === 'live') {
          t.deepEqual(there.state, here.state);
          t.is(there.seen!.brokenPairs + there.seen!.wentBack, 0);
          break;
        }
        if (performance.now() - startedAt > 2_000)
          throw new Error(JSON.stringify([here.head, there.head, there.mode]));
      }
      t.deepEqual(
        owner.reports.filter(({ about }) => about === 'fenced'),
        [],
        'no other owner has claimed',
      );
    },
  );
}
