/**
 * The live page in a real Chromium, while a real Redis, the owner and the page's own process fail and come
 * back.
 */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { Router } from '@koa/router';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import Koa from 'koa';
import type { Page } from 'playwright-core';
import { connect, defineSpace, json } from '../../src/index.ts';
import { directRouter, statusRouter } from '../../src/koa.ts';
import { closeBrowser, inBrowser, openPage } from '../_browser.ts';
import { FaultProxy } from '../_fault-proxy.ts';
import { RedisServer } from '../_redis-server.ts';

const definition = { regime: json<{ name: string }>(), 'strategy/*': json<{ pnl: number; note?: string }>() };
const trading = defineSpace('trading', definition);
const other = defineSpace('other', definition);
const token = 'a-canary-token-that-nobody-is-to-see';
const TIMEOUT_MS = 15_000;

const charts = [
  {
    title: 'Profit and loss',
    space: 'trading',
    lines: [{ key: 'strategy/*', path: 'pnl' }],
    bands: { key: 'regime', path: 'name', tones: { bull: 'good' } },
  },
] as const;

test.after.always(closeBrowser);

async function start(t: ExecutionContext, { prefix = '', direct = false } = {}) {
  const redis = await RedisServer.start('--requirepass', 'canary-password');
  const ownerPath = await FaultProxy.start(redis.port);
  const withPassword = ({ url }: { url: string }): string => url.replace('//', '//:canary-password@');
  const owning = connect({ redis: withPassword(ownerPath), name: 'trading-1' });
  const following = connect({ redis: withPassword(redis), name: 'api-1' });
  const owner = owning.own(trading, { leaseMs: 1_000, history: {} });
  const ownerApp = new Koa();
  ownerApp.silent = true;
  ownerApp.use(directRouter(owning, { token }).routes());
  const ownerServer = await listen(ownerApp);
  const follower = following.follow(trading, direct ? { direct: { url: ownerServer.origin, token } } : {});
  const app = new Koa();
  app.silent = true;
  const parent = new Router();
  const router = statusRouter(following, { charts });
  if (prefix === '') app.use(router.routes());
  else app.use(parent.use(prefix, router.routes()).routes());
  const api = await listen(app);
  t.teardown(async () => {
    await following.stop();
    await owning.stop({ timeoutMs: 100 });
    for (const { server } of [api, ownerServer]) {
      server.closeAllConnections();
      server.close();
    }
    await ownerPath.stop();
    await redis.stop();
  });
  owner.set('regime', { name: 'bull' });
  owner.set('strategy/momentum', { pnl: 1 });
  owner.set('strategy/carry', { pnl: 2 });
  await owner.ready();
  await follower.waitFor(await owner.flush());
  return { redis, ownerPath, owner, owning, follower, following, app, ...api };
}

async function listen(app: Koa, port = 0) {
  const server = app.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return { server, origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

/** Resolves when the first matching element has matching text. */
async function see(page: Page, selector: string, text: RegExp): Promise<void> {
  await page.locator(selector, { hasText: text }).first().waitFor({ timeout: TIMEOUT_MS, state: 'visible' });
}

const lamp = (name: string): string => `.lamps li:has-text("${name}")`;

inBrowser('the page loads, is live, and shows each value that is set', async (t) => {
  const { owner, origin, follower } = await start(t);
  const { page, troubles } = await openPage(t, `${origin}/`);
  await see(page, '.summary', /All is well/);
  await see(page, '.contact', /In contact/);
  await see(page, lamp('Redis'), /well/);
  await see(page, lamp('Owner'), /alive/);
  await see(page, '.machine .lit', /connected/);
  await see(page, 'tbody tr:has-text("strategy/momentum")', /"pnl":1/);
  owner.set('strategy/momentum', { pnl: 4_711 });
  owner.delete('strategy/carry');
  await see(page, 'tbody tr:has-text("strategy/momentum")', /4711.*\d\d:\d\d:\d\d.*now/);
  const changed = page.locator('tbody tr', { hasText: 'strategy/momentum' }).locator('.changed');
  t.is(Number(await changed.getAttribute('data-ms')), owner.get('strategy/momentum').changedAt!);
  await page.locator('tbody tr', { hasText: 'strategy/carry' }).waitFor({ state: 'detached' });
  await see(page, 'dd', new RegExp(follower.head));
  await see(page, '.figures', /p50(?:under )?[\d.]+ m?s/);
  await see(page, '.legend', /momentum4,711/);
  t.true((await page.locator('.plot canvas').count()) >= 2);
  await see(
    page,
    '#load',
    /Longest stretch of the last minute: [\d.]+ ms\. \d+ jobs? in slices\. [\d.]+ k?B held/,
  );
  t.is(await page.locator('.bars').getAttribute('role'), 'img');
  t.regex((await page.locator('.bars').getAttribute('aria-label'))!, /most of them .* to /);
  t.deepEqual(troubles, []);
});

inBrowser(
  'the page shows within about a second that Redis was killed, what still works, and that it is back',
  async (t) => {
    const { redis, owner, origin } = await start(t, { direct: true });
    const { page, troubles } = await openPage(t, `${origin}/`);
    await see(page, '.machine .lit', /connected/);
    await see(page, '.day .hint', /^no outage since \d\d:\d\d$/);
    const killedAt = performance.now();
    await redis.kill();
    await see(page, lamp('Redis'), /out/);
    const seenMs = performance.now() - killedAt;
    t.log(`seen ${seenMs.toFixed(0)} ms after the kill`);
    t.true(seenMs < 5_000);
    await see(page, '.machine .lit', /degraded/);
    await see(page, '.machine .lit', /direct/);
    await see(page, '.summary', /Redis is out\. The state is still live, directly from its owner/);
    await see(page, lamp('Owner'), /alive\s*trading-1: heard directly/);
    await see(page, lamp('This process'), /live/);
    owner.set('strategy/momentum', { pnl: 42 });
    await see(page, 'tbody tr:has-text("strategy/momentum")', /42/);
    await see(page, '.transitions li', /connected → degraded/);
    await see(page, '#log li', /connected → degraded/);

    await redis.restart();
    await see(page, '.summary', /All is well/);
    await see(page, '.machine .lit', /connected/);
    await see(page, '#log li', /→ connected: caught up/);
    await see(page, '.day .hint', /^1 outage since \d\d:\d\d, .* in all$/);
    await see(page, '.outages li', /Redis out, for /);
    t.deepEqual(troubles, []);
  },
);

inBrowser('the page tells a dead owner from a dead Redis, and never shows stale as live', async (t) => {
  const { ownerPath, redis, origin } = await start(t);
  const { page, troubles } = await openPage(t, `${origin}/`);
  await see(page, '.summary', /All is well/);
  // To others, an owner that cannot reach Redis is as silent as a dead one.
  ownerPath.refuse();
  ownerPath.reset();
  await see(page, '.summary', /The owner is gone: its lease has run out.*Redis and this process are well/);
  await see(page, lamp('Redis'), /well/);
  await see(page, lamp('Owner'), /gone\s*trading-1: its lease has run out/);
  await see(page, '.since', /^since \d\d:\d\d:\d\d, for \d+ s$/);
  await see(page, '.next', /^Start the owner again.* What to check: owner-gone$/);
  t.is(
    await page.locator('.machine .lit').first().getAttribute('data-tone'),
    'warn',
    'connected is not green',
  );
  t.regex(await page.title(), /^✕ The owner is gone · api-1/);
  t.regex((await page.locator('link[rel=icon]').getAttribute('href'))!, /^data:image\/svg\+xml,/);
  await see(page, '.state-card .hint', /stale/);
  await redis.kill();
  await see(page, '.summary', /Redis is out\. This is the last known state/);
  await see(page, lamp('Owner'), /unheard/);
  await see(page, 'dd', /stale/);
  t.deepEqual(troubles, []);
});

inBrowser('the page tells an owner that released the space from a dead one', async (t) => {
  const { owning, origin } = await start(t);
  const { page, troubles } = await openPage(t, `${origin}/`);
  await see(page, '.summary', /All is well/);
  await owning.stop();
  await see(page, '.summary', /has stopped and released the space.*Redis and this process are well/);
  await see(page, lamp('Owner'), /released/);
  await see(page, '.state-card .hint', /stale/);
  t.deepEqual(troubles, []);
});

inBrowser('the page shows at once that its own process is gone, and reconnects by itself', async (t) => {
  const { app, server, origin, owner } = await start(t);
  const { page, troubles } = await openPage(t, `${origin}/`);
  await see(page, '.summary', /All is well/);
  await page.getByRole('searchbox').fill('momentum');
  server.closeAllConnections();
  server.close();
  const goneAt = performance.now();
  await see(page, '#lost', /No contact with this process/);
  t.log(`said ${(performance.now() - goneAt).toFixed(0)} ms after the connection was cut`);
  const style = await page.evaluate<{ opacity: string; filter: string }>(
    '(({ opacity, filter }) => ({ opacity, filter }))(getComputedStyle(document.querySelector("main")))',
  );
  t.deepEqual(style, { opacity: '1', filter: 'grayscale(1)' }, 'grey, and still readable');
  t.regex(await page.title(), /^\? No contact · api-1/);
  await see(page, '.summary', /Not known now/);
  t.false(
    /\blive\b|alive|All is well/.test(await page.locator('.verdict').innerText()),
    'the page calls nothing live',
  );
  owner.set('strategy/momentum', { pnl: 99 });
  const again = await listen(app, Number(new URL(origin).port));
  t.teardown(() => {
    again.server.closeAllConnections();
    again.server.close();
  });
  await see(page, '.contact', /In contact/);
  await page.locator('#lost').waitFor({ state: 'hidden' });
  await see(page, 'tbody tr:has-text("strategy/momentum")', /99/);
  t.is(await page.getByRole('searchbox').inputValue(), 'momentum', "the reader's search is kept");
  await see(page, '.summary', /All is well/);
  // The browser itself logs that it could not reach the page's process.
  t.deepEqual(
    troubles.filter(
      (text) => !text.includes('ERR_CONNECTION_REFUSED') && !/ERR_INCOMPLETE|ERR_EMPTY/.test(text),
    ),
    [],
  );
});

inBrowser('the table can be filtered with the keyboard alone', async (t) => {
  const { origin } = await start(t);
  const { page, troubles } = await openPage(t, `${origin}/`);
  await see(page, '.summary', /All is well/);
  const focused = (): Promise<string> => page.evaluate<string>('document.activeElement?.id ?? ""');
  for (let n = 0; n < 20 && !(await focused()).startsWith('filter-'); n += 1)
    await page.keyboard.press('Tab');
  t.is(await focused(), 'filter-trading');
  t.not(await page.evaluate<string>('getComputedStyle(document.activeElement).outlineStyle'), 'none');
  await page.keyboard.type('MOMENTUM');
  await page.locator('.state-card tbody tr').nth(1).waitFor({ state: 'detached' });
  t.is(await page.locator('.state-card tbody tr').count(), 1);
  await see(page, '.state-card .hint', /1 of 3 keys/);
  await page.keyboard.press('ControlOrMeta+A');
  await page.keyboard.press('Backspace');
  await page.locator('.state-card tbody tr').nth(2).waitFor();
  t.deepEqual(troubles, []);
});

inBrowser(
  'mounted elsewhere, in dark mode and on a phone, the page is the same and fits the screen',
  async (t) => {
    const { origin } = await start(t, { prefix: '/ops/tandem' });
    const phone = { viewport: { width: 360, height: 740 }, colorScheme: 'dark' } as const;
    const { page, troubles } = await openPage(t, `${origin}/ops/tandem`, phone);
    t.is(page.url(), `${origin}/ops/tandem/`);
    await see(page, '.summary', /All is well/);
    await see(page, '.legend', /momentum/);
    t.true((await page.evaluate<number>('document.documentElement.scrollWidth')) <= 360);
    const below = await page.evaluate<number>(
      'document.documentElement.scrollHeight - scrollY - document.querySelector(".foot").getBoundingClientRect().bottom',
    );
    t.true(below < 100, `${below} px of nothing below the page`);
    t.is(await page.evaluate<string>('getComputedStyle(document.body).backgroundColor'), 'rgb(13, 17, 22)');
    t.deepEqual(troubles, []);
  },
);

inBrowser('axe finds no accessibility problem, live and in an outage, in light and dark mode', async (t) => {
  const { origin, redis, owning, following } = await start(t);
  // With a second space, the landmarks of each need names of their own.
  await owning.own(other).ready();
  await following.follow(other).ready();
  const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  for (const colorScheme of ['light', 'dark'] as const) {
    const { page } = await openPage(t, `${origin}/`, { colorScheme, bypassCSP: true });
    await see(page, '.summary', /All is well/);
    t.deepEqual(await objections(page, axe), [], `${colorScheme}, live`);
  }
  await redis.kill();
  for (const colorScheme of ['light', 'dark'] as const) {
    const { page } = await openPage(t, `${origin}/`, { colorScheme, bypassCSP: true });
    await see(page, '.summary', /last known/);
    t.deepEqual(await objections(page, axe), [], `${colorScheme}, in an outage`);
    // What axe computes of contrast must hold without contact as well.
    await page.evaluate('document.body.dataset.contact = "lost"');
    t.deepEqual(await objections(page, axe), [], `${colorScheme}, without contact`);
  }
});

async function objections(page: Page, axe: string): Promise<string[]> {
  await page.evaluate(axe);
  const violations = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: { run(): Promise<{ violations: any[] }> } };
    return (await axe.run()).violations;
  });
  return violations.map(
    ({ id, nodes }) => `${id}: ${nodes.map(({ html }: { html: string }) => html.slice(0, 120)).join(' | ')}`,
  );
}

inBrowser('the page shows values as text, whatever they look like, and shows no secret', async (t) => {
  const { owner, origin, redis } = await start(t, { direct: true });
  const attack = '<img src=x onerror="globalThis.hit=1"><script>globalThis.hit=1</script>';
  owner.set(`strategy/${attack}`, { pnl: 5, note: attack });
  owner.set('regime', { name: attack });
  const { page, troubles } = await openPage(t, `${origin}/`);
  await see(page, 'tbody tr', /<img src=x onerror/);
  await redis.kill();
  await see(page, lamp('Redis'), /out/);
  await see(page, '.machine .lit', /direct/);
  t.is(await page.evaluate(() => (globalThis as { hit?: number }).hit), undefined);
  t.is(await page.locator('main img, main script').count(), 0);
  const told = await (await fetch(`${origin}/events`)).body!.getReader().read();
  const all = `${await page.content()}${new TextDecoder().decode(told.value)}`;
  t.false(/canary/.test(all));
  t.deepEqual(troubles, []);
});

inBrowser(
  'a link leads to a moment of an outage that is over, with its cause, its length and its events',
  async (t) => {
    const { owner, redis, origin } = await start(t);
    const { page, troubles } = await openPage(t, `${origin}/`);
    await see(page, '.summary', /All is well/);
    redis.pause();
    await see(page, '.summary', /Redis is out\. This is the last known state/);
    owner.set('strategy/momentum', { pnl: 4_711 });
    redis.resume();
    await see(page, '.summary', /All is well/);
    const href = (await page.locator('.outages a').first().getAttribute('href'))!;
    t.regex(href, /^#space-trading@20\d\d-\d\d-\d\dT[\d:.]+Z$/);

    // Somebody who was not there opens the link, and later the page as it is now.
    const { page: other } = await openPage(t, `${origin}/${href}`);
    await see(
      other,
      '#moment',
      /^At 20\d\d-\d\d-\d\d [\d:.]+ \(.*\)trading: Redis out, .*, from [\d:]+ until [\d:]+, for /,
    );
    await see(other, '#log [data-around]', /connected → degraded/);
    await see(
      other,
      '#meanwhile',
      /trading: 1 key changed between [\d:]+ and [\d:]+ \([\d.]+ m?s\), by the clock of Redis\./,
    );
    await see(other, '#meanwhile tbody tr', /^strategy\/momentum1{"pnl":1}{"pnl":4711}$/);
    await other.locator('.moment-mark').waitFor();
    await other.getByRole('link', { name: 'Back to now' }).click();
    await other.locator('#moment').waitFor({ state: 'hidden' });
    await other.locator('#meanwhile').waitFor({ state: 'hidden' });

    const told = (await (await fetch(`${origin}/spaces/trading/timeline`)).json()) as any;
    t.like(told, { space: 'trading', outages: 1 });
    t.true(told.spans.some((span: any) => span.headline === 'redis-out' && span.until !== null));
    t.is(told.spans.at(-1).headline, 'all-well');
    t.deepEqual(troubles, []);
  },
);

inBrowser(
  'the page of an owner says which Redis it uses, and how many changes wait since when',
  async (t) => {
    const { owning, owner, redis } = await start(t);
    const app = new Koa();
    app.silent = true;
    app.use(statusRouter(owning).routes());
    const { server, origin } = await listen(app);
    t.teardown(() => {
      server.closeAllConnections();
      server.close();
    });
    const { page, troubles } = await openPage(t, `${origin}/`);
    await see(
      page,
      '#process',
      /, pid \d+ · tandem-sync \d.*, Node v\d+.* · Redis at redis:\/\/127\.0\.0\.1:\d+$/,
    );
    await see(page, '.facts div:has-text("Waiting") dd', /^nothing$/);
    await redis.kill();
    for (let pnl = 0; pnl < 5; pnl += 1) {
      owner.set('strategy/momentum', { pnl });
      await new Promise((resolve) => setImmediate(resolve));
    }
    await see(page, '.summary', /Redis is out\. This process keeps all changes/);
    await see(page, '.facts div:has-text("Waiting") dd', /^5 changes since \d\d:\d\d:\d\d, for [1-9]\d* s$/);
    // Since when is known to the process, also while nobody looks.
    const { page: later } = await openPage(t, `${origin}/`);
    await see(later, '.facts div:has-text("Waiting") dd', /^5 changes since \d\d:\d\d:\d\d, for [1-9]\d* s$/);
    await redis.restart();
    await see(page, '.facts div:has-text("Waiting") dd', /^nothing$/);
    t.deepEqual(troubles, []);
  },
);

inBrowser(
  'the page leads to the section of its headline in the runbook, which the process itself serves',
  async (t) => {
    const { origin, redis } = await start(t, { prefix: '/ops/tandem' });
    const { page, troubles } = await openPage(t, `${origin}/ops/tandem/`);
    await redis.kill();
    await see(page, '.next', /What to check: redis-out/);
    await page.getByRole('link', { name: 'What to check: redis-out' }).click();
    await see(page, 'h3:target', /^redis-out$/);
    t.is(page.url(), `${origin}/ops/tandem/page/on-call.html#redis-out`);
    const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
    const phone = { viewport: { width: 360, height: 740 } };
    const { page: plain } = await openPage(t, page.url(), { bypassCSP: true, ...phone });
    t.true((await plain.evaluate<number>('document.documentElement.scrollWidth')) <= 360);
    t.deepEqual(await objections(plain, axe), []);
    await page.getByRole('link', { name: 'The live page' }).click();
    await see(page, '.summary', /Redis is out/);
    t.deepEqual(troubles, []);
  },
);

test('the page has a strict content security policy, and serves only its own files', async (t) => {
  const tandem = connect({ redis: 'redis://127.0.0.1:1', name: 'nobody' });
  const app = new Koa();
  app.use(statusRouter(tandem).routes());
  const { server, origin } = await listen(app);
  t.teardown(async () => {
    server.closeAllConnections();
    server.close();
    await tandem.stop();
  });
  const page = await fetch(`${origin}/`);
  t.is(page.status, 200);
  t.regex(
    page.headers.get('content-security-policy')!,
    /^default-src 'none'; script-src 'self'; style-src 'self';/,
  );
  t.is(page.headers.get('x-content-type-options'), 'nosniff');
  const html = await page.text();
  for (const [, file] of html.matchAll(/(?:href|src)="(page\/[^"]+)"/g)) {
    const response = await fetch(`${origin}/${file}`);
    t.is(response.status, 200, file);
    await response.body?.cancel();
  }
  for (const path of [
    'page/index.html',
    'page/..%2fpage.ts',
    'page/__proto__',
    'page/',
    'page/%2e%2e/page.ts',
  ])
    t.is((await fetch(`${origin}/${path}`)).status, 404, path);
  const without = new Koa();
  without.use(statusRouter(tandem, { page: false }).routes());
  const bare = await listen(without);
  t.teardown(() => void bare.server.close());
  for (const path of ['/', '/events', '/page/main.js'])
    t.is((await fetch(bare.origin + path)).status, 404, path);
  const bad = [{ title: 'x', space: 'y' }] as never;
  t.throws(() => statusRouter(tandem, { charts: bad }), { code: 'INVALID_OPTION' });
});
