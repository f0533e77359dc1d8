/** The process that hears: notes when each update became visible, counted from when it was due. */
import { serve } from '../harness/child.ts';
import { monotonicMs } from '../harness/clock.ts';
import { Latencies } from '../harness/histogram.ts';
import type { WayName } from '../ways/index.ts';
import { WAYS } from '../ways/index.ts';
import type { Target } from '../ways/way.ts';

const latencies = new Latencies();
let seen = 0;
let firstAt = 0;
let lastAt = 0;
const stops: (() => unknown)[] = [];

serve({
  /** @param count so many receivers in this one process, each with connections of its own */
  open: async ({ way, target, count = 1 }: { way: WayName; target: Target; count?: number }) => {
    const { receive } = await WAYS[way]();
    for (let n = 0; n < count; n += 1) {
      const stop = await receive(target, (_key, { due }) => {
        const now = monotonicMs();
        latencies.record(now - due);
        if (seen === 0) firstAt = now;
        lastAt = now;
        seen += 1;
      });
      stops.push(stop);
    }
  },
  /** What came since the last question. */
  take: () => {
    const taken = { seen, tookMs: lastAt - firstAt, packed: latencies.take() };
    seen = 0;
    return taken;
  },
  count: () => seen,
  close: () => Promise.all(stops.map((stop) => stop())),
});
