/** Owns a space with a given number of keys, and changes some of them on request. */
import type { Owner } from '../../src/index.ts';
import { connect } from '../../src/index.ts';
import { serve } from '../harness/child.ts';
import { keyOf, tick } from '../harness/tick.ts';
import { quotes } from '../ways/tandem.ts';

/** The number of sets between two turns of the event loop. */
const A_TURN = 2_000;
let owner: Owner<typeof quotes.definition>;
let sets = 0;

async function set(count: number, keys: number): Promise<string> {
  for (let n = 0; n < count; n += 1, sets += 1) {
    owner.set(keyOf(n, keys) as 'quote/', tick(sets, 1e6));
    if (n % A_TURN === A_TURN - 1) await owner.flush({ timeoutMs: 60_000 });
  }
  return owner.flush({ timeoutMs: 60_000 });
}

serve({
  open: async (url: string) => {
    owner = connect({ redis: url, name: 'loader', commandTimeoutMs: 10_000 }).own(quotes, {
      start: 'reset',
    });
    await owner.ready();
  },
  /** Sets the first `count` of `keys` keys. Returns the position. */
  set: ({ count, keys }: { count: number; keys: number }) => set(count, keys),
});
