/** The load of a process, as `tandem.load`, as metrics and in the messages of the page. */
import { once } from 'node:events';
import { connect as connectSocket } from 'node:net';
import type { ExecutionContext } from 'ava';
import Koa from 'koa';
import { connect, defineSpace, json } from '../../src/index.ts';
import { statusRouter } from '../../src/koa.ts';
import { listen } from '../_listen.ts';
import { onRealServer } from '../_real.ts';
import { RedisServer } from '../_redis-server.ts';
import { TestTelemetry } from '../_telemetry.ts';
import { until } from '../_wait.ts';

const telemetry = new TestTelemetry();
const KEYS = 20_000;

async function served(t: ExecutionContext) {
  const server = await RedisServer.start();
  const space = defineSpace('space', { 'key/*': json<string>() });
  const tandem = connect({ redis: server.url, name: 'trading-1' });
  t.teardown(async () => {
    await tandem.stop();
    await server.stop();
  });
  const owner = tandem.own(space);
  owner.batch(() => {
    for (let n = 0; n < KEYS; n += 1) owner.set(`key/${n}`, 'x'.repeat(500));
  });
  await owner.ready();
  await owner.flush();
  const app = new Koa();
  app.use(statusRouter(tandem).routes());
  return { tandem, origin: await listen(t, app) };
}

onRealServer('what a client does not take is held for it, and not longer than it stays', async (t) => {
  const { tandem, origin } = await served(t);
  t.is(tandem.load.heldBytes, 0);
  const { hostname, port } = new URL(origin);
  const socket = connectSocket(Number(port), hostname);
  await once(socket, 'connect');
  socket.pause();
  socket.write('GET /spaces/space HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await until(() => tandem.load.heldBytes > 100_000, 'a text that waits');
  socket.destroy();
  await until(() => tandem.load.heldBytes === 0, 'nothing to be held any more');
});

onRealServer(
  'metrics say the longest stretch in seconds, the bytes held, and the jobs that wait',
  async (t) => {
    const { tandem, origin } = await served(t);
    await (await fetch(`${origin}/spaces/space`)).text();
    const value = async (name: string): Promise<unknown> => (await telemetry.points(name))[0]?.value;
    const { longestStretchMs } = tandem.load;
    t.true(longestStretchMs > 0);
    const stretch = (await value('tandem.stretch.max')) as number;
    t.true(stretch >= longestStretchMs / 1_000 && stretch < 60, `${stretch} s`);
    t.is(await value('tandem.http.held'), 0);
    t.is(await value('tandem.slices.waiting'), tandem.load.waitingSlices);
  },
);

onRealServer('the page gets the load with each message', async (t) => {
  const { origin } = await served(t);
  const leave = new AbortController();
  const { body } = await fetch(`${origin}/events`, { signal: leave.signal });
  let text = '';
  for await (const piece of body!.pipeThrough(new TextDecoderStream())) {
    text += piece;
    if (text.includes('\n\n')) break;
  }
  leave.abort();
  t.regex(text, /"load":\{"longestStretchMs":[\d.]+,"heldBytes":\d+,"waitingSlices":\d+\}/);
});
