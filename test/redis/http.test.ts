/** The status routes over a real socket, on a follower of a real owner, with the embedded Redis. */
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import test from 'ava';
import { createRedisMock } from 'js-redis-server';
import Koa from 'koa';
import { connect, defineSpace, json } from '../../src/index.ts';
import { statusRouter } from '../../src/koa.ts';
import type { Follower, Owner, Tandem } from '../../src/index.ts';

const definition = { regime: json<{ name: string }>(), 'strategy/*': json<number>() };
const trading = defineSpace('trading', definition);

let redis: Awaited<ReturnType<typeof createRedisMock>>;
let owning: Tandem;
let following: Tandem;
let owner: Owner<typeof definition>;
let follower: Follower<typeof definition>;
let server: Server;
let origin: string;

test.before(async () => {
  redis = await createRedisMock();
  const [address] = redis.addresses();
  const url = `redis://${address!.host}:${address!.port}`;
  owning = connect({ redis: url, name: 'trading-1' });
  following = connect({ redis: url, name: 'api-1' });
  owner = owning.own(trading);
  follower = following.follow(trading);
  owner.set('regime', { name: 'bull' });
  owner.set('strategy/mean reversion/fast', 7);
  owner.set('strategy/momentum', 1);
  await owner.ready();
  await follower.ready();
  await follower.waitFor(await owner.flush());
  const app = new Koa();
  app.use(statusRouter(following).routes());
  server = app.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

test.after.always(async () => {
  server?.close();
  await following?.stop();
  await owning?.stop();
  await redis?.close();
});

async function get(path: string, headers: Record<string, string> = {}) {
  const response = await fetch(origin + path, { headers });
  const text = await response.text();
  const body = text === '' ? undefined : (JSON.parse(text) as Record<string, any>);
  return { status: response.status, headers: response.headers, body };
}

const problem = async (path: string) => {
  const { status, headers, body } = await get(path);
  return { status, type: headers.get('content-type')?.split(';')[0], code: body?.code as string };
};

test('a reading has its value, the position of the last change of its key, and its freshness', async (t) => {
  const { status, body, headers } = await get('/spaces/trading/state/regime');
  t.is(status, 200);
  t.like(body, {
    space: 'trading',
    key: 'regime',
    value: { name: 'bull' },
    position: follower.get('regime').position,
    head: follower.head,
    freshness: 'live',
    source: 'redis',
    ownerAlive: true,
    mode: 'connected',
  });
  t.true(Number.isInteger(body!.staleMs) && body!.staleMs <= 750);
  t.is(headers.get('etag'), `"${body!.position}"`);
  t.is(headers.get('tandem-position'), body!.position);
  t.is(headers.get('tandem-freshness'), 'live');
  t.is(headers.get('tandem-staleness-ms'), String(body!.staleMs));
  t.is(headers.get('cache-control'), 'no-cache');
});

test('a key may hold slashes and spaces', async (t) => {
  const { status, body } = await get('/spaces/trading/state/strategy/mean%20reversion/fast');
  t.is(status, 200);
  t.is(body!.key, 'strategy/mean reversion/fast');
  t.is(body!.value, 7);
});

test('a space shows its whole state as of one position', async (t) => {
  const { body, headers } = await get('/spaces/trading');
  t.deepEqual(Object.keys(body!.state).toSorted(), [
    'regime',
    'strategy/mean reversion/fast',
    'strategy/momentum',
  ]);
  t.like(body!.state['strategy/momentum'], {
    value: 1,
    position: follower.get('strategy/momentum').position,
  });
  t.is(body!.position, follower.head);
  t.is(headers.get('etag'), `"${follower.head}"`);
});

test('a prefix selects a part of the state', async (t) => {
  const { body } = await get('/spaces/trading?prefix=strategy/m');
  t.deepEqual(Object.keys(body!.state).toSorted(), ['strategy/mean reversion/fast', 'strategy/momentum']);
  t.deepEqual((await get('/spaces/trading?prefix=nothing')).body!.state, {});
});

test('the list of spaces shows the condition of each', async (t) => {
  const { body, headers } = await get('/spaces');
  t.is(body!.name, 'api-1');
  t.like(body!.spaces[0], { space: 'trading', mode: 'connected', head: follower.head, freshness: 'live' });
  t.is(headers.get('tandem-freshness'), 'live');
});

test('a client that already has the position gets 304, with the freshness', async (t) => {
  const etag = `"${follower.get('regime').position}"`;
  for (const known of [etag, `W/${etag}`, `"else", ${etag}`, '*']) {
    const { status, headers, body } = await get('/spaces/trading/state/regime', { 'If-None-Match': known });
    t.is(status, 304, known);
    t.is(body, undefined);
    t.is(headers.get('tandem-freshness'), 'live');
  }
  t.is((await get('/spaces/trading/state/regime', { 'If-None-Match': '"1-1"' })).status, 200);
  t.is((await get('/spaces/trading', { 'If-None-Match': `"${follower.head}"` })).status, 304);
});

test('HEAD returns only the headers', async (t) => {
  const response = await fetch(`${origin}/spaces/trading/state/regime`, { method: 'HEAD' });
  t.is(response.status, 200);
  t.is(response.headers.get('tandem-freshness'), 'live');
  t.is(await response.text(), '');
});

test('maxStaleMs refuses a staler reading', async (t) => {
  t.is((await get('/spaces/trading/state/regime?maxStaleMs=60000')).status, 200);
  const { status, body } = await get('/spaces/trading/state/regime?maxStaleMs=0');
  t.is(status, 503);
  t.like(body, { code: 'STALE', status: 503, freshness: 'live', mode: 'connected' });
  t.is((await get('/spaces/trading?maxStaleMs=0')).status, 503);
});

test('atLeast waits for a position, but no longer than timeoutMs', async (t) => {
  const before = await get(`/spaces/trading/state/regime?atLeast=${follower.head}`);
  t.is(before.status, 200);

  const [epoch, revision] = follower.head.split('-').map(Number) as [number, number];
  const next = get(`/spaces/trading/state/strategy/late?atLeast=${epoch}-${revision + 1}&timeoutMs=5000`);
  owner.set('strategy/late', 42);
  t.like(await next, { status: 200, body: { value: 42 } });

  const late = await get(`/spaces/trading/state/regime?atLeast=${epoch + 1}-1&timeoutMs=20`);
  t.is(late.status, 504);
  t.like(late.body, { code: 'TIMEOUT', mode: 'connected' });
});

test('errors are problem documents with a stable code', async (t) => {
  const type = 'application/problem+json';
  const cases: [path: string, status: number, code: string][] = [
    ['/spaces/nowhere', 404, 'UNKNOWN_SPACE'],
    ['/spaces/%7B', 404, 'UNKNOWN_SPACE'],
    ['/spaces/nowhere/state/regime', 404, 'UNKNOWN_SPACE'],
    ['/spaces/trading/state/nothing', 404, 'UNKNOWN_KEY'],
    ['/spaces/trading/state/', 404, 'UNKNOWN_KEY'],
    ['/spaces/trading/state/__proto__', 404, 'UNKNOWN_KEY'],
    ['/spaces/trading/state/strategy/', 404, 'UNKNOWN_KEY'],
    ['/spaces/trading/state/strategy/none', 404, 'NO_VALUE'],
    ['/spaces/trading?maxStaleMs=-1', 400, 'INVALID_PARAMETER'],
    ['/spaces/trading?maxStaleMs=', 400, 'INVALID_PARAMETER'],
    ['/spaces/trading?maxStaleMs=1&maxStaleMs=2', 400, 'INVALID_PARAMETER'],
    ['/spaces/trading?atLeast=soon', 400, 'INVALID_POSITION'],
    ['/spaces/trading?atLeast=1-1&timeoutMs=99999999', 400, 'INVALID_PARAMETER'],
    ['/spaces?maxStaleMs=never', 400, 'INVALID_PARAMETER'],
  ];
  for (const [path, status, code] of cases) t.deepEqual(await problem(path), { status, type, code }, path);
});
