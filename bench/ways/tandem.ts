/** Tandem, by Redis, with what its users would write. */
import { connect, defineSpace, json } from '../harness/library.ts';
import type { Tick } from '../harness/tick.ts';
import type { Way } from './way.ts';

export const quotes = defineSpace('quotes', { 'quote/*': json<Tick>() });

export const tandem: Way = {
  send: async ({ url }) => {
    const tandem = connect({ redis: url, name: 'sender' });
    const participant = tandem.own(quotes);
    await participant.ready();
    return {
      send: (key, value) => participant.set(key as 'quote/', value),
      acknowledged: () => participant.flush({ timeoutMs: 60_000 }),
      close: () => tandem.stop(),
    };
  },
  receive: async ({ url }, seen) => {
    const tandem = connect({ redis: url });
    const participant = tandem.follow(quotes);
    participant.watch('*', ({ key, value }) => value && seen(key, value));
    await participant.ready();
    return () => tandem.stop();
  },
};
