/**
 * A follower that loses Redis and comes back. Reports the duration of its catch-up and the changes that it
 * got.
 */
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
  /** From the start until the whole state is in memory, ms. */
  open: async (url: string) => {
    const started = performance.now();
    follower = connect({ redis: url, commandTimeoutMs: 10_000 }).follow(quotes);
    follower.on('error', () => {});
    await follower.ready({ timeoutMs: 60_000 });
    return performance.now() - started;
  },
  lost: () => mode('degraded'),
  /** From `recovering`, when Redis can be reached again, until the follower is at the given head, ms. */
  resumed: async (position: string) => {
    await mode('recovering');
    const started = performance.now();
    await Promise.all([mode('connected'), follower.waitFor(position, { timeoutMs: 30_000 })]);
    return performance.now() - started;
  },
});
