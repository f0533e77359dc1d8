/** The sending process. It sends at a given rate, or as fast as its updates are acknowledged. */
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
  /** Sends at a given rate, each update at its time. Returns the number of updates. */
  load: async (load: Load) => {
    await pace(load, (n, due) => sender.send(keyOf(n), tick(n, due)));
    await sender.acknowledged();
    return load.rate * load.seconds;
  },
  /** Sends as many updates as possible over this many keys, so that none is replaced by a later one. */
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
