/** Tandem through Redis, with the calls that a user would write. */
import { connect, defineSpace, json } from '../harness/library.ts';
import type { Tick } from '../harness/tick.ts';
import type { Way } from './way.ts';

export const quotes = defineSpace('quotes', { 'quote/*': json<Tick>() });

export const tandem: Way = {
  send: async ({ url }) => {
    const tandem = connect({ redis: url, name: 'sender' });
    const owner = tandem.own(quotes);
    await owner.ready();
    return {
      send: (key, value) => owner.set(key as 'quote/', value),
      acknowledged: () => owner.flush({ timeoutMs: 60_000 }),
      close: () => tandem.stop(),
    };
  },
  receive: async ({ url }, seen) => {
    const tandem = connect({ redis: url });
    const follower = tandem.follow(quotes);
    follower.watch('*', ({ key, value }) => value && seen(key, value));
    await follower.ready();
    return () => tandem.stop();
  },
};
