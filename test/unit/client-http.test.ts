/** The client against the real routes, over real sockets: who may read, from which origin, and what is read. */
import type { ExecutionContext } from 'ava';
import test from 'ava';
import Koa from 'koa';
import { follow } from '../../src/client.ts';
import type { StatusOptions } from '../../src/koa.ts';
import { directRouter, statusRouter } from '../../src/koa.ts';
import { kit, trading } from '../_kit.ts';
import { listen } from '../_listen.ts';
import { until } from '../_wait.ts';

const DESK = 'https://desk.example';

async function served(t: ExecutionContext, options: StatusOptions = {}) {
  const { time, join } = kit(t);
  const trader = join('trader');
  const owner = trader.own(trading);
  const api = join('api');
  api.follow(trading);
  owner.set('regime', 'bull');
  await time.advance(1_000);
  const origin = await listen(t, new Koa().use(statusRouter(api, options).routes()));
  return { time, owner, trader, api, origin };
}

const bearer = (token: string): { Authorization: string } => ({ Authorization: `Bearer ${token}` });
const authorize: NonNullable<StatusOptions['authorize']> = async (ctx, { space }) =>
  space === 'trading' && ctx.get('Authorization') === 'Bearer good';

test('a client reads what is set, in one piece, and goes on from where it was', async (t) => {
  const { time, owner, origin } = await served(t);
  const state = follow({ url: `${origin}/`, space: trading });
  t.teardown(() => state.close());
  await state.ready();
  t.like({ ...state.get('regime') }, { value: 'bull', freshness: 'live', source: 'redis', owner: 'alive' });
  t.true(state.staleMs < 2_500);
  const frames: number[] = [];
  state.watch('bot/*', () => frames.push(state.size));
  owner.batch(() => {
    for (let n = 0; n < 200; n += 1) owner.set(`bot/${n}`, n);
    owner.delete('regime');
  });
  await time.advance(500);
  await state.waitFor(owner.head);
  t.deepEqual(new Set(frames), new Set([200]));
  t.is(frames.length, 200);
  t.is(state.get('regime').value, undefined);
});

test('who may not read a space is told nothing of it, by any route', async (t) => {
  const { origin } = await served(t, { authorize });
  const paths = ['', '/changes', '/clock', '/state/regime'];
  for (const space of ['trading', 'unknown']) {
    for (const path of paths) {
      for (const method of ['GET', 'HEAD']) {
        const url = `${origin}/spaces/${space}${path}`;
        const none = await fetch(url, { method });
        t.is(none.status, 401, url);
        t.is(none.headers.get('WWW-Authenticate'), 'Bearer');
        t.is(none.headers.get('Tandem-Position'), null);
        const bad = await fetch(url, { method, headers: bearer('bad') });
        t.is(bad.status, 403, url);
        t.regex(bad.headers.get('Content-Type')!, /^application\/problem\+json/);
        if (method === 'GET') t.notRegex(`${await none.text()}${await bad.text()}`, /trading|unknown|api/);
      }
    }
  }
  const good = await fetch(`${origin}/spaces/trading/state/regime`, { headers: bearer('good') });
  t.is(good.status, 200);
  t.is((await fetch(`${origin}/spaces/unknown`, { headers: bearer('good') })).status, 403);
});

test('lists have the spaces that the client may read, and health stays open', async (t) => {
  const { origin } = await served(t, { authorize });
  const get = async (path: string, headers = {}): Promise<any> => {
    const response = await fetch(`${origin}${path}`, { headers });
    return { status: response.status, ...((await response.json()) as object) };
  };
  t.deepEqual((await get('/spaces')).spaces, []);
  t.is((await get('/spaces', bearer('good'))).spaces[0].space, 'trading');
  t.deepEqual(await get('/livez'), { status: 'alive' });
  t.is((await get('/readyz')).status, 'ready');
  t.deepEqual((await get('/readyz?verbose')).spaces, []);
  t.is((await get('/readyz?verbose', bearer('good'))).spaces[0].space, 'trading');
  t.notRegex(JSON.stringify(await get('/openapi.json')), /trading|regime/);
  t.regex(JSON.stringify(await get('/openapi.json', bearer('good'))), /trading/);
  t.is((await fetch(`${origin}/events`)).status, 401);
  t.is((await fetch(`${origin}/events`, { method: 'HEAD', headers: bearer('good') })).status, 200);
});

test('only true allows, and what authorize throws is the error of the application', async (t) => {
  const odd = await served(t, { authorize: (() => 'yes') as never });
  t.is((await fetch(`${odd.origin}/spaces/trading`)).status, 401);
  const broken = await served(t, { authorize: () => Promise.reject(new Error('no database')) });
  t.is((await fetch(`${broken.origin}/spaces/trading`)).status, 500);
  t.throws(() => statusRouter(odd.api, { authorize: true as never }), { code: 'INVALID_OPTION' });
});

test('a client ends with a clear error where its credentials are refused, and reads where they are good', async (t) => {
  const { origin } = await served(t, { authorize });
  const refused = follow({ url: origin, space: 'trading', headers: bearer('bad') });
  await t.throwsAsync(refused.ready(), { code: 'FORBIDDEN' });
  t.is(refused.mode, 'stopped');
  await t.throwsAsync(follow({ url: origin, space: 'trading' }).ready(), { code: 'UNAUTHORIZED' });
  const good = follow({ url: origin, space: 'trading', headers: async () => bearer('good') });
  t.teardown(() => good.close());
  await good.ready();
  t.is(good.get('regime').value, 'bull');
});

test('a client waits for a space that is not there yet, and for a place', async (t) => {
  const { origin, api, time } = await served(t, { maxClients: 1 });
  const { defineSpace, json } = await import('../../src/index.ts');
  const later = follow({ url: origin, space: 'later' });
  t.teardown(() => later.close());
  await until(() => later.error?.code === 'UNKNOWN_SPACE', 'the space is not known');
  api.follow(defineSpace('later', { '*': json() }));
  await time.advance(100);
  await later.ready();
  const second = follow({ url: origin, space: 'trading' });
  t.teardown(() => second.close());
  await until(() => second.error?.code === 'TOO_MANY_CLIENTS', 'there is no place');
  t.is(second.error?.retryMs, 1_000);
  later.close();
  await second.ready();
});

test('pages of the origins that are named may read, with cookies where that is wanted', async (t) => {
  const { origin } = await served(t, { cors: { origins: [DESK], credentials: true } });
  const ask = (path: string, from: string, init: RequestInit = {}) =>
    fetch(`${origin}${path}`, { ...init, headers: { Origin: from, ...(init.headers as object) } });
  for (const path of ['/spaces', '/spaces/trading', '/spaces/trading/clock', '/spaces/unknown', '/readyz']) {
    const { headers } = await ask(path, DESK);
    t.is(headers.get('Access-Control-Allow-Origin'), DESK, path);
    t.is(headers.get('Access-Control-Allow-Credentials'), 'true');
    t.regex(headers.get('Access-Control-Expose-Headers')!, /Tandem-Position.*Tandem-Staleness-Ms/);
    t.is(headers.get('Vary'), 'Origin');
    const other = (await ask(path, 'https://other.example')).headers;
    t.is(other.get('Access-Control-Allow-Origin'), null);
    t.is(other.get('Vary'), 'Origin');
  }
  const stream = await ask('/spaces/trading/changes', DESK, { method: 'HEAD' });
  t.is(stream.headers.get('Access-Control-Allow-Origin'), DESK);
});

test('a preflight is answered without credentials, for the origins that are named', async (t) => {
  const { origin } = await served(t, { authorize, cors: { origins: [DESK] } });
  const headers = {
    'Access-Control-Request-Method': 'GET',
    'Access-Control-Request-Headers': 'authorization, x-key',
  };
  const ask = (from: string) =>
    fetch(`${origin}/spaces/trading/changes`, { method: 'OPTIONS', headers: { ...headers, Origin: from } });
  const allowed = await ask(DESK);
  t.is(allowed.status, 204);
  t.is(allowed.headers.get('Access-Control-Allow-Origin'), DESK);
  t.is(allowed.headers.get('Access-Control-Allow-Headers'), 'authorization, x-key');
  t.is(allowed.headers.get('Access-Control-Allow-Methods'), 'GET, HEAD');
  t.is(allowed.headers.get('Access-Control-Max-Age'), '600');
  t.is(allowed.headers.get('Access-Control-Allow-Credentials'), null);
  t.is(allowed.headers.get('Vary'), 'Origin, Access-Control-Request-Headers');
  const refused = await ask('https://other.example');
  t.is(refused.status, 204);
  t.is(refused.headers.get('Access-Control-Allow-Origin'), null);
  t.is(refused.headers.get('Access-Control-Allow-Headers'), null);
  const problem = await fetch(`${origin}/spaces/trading`, { headers: { Origin: DESK } });
  t.deepEqual([problem.status, problem.headers.get('Access-Control-Allow-Origin')], [401, DESK]);
});

test('every origin may read where that is wanted, though never with cookies', async (t) => {
  const { origin, api } = await served(t, { cors: { origins: ['*'] } });
  const { headers } = await fetch(`${origin}/spaces`, { headers: { Origin: DESK } });
  t.is(headers.get('Access-Control-Allow-Origin'), '*');
  const bad = [
    { origins: ['*'], credentials: true },
    { origins: 'https://desk.example' },
    { origins: ['https://desk.example/'] },
    { origins: ['HTTPS://desk.example'] },
    { origins: ['desk.example'] },
    { origins: [7] },
    {},
  ];
  for (const cors of bad)
    t.throws(() => statusRouter(api, { cors: cors as never }), { code: 'INVALID_OPTION' });
});

test('without cors nothing is said of origins', async (t) => {
  const { origin } = await served(t);
  const { headers } = await fetch(`${origin}/spaces`, { headers: { Origin: DESK } });
  t.is(headers.get('Access-Control-Allow-Origin'), null);
  t.is(headers.get('Vary'), null);
});

test('the direct path takes each of several tokens, and asks authorize as well', async (t) => {
  const { trader } = await served(t);
  const options = {
    token: ['old', 'new'],
    authorize: (_: unknown, { space }: { space: string }) => space === 'trading',
  };
  const origin = await listen(t, new Koa().use(directRouter(trader, options).routes()));
  const status = async (space: string, token: string): Promise<number> => {
    const { status, body } = await fetch(`${origin}/direct/${space}/state`, { headers: bearer(token) });
    await body?.cancel();
    return status;
  };
  t.deepEqual([await status('trading', 'old'), await status('trading', 'new')], [200, 200]);
  t.deepEqual([await status('trading', 'oldnew'), await status('trading', '')], [401, 401]);
  t.deepEqual([await status('unknown', 'new'), await status('other', 'new')], [403, 403]);
  for (const token of [[], [''], ['good', ''], [7], undefined, ''])
    t.throws(() => directRouter(trader, { token: token as never }), { code: 'INVALID_OPTION' });
});
