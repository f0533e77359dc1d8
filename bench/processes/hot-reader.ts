/** Follows one key, and records how old each value is when it arrives. */
import { serve } from '../harness/child.ts';
import { monotonicMs } from '../harness/clock.ts';
import { Latencies } from '../harness/histogram.ts';
import { connect, defineSpace, json } from '../harness/library.ts';
import type { Tick } from '../harness/tick.ts';

const hot = defineSpace('hot', { quote: json<Tick>() });
const latencies = new Latencies();

serve({
  open: async (url: string) => {
    const follower = connect({ redis: url }).follow(hot);
    follower.watch('quote', ({ value }) => value && latencies.record(monotonicMs() - value.due));
    await follower.ready();
  },
  take: () => latencies.take(),
});
