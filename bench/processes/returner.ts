/** A follower that loses its Redis and comes back: how long its catch-up takes, and what it tells of it. */
import type { Follower } from '../../src/index.ts';
import { connect } from '../../src/index.ts';
import { serve } from '../harness/child.ts';
import { quotes } from '../ways/tandem.ts';

let follower: Follower<typeof quotes.definition>;

const mode = (wanted: string): Promise<void> =>
  new Promise((resolve) => {
    if (follower.mode === wanted) return resolve();
    const subscription = follower.on('mode', ({ mode }) => {
      if (mode !== wanted) return;
      subscription.unsubscribe();
      resolve();
    });
  });

serve({
  /** From the first line to the whole state in memory, ms. */
  open: async (url: string) => {
    const started = performance.now();
    follower = connect({ redis: url, commandTimeoutMs: 10_000 }).follow(quotes);
    follower.on('error', () => {});
    await follower.ready({ timeoutMs: 60_000 });
    return performance.now() - started;
  },
  lost: () => mode('degraded'),
  /** From when it can be reached again and asks (`recovering`) to the head that was given, ms. */
  resumed: async (position: string) => {
    await mode('recovering');
    const started = performance.now();
    await Promise.all([mode('connected'), follower.waitFor(position, { timeoutMs: 30_000 })]);
    return performance.now() - started;
  },
});
