/** The process that sends: at a rate, or as fast as what it sends is acknowledged. */
import { serve } from '../harness/child.ts';
import { monotonicMs } from '../harness/clock.ts';
import type { Load } from '../harness/pace.ts';
import { pace } from '../harness/pace.ts';
import { keyOf, tick } from '../harness/tick.ts';
import type { WayName } from '../ways/index.ts';
import { WAYS } from '../ways/index.ts';
import type { Sender, Target } from '../ways/way.ts';

/** How many updates may wait for their acknowledgement, and how many go out in one turn. */
const WINDOW = 4_000;
const A_TURN = 250;

let sender: Sender;

serve({
  open: async ({ way, target }: { way: WayName; target: Target }) => {
    sender = await (await WAYS[way]()).send(target);
  },
  /** At a rate, each due at its time. Returns how many went out. */
  load: async (load: Load) => {
    await pace(load, (n, due) => sender.send(keyOf(n), tick(n, due)));
    await sender.acknowledged();
    return load.rate * load.seconds;
  },
  /** As many as it takes, of as many keys: none is overtaken by its successor. */
  flood: async ({ seconds, keys }: { seconds: number; keys: number }) => {
    const until = monotonicMs() + seconds * 1_000;
    let sent = 0;
    const waiting: Promise<unknown>[] = [];
    while (monotonicMs() < until) {
      if (waiting.length * A_TURN >= WINDOW) await waiting.shift();
      for (let n = 0; n < A_TURN; n += 1, sent += 1)
        sender.send(keyOf(sent, keys), tick(sent, monotonicMs()));
      waiting.push(sender.acknowledged());
      await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(waiting);
    return sent;
  },
  close: () => sender.close(),
});
