/** The receiving process. It records when each update became visible, counted from when it was due. */
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
  /** @param count the number of receivers in this process, each with its own connections */
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
  /** The updates that arrived since the last call. */
  take: () => {
    const taken = { seen, tookMs: lastAt - firstAt, packed: latencies.take() };
    seen = 0;
    return taken;
  },
  count: () => seen,
  close: () => Promise.all(stops.map((stop) => stop())),
});
