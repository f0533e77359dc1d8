/** A process with a fleet of bots, each with a space of its own. */
import type { Owner } from '../../src/index.ts';
import { connect, defineSpace } from '../../src/index.ts';
import { serve } from '../harness/child.ts';
import { monotonicMs } from '../harness/clock.ts';
import { bot } from '../ways/bot.ts';

let tandem: ReturnType<typeof connect>;
const owners = new Map<number, Owner<typeof bot>>();

async function own(n: number): Promise<void> {
  const owner = tandem.own(defineSpace(`bot:${n}`, bot));
  owners.set(n, owner);
  owner.set('at', monotonicMs());
  await owner.ready({ timeoutMs: 60_000 });
}

serve({
  open: async ({ url, spaces }: { readonly url: string; readonly spaces: number }) => {
    tandem = connect({ redis: url, name: 'bots', commandTimeoutMs: 5_000 });
    await Promise.all(Array.from({ length: spaces }, (_, n) => own(n)));
  },
  own,
  retire: async (n: number) => {
    await owners.get(n)!.stop();
  },
});
