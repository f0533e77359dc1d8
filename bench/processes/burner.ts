/** Keeps a core busy, like other work on a machine. */
import { serve } from '../harness/child.ts';
import { monotonicMs } from '../harness/clock.ts';

serve({
  burn: async (seconds: number) => {
    const until = monotonicMs() + seconds * 1_000;
    // Takes a turn of the event loop now and then, as any process does.
    while (monotonicMs() < until) {
      for (const turn = monotonicMs() + 1; monotonicMs() < turn;);
      await new Promise((resolve) => setImmediate(resolve));
    }
  },
});
