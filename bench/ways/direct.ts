/**
 * Tandem with the direct path in mode `always`: frames come through Redis and from the owner, whichever is
 * first.
 */
import { once } from 'node:events';
import Koa from 'koa';
import { connect, routers } from '../harness/library.ts';
import { quotes } from './tandem.ts';
import type { Way } from './way.ts';

const TOKEN = 'a token of the benchmark';

export const direct: Way = {
  send: async ({ url, port }) => {
    const tandem = connect({ redis: url, name: 'sender' });
    const owner = tandem.own(quotes);
    const { directRouter } = await routers();
    const server = new Koa().use(directRouter(tandem, { token: TOKEN }).routes()).listen(port, '127.0.0.1');
    await Promise.all([owner.ready(), once(server, 'listening')]);
    return {
      send: (key, value) => owner.set(key as 'quote/', value),
      acknowledged: () => owner.flush({ timeoutMs: 60_000 }),
      close: async () => {
        await tandem.stop();
        server.closeAllConnections();
      },
    };
  },
  receive: async ({ url, port }, seen) => {
    const tandem = connect({ redis: url });
    const follower = tandem.follow(quotes, {
      direct: { url: `http://127.0.0.1:${port}`, token: TOKEN, mode: 'always' },
    });
    follower.watch('*', ({ key, value }) => value && seen(key, value));
    await follower.ready();
    while (follower.get('quote/0').source !== 'direct')
      await new Promise((resolve) => setTimeout(resolve, 10));
    return () => tandem.stop();
  },
};
