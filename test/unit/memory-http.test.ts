/** The status routes and event streams of a process on a memory server, by a fake time. */
import test from 'ava';
import Koa from 'koa';
import { statusRouter } from '../../src/koa.ts';
import { kit, trading } from '../_kit.ts';
import { listen } from '../_listen.ts';

async function served(t: Parameters<typeof listen>[0]) {
  const { server, time, join } = kit(t);
  const owner = join('trader').own(trading);
  const api = join('api');
  api.follow(trading);
  owner.set('regime', 'bull');
  await time.advance(1_000);
  const origin = await listen(t, new Koa().use(statusRouter(api).routes()));
  return { server, time, owner, origin };
}

test('readyz says that the owner has died', async (t) => {
  const { server, time, origin } = await served(t);
  const ready = async (): Promise<number> => (await fetch(`${origin}/readyz`)).status;
  t.is(await ready(), 200);
  server.cut('trader');
  await time.advance(5_000);
  t.not(await ready(), 200);
  server.restore('trader');
  await time.advance(1_000);
  t.is(await ready(), 200);
});

test('an event stream brings what is set', async (t) => {
  const { time, owner, origin } = await served(t);
  const response = await fetch(`${origin}/spaces/trading/changes`);
  let text = '';
  const reading = (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of response.body!) {
      text += decoder.decode(chunk as Uint8Array, { stream: true });
      if (text.includes('bear')) return;
    }
  })();
  owner.set('regime', 'bear');
  await time.advance(1_000);
  await reading;
  t.regex(text, /bull[^]*bear/);
});
