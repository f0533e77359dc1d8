/** The fleet on the live page, in a real Chromium. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import test from 'ava';
import Koa from 'koa';
import { connect, defineSpace, json } from '../../src/index.ts';
import { statusRouter } from '../../src/koa.ts';
import { closeBrowser, inBrowser, openPage } from '../_browser.ts';
import { FaultProxy } from '../_fault-proxy.ts';
import { RedisServer } from '../_redis-server.ts';
import { until } from '../_wait.ts';

const trading = defineSpace('trading', { 'key/*': json() });

test.after.always(closeBrowser);

inBrowser('the page of any process has all processes, and who is cut off stands first', async (t) => {
  const redis = await RedisServer.start();
  const proxy = await FaultProxy.start(redis.port);
  const process = (name: string, url = redis.url) =>
    connect({ redis: url, name, telemetry: false, log: false });
  const [owning, api, far] = [process('trader-1'), process('api-1'), process('api-2', proxy.url)];
  const app = new Koa().use(statusRouter(api).routes());
  app.silent = true;
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(async () => {
    await Promise.all([owning, api, far].map((tandem) => tandem.stop({ timeoutMs: 100 })));
    server.closeAllConnections();
    server.close();
    await proxy.stop();
    await redis.stop();
  });
  owning.own(trading).set('key/a', 1);
  await Promise.all([api, far].map((tandem) => tandem.follow(trading).ready()));

  const { port } = server.address() as AddressInfo;
  const { page, troubles } = await openPage(t, `http://127.0.0.1:${port}/`);
  const rows = page.locator('#fleet tbody tr');
  const texts = () => rows.allInnerTexts();
  await until(
    async () => (await texts()).filter((text) => text.includes('well')).length === 3,
    'all are well',
  );
  t.regex((await texts())[0]!, /trading\s+owner\s+trader-1/);
  await page.locator('#fleet .hint', { hasText: '3 well' }).waitFor();

  await proxy.stop();
  await until(async () => /silent[^]*api-2/.test((await texts())[0]!), 'it stands first');
  await page.locator('#fleet .hint', { hasText: '1 silent' }).waitFor();

  await redis.kill();
  await page.locator('#fleet .hint', { hasText: /Redis cannot be asked for the other processes/ }).waitFor();
  t.is((await texts()).length, 1, 'it still shows itself');
  await page
    .locator('#fleet summary', { hasText: /mode connected → degraded|freshness live → stale/ })
    .waitFor();
  t.deepEqual(troubles, []);
});
