/** Keeps a core busy, and does nothing for anyone: what the rest of a machine may be doing. */
import { serve } from '../harness/child.ts';
import { monotonicMs } from '../harness/clock.ts';

serve({
  burn: async (seconds: number) => {
    const until = monotonicMs() + seconds * 1_000;
    // A turn now and then, as any process takes one.
    while (monotonicMs() < until) {
      for (const turn = monotonicMs() + 1; monotonicMs() < turn;);
      await new Promise((resolve) => setImmediate(resolve));
    }
  },
});
