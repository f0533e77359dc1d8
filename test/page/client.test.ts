/**
 * The client in a real Chromium, beside a real Redis: offline, throttled, frozen, blocked, and with a server that
 * is started again. The owner sets the time, so the page can check each reading that it calls live.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { stripTypeScriptTypes } from 'node:module';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import Koa from 'koa';
import type { Page } from 'playwright-core';
import { connect, defineSpace, json } from '../../src/index.ts';
import { statusRouter } from '../../src/koa.ts';
import { closeBrowser, inBrowser, openPage } from '../_browser.ts';
import { FaultProxy } from '../_fault-proxy.ts';
import { RedisServer } from '../_redis-server.ts';
import { until } from '../_wait.ts';

const space = defineSpace('ticks', { tick: json<number>(), 'key/*': json<number>() });
const TICK_MS = 20;
const MAX_STALE_MS = 2_500;
/** The time between a tick and the set that is seen, and between a reading and its check, ms. */
const SLACK_MS = 150;

/** The page: it reads the client's sources, and notes each reading that is live and should not be. */
const HTML = `<!doctype html><meta charset="utf-8"><title>client</title><link rel="icon" href="data:,">
<script type="module">
  import { follow } from '/sources/src/client.ts';
  const state = (window.state = follow({ url: location.origin, space: 'ticks' }));
  window.lies = [];
  window.modes = [];
  window.torn = 0;
  window.look = () => {
    const { value, freshness, staleMs } = state.get('tick');
    const ageMs = Date.now() - value;
    if (freshness === 'live' && ageMs > ${MAX_STALE_MS + SLACK_MS}) window.lies.push({ ageMs, staleMs });
    return { freshness, ageMs, staleMs };
  };
  setInterval(window.look, 10);
  state.subscribe(window.look);
  state.subscribe(() => window.modes.at(-1) === state.mode || window.modes.push(state.mode));
  state.watch('key/*', () => {
    const values = new Set([...state.entries('key/')].map(({ value }) => value));
    if (values.size !== 1 || state.size !== 201) window.torn += 1;
  });
</script>`;

test.after.always(closeBrowser);

async function start(t: ExecutionContext) {
  const redis = await RedisServer.start();
  const owning = connect({ redis: redis.url, name: 'owner' });
  const following = connect({ redis: redis.url, name: 'api' });
  const owner = owning.own(space, { leaseMs: 1_000 });
  const follower = following.follow(space);
  const ticking = setInterval(() => owner.set('tick', Date.now()), TICK_MS);
  owner.set('tick', Date.now());
  await owner.ready();
  await follower.waitFor(await owner.flush(), { timeoutMs: 5_000 });
  const app = new Koa();
  app.silent = true;
  app.use(async (ctx, next) => {
    if (ctx.path === '/client') ctx.body = HTML;
    else if (!ctx.path.startsWith('/sources/')) await next();
    else {
      ctx.type = 'text/javascript';
      ctx.body = stripTypeScriptTypes(readFileSync(ctx.path.slice('/sources/'.length), 'utf8'));
    }
  });
  app.use(statusRouter(following, { page: false }).routes());
  let server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const close = (): void => {
    server.closeAllConnections();
    server.close();
  };
  const stopTicks = (): void => clearInterval(ticking);
  t.teardown(async () => {
    stopTicks();
    await following.stop();
    await owning.stop({ timeoutMs: 100 });
    close();
    await redis.stop();
  });
  const restart = async (): Promise<void> => {
    server = app.listen(port, '127.0.0.1');
    await once(server, 'listening');
  };
  const network = await FaultProxy.start(port);
  t.teardown(() => network.stop());
  const { page, troubles } = await openPage(t, `http://127.0.0.1:${network.port}/client`);
  await live(page);
  return { owner, redis, network, page, troubles, close, restart, stopTicks };
}

const shown = (page: Page): Promise<{ freshness: string; ageMs: number; staleMs: number }> =>
  page.evaluate('window.look()');

async function live(page: Page): Promise<void> {
  await until(async () => (await shown(page)).freshness === 'live', 'the page is live');
}

async function stale(page: Page): Promise<void> {
  await until(async () => (await shown(page)).freshness === 'stale', 'the page is stale');
}

async function honest(t: ExecutionContext, page: Page): Promise<void> {
  t.deepEqual(await page.evaluate('window.lies'), [], 'nothing old was called live');
  t.is(await page.evaluate('window.torn'), 0, 'no frame was seen in part');
}

inBrowser('a page shows the state, with 200 keys a frame, and each frame whole', async (t) => {
  const { owner, page, troubles } = await start(t);
  for (let n = 1; n <= 50; n += 1) {
    owner.batch(() => {
      for (let key = 0; key < 200; key += 1) owner.set(`key/${key}`, n);
    });
    await new Promise((resolve) => setImmediate(resolve));
  }
  await page.evaluate(`window.state.waitFor('${owner.head}')`);
  t.is(await page.evaluate("window.state.get('key/199').value"), 50);
  await honest(t, page);
  t.deepEqual(troubles, []);
});

inBrowser('a page that is offline is stale within its bound, and live again once it is back', async (t) => {
  const { page, network } = await start(t);
  await page.context().setOffline(true);
  network.blackHole();
  await stale(page);
  const { ageMs, staleMs } = await shown(page);
  t.true(ageMs >= MAX_STALE_MS - 1_500, `it was live as long as its proof held: ${ageMs}`);
  t.true(staleMs >= ageMs - SLACK_MS, `${staleMs} of ${ageMs}`);
  await until(
    async () => (await page.evaluate('window.state.mode')) === 'degraded',
    'the stream is given up',
  );
  network.resume();
  await page.context().setOffline(false);
  const backAt = performance.now();
  await live(page);
  t.log(`live ${(performance.now() - backAt).toFixed(0)} ms after the network was back`);
  await honest(t, page);
});

inBrowser('what the network held back and delivers late is as old as it is', async (t) => {
  const { page, network } = await start(t);
  network.blackHole('toClient');
  await until(async () => (await shown(page)).ageMs > MAX_STALE_MS + 500, 'a queue has gathered');
  t.is((await shown(page)).freshness, 'stale');
  network.resume();
  await live(page);
  await honest(t, page);
});

inBrowser('a page goes on by itself when its server is started again', async (t) => {
  const { page, close, restart } = await start(t);
  close();
  await stale(page);
  t.is(await page.evaluate('window.state.mode'), 'degraded');
  await restart();
  await live(page);
  t.deepEqual(await page.evaluate('window.modes'), ['connected', 'degraded', 'connected']);
  await honest(t, page);
});

inBrowser('a page whose main thread was blocked calls nothing live that is old', async (t) => {
  const { page } = await start(t);
  const seen = await page.evaluate<{ freshness: string; ageMs: number }>(
    '(() => { const end = Date.now() + 4_000; while (Date.now() < end); return window.look(); })()',
  );
  t.is(seen.freshness, 'stale');
  t.true(seen.ageMs >= 3_900);
  await live(page);
  await honest(t, page);
});

inBrowser('a page that was frozen while its owner died shows nothing as live', async (t) => {
  const { page, redis, stopTicks } = await start(t);
  const session = await page.context().newCDPSession(page);
  await session.send('Page.setWebLifecycleState', { state: 'frozen' });
  stopTicks();
  await redis.kill();
  const frozenAt = performance.now();
  await until(() => performance.now() - frozenAt > MAX_STALE_MS + 500, 'the freeze has lasted');
  t.is((await shown(page)).freshness, 'stale');
  await session.send('Page.setWebLifecycleState', { state: 'active' });
  await until(
    async () => (await page.evaluate('window.state.source')) === 'memory',
    'the server has said so',
  );
  t.is((await shown(page)).freshness, 'stale');
  await honest(t, page);
});

inBrowser('on a slow network readings are as old as they are, and arrive', async (t) => {
  const { owner, page } = await start(t);
  const session = await page.context().newCDPSession(page);
  await session.send('Network.enable');
  const slow = { offline: false, latency: 400, downloadThroughput: 20_000, uploadThroughput: 20_000 };
  await session.send('Network.emulateNetworkConditions', slow);
  for (let key = 0; key < 200; key += 1) owner.set(`key/${key}`, 1);
  await page.evaluate(`window.state.waitFor('${owner.head}', { timeoutMs: 60_000 })`);
  const { ageMs, staleMs } = await shown(page);
  t.true(staleMs >= 0 && ageMs >= 0);
  await honest(t, page);
});
