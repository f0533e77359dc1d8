/**
 * Sets one key again and again: in each turn, as often as is due. With a Redis, or with one that cannot be
 * reached.
 */
import type { Owner } from '../../src/index.ts';
import { serve } from '../harness/child.ts';
import { monotonicMs } from '../harness/clock.ts';
import { connect, defineSpace, json } from '../harness/library.ts';
import type { Tick } from '../harness/tick.ts';
import { tick } from '../harness/tick.ts';

const hot = defineSpace('hot', { quote: json<Tick>() });
let owner: Owner<typeof hot.definition>;
/** No more than this in one turn, since the loop has other work. */
const MOST_A_TURN = 1_000;

serve({
  open: async (url: string) => {
    owner = connect({ redis: url, name: 'hot-setter' }).own(hot);
    owner.on('error', () => {});
    await owner.ready({ timeoutMs: 2_000 }).catch(() => {});
  },
  run: async ({ seconds, perSecond }: { seconds: number; perSecond: number }) => {
    const started = monotonicMs();
    const end = started + seconds * 1_000;
    let sets = 0;
    let busyMs = 0;
    for (let now = monotonicMs(); now < end; now = monotonicMs()) {
      const due = Math.floor(((now - started) / 1_000) * perSecond);
      const most = Math.min(due, sets + MOST_A_TURN);
      for (; sets < most; sets += 1) owner.set('quote', tick(sets, monotonicMs()));
      busyMs += monotonicMs() - now;
      await new Promise((resolve) => setImmediate(resolve));
    }
    const tookMs = monotonicMs() - started;
    return { perSecond: (sets / tookMs) * 1_000, setUs: (busyMs / sets) * 1_000 };
  },
});
