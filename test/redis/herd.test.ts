/**
 * Many clients at once on a large state, over real sockets: one text for all, each answer whole and as of one
 * position, and nothing held for a client that does not read.
 */
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { connect as connectSocket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import Koa from 'koa';
import { comparePositions, connect, defineSpace, json } from '../../src/index.ts';
import { outletsOf } from '../../src/http/outlets.ts';
import { directRouter, statusRouter } from '../../src/koa.ts';
import type { StatusOptions } from '../../src/koa.ts';
import { EventClient, stateOf } from '../_events.ts';
import { onRealServer } from '../_real.ts';
import { RedisServer } from '../_redis-server.ts';
import { until } from '../_wait.ts';

const KEYS = 20_000;
const MIB = 1_048_576;
const PAD = 'x'.repeat(100);
const token = 'of the herd';

const space = defineSpace('herd', { 'key/*': json<{ n: number; pad: string }>() });

/** Starts an owner and a follower of a large state, with all routes on each. */
async function start(t: ExecutionContext, options: StatusOptions = {}) {
  const redis = await RedisServer.start();
  const owning = connect({ redis: redis.url, name: 'owner' });
  const following = connect({ redis: redis.url, name: 'follower' });
  const owner = owning.own(space);
  for (let n = 0; n < KEYS; n += 1) owner.set(`key/${n}`, { n, pad: PAD });
  const follower = following.follow(space);
  const api = await serve(t, following, options);
  t.teardown(async () => {
    await following.stop();
    await owning.stop({ timeoutMs: 100 });
    await redis.stop();
  });
  await Promise.all([owner.ready(), follower.ready()]);
  await follower.waitFor(await owner.flush({ timeoutMs: 20_000 }), { timeoutMs: 20_000 });
  return { redis, owning, following, owner, follower, outlets: outletsOf(following), ...api };
}

async function serve(t: ExecutionContext, tandem: ReturnType<typeof connect>, options: StatusOptions) {
  const app = new Koa();
  app.silent = true;
  const failures: unknown[] = [];
  app.on('error', (error) => failures.push(error));
  app.use(statusRouter(tandem, options).routes());
  app.use(directRouter(tandem, { token, maxBytes: options.maxBytes }).routes());
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { port, origin: `http://127.0.0.1:${port}`, failures };
}

/** A client that sends a request and reads nothing of the answer. */
async function stalled(t: ExecutionContext, port: number, path: string): Promise<Socket> {
  const socket = connectSocket({ port, host: '127.0.0.1' });
  t.teardown(() => socket.destroy());
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.pause();
  socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
  return socket;
}

interface State {
  readonly position: string;
  readonly state: Record<string, { value: { n: number }; position: string }>;
}

/** Whether a state is whole, and as of its position: no key is newer, and one was set there. */
function isWhole({ position, state }: State): boolean {
  const revisions = Object.values(state).map((held) => Number(held.position.split('-')[1]));
  const newest = revisions.reduce((a, b) => Math.max(a, b));
  return revisions.length === KEYS && position.endsWith(`-${newest}`) && new Set(revisions).size === KEYS;
}

onRealServer('a hundred clients that ask at once get the whole state, while it changes', async (t) => {
  const { owner, follower, origin, outlets, failures } = await start(t);
  const herd = { isOver: false };
  const changing = (async () => {
    for (let n = 0; !herd.isOver; n += 1) {
      for (let of = 0; of < 10; of += 1) owner.set(`key/${(n * 10 + of) % KEYS}`, { n, pad: PAD });
      await delay(10);
    }
  })();
  let most = 0;
  const asked = Array.from({ length: 100 }, async () => {
    const before = follower.head;
    const response = await fetch(`${origin}/spaces/herd`);
    const text = await response.text();
    most = Math.max(most, outlets.heldBytes);
    const { headers } = response;
    return {
      status: response.status,
      missing: Buffer.byteLength(text) - Number(headers.get('content-length')),
      fresh: headers.get('tandem-freshness'),
      position: headers.get('tandem-position')!,
      isOld: comparePositions(headers.get('tandem-position')!, before) < 0,
      text,
    };
  });
  const answers = await Promise.all(asked);
  herd.isOver = true;
  await changing;
  t.true(answers.every(({ status, missing }) => status === 200 && missing === 0));
  t.true(answers.every(({ fresh, isOld }) => fresh === 'live' && !isOld));
  const rowsOf = (text: string): string => text.slice(text.indexOf('"state":'));
  const positions = new Map(answers.map(({ position, text }) => [position, text]));
  for (const [position, text] of positions) {
    const state = JSON.parse(text) as State;
    t.is(state.position, position);
    t.true(isWhole(state));
  }
  t.true(answers.every(({ position, text }) => rowsOf(text) === rowsOf(positions.get(position)!)));
  const size = Buffer.byteLength(answers[0]!.text);
  t.log(`${positions.size} texts of ${(size / MIB).toFixed(1)} MiB, at most ${(most / MIB).toFixed(1)} held`);
  t.true(positions.size < 20);
  t.true(most <= 2.2 * size);
  await until(() => outlets.heldBytes === 0 && outlets.size === 0, 'no text to be left');
  t.deepEqual(failures, []);
});

onRealServer('no answer is older than the moment of asking', async (t) => {
  const { owner, follower, origin } = await start(t);
  for (let n = 0; n < 5; n += 1) {
    const early = fetch(`${origin}/spaces/herd`);
    owner.set('key/0', { n: -n - 1, pad: PAD });
    const atLeast = await owner.flush();
    await follower.waitFor(atLeast);
    const shown = follower.head;
    const [asked, plain] = await Promise.all(
      [`?atLeast=${atLeast}`, ''].map(async (query) => {
        const response = await fetch(`${origin}/spaces/herd${query}`);
        return (await response.json()) as State;
      }),
    );
    t.is(asked!.state['key/0']!.value.n, -n - 1);
    t.true(comparePositions(plain!.position, shown) >= 0);
    await (await early).body?.cancel();
  }
});

onRealServer('what a stream sends after a shared state goes on from there, without a gap', async (t) => {
  const { owner, follower, origin, outlets } = await start(t);
  const clients: EventClient[] = [];
  for (let n = 0; n < 12; n += 1) {
    // Set in between, so that clients join at different heads, some while a text is made or sent.
    owner.set(`key/${n}`, { n: -n - 1, pad: PAD });
    owner.delete(`key/${n + 100}`);
    const client = await EventClient.open(`${origin}/spaces/herd/changes`);
    t.teardown(() => client.close());
    clients.push(client);
  }
  for (let n = 0; n < 5_000; n += 1) owner.set(`key/${1_000 + n}`, { n: -n - 1, pad: PAD });
  const last = await owner.flush({ timeoutMs: 10_000 });
  await follower.waitFor(last, { timeoutMs: 10_000 });
  const held = Object.fromEntries([...owner.entries()].map(({ key, value }) => [key, value]));
  for (const client of clients) {
    await until(() => client.lastId === last, 'the newest', 20_000);
    t.deepEqual(stateOf(client.sent), held);
    t.is(client.of('state').length, 1);
    await until(() => client.of('status').length > 0, 'its status, which follows');
  }
  await until(() => outlets.heldBytes === 0, 'no text to be left');
});

onRealServer('a large resume is one text for all who come from there, and the rest follows', async (t) => {
  const { owner, follower, origin, outlets } = await start(t);
  const from = owner.head;
  for (let n = 0; n < 10_000; n += 1) owner.set(`key/${n}`, { n: -n - 1, pad: PAD });
  for (let n = 10_000; n < 10_100; n += 1) owner.delete(`key/${n}`);
  await follower.waitFor(await owner.flush({ timeoutMs: 10_000 }), { timeoutMs: 10_000 });
  const clients = await Promise.all(
    Array.from({ length: 20 }, () => EventClient.open(`${origin}/spaces/herd/changes`, from)),
  );
  for (const client of clients) t.teardown(() => client.close());
  owner.set('key/0', { n: 1, pad: PAD });
  const last = await owner.flush();
  for (const client of clients) {
    await until(() => client.lastId === last, 'the newest', 20_000);
    t.is(client.of('state').length, 0);
    const [first] = client.of('change');
    t.true(first!.data.changes.length >= 10_000);
    t.is(first!.data.deletes.length, 100);
  }
  await until(() => outlets.heldBytes === 0, 'no text to be left');
});

onRealServer('clients that do not read keep nobody waiting, and give up their places', async (t) => {
  const { owner, follower, origin, port, outlets } = await start(t, { maxClients: 100 });
  const sockets: Socket[] = [];
  for (let n = 0; n < 20; n += 1)
    sockets.push(await stalled(t, port, n % 2 === 0 ? '/spaces/herd' : '/spaces/herd/changes'));
  for (let n = 0; n < 3; n += 1) {
    owner.set('key/0', { n: -n - 1, pad: PAD });
    await follower.waitFor(await owner.flush());
    const askedAt = performance.now();
    const response = await fetch(`${origin}/spaces/herd`);
    t.true(isWhole((await response.json()) as State));
    const tookMs = performance.now() - askedAt;
    t.log(`answered after ${tookMs.toFixed(0)} ms`);
    t.true(tookMs < 15_000);
  }
  t.true(outlets.size >= 10, 'the streams among them');
  // The kernel's buffers hold a small state, and no client of theirs is stalled.
  for (const socket of sockets) socket.destroy();
  await until(() => outlets.heldBytes === 0 && outlets.size === 0, 'no text to be left');
});

onRealServer('beyond the budget there is a 503 with Retry-After, and room again later', async (t) => {
  const { origin, outlets, failures } = await start(t, { maxBytes: 2 * MIB });
  const refused = await fetch(`${origin}/spaces/herd`);
  t.is(refused.status, 503);
  t.is(refused.headers.get('retry-after'), '1');
  t.is(refused.headers.get('etag'), null);
  t.is(((await refused.json()) as { code: string }).code, 'TOO_MANY_BYTES');
  await until(() => outlets.heldBytes === 0, 'no text to be left');
  const part = await fetch(`${origin}/spaces/herd?prefix=key/1999`);
  t.is(part.status, 200);
  t.is(Object.keys(((await part.json()) as State).state).length, 11);
  t.is((await fetch(`${origin}/spaces/herd/state/key/1`)).status, 200);
  t.deepEqual(failures, []);
});

onRealServer('HEAD, If-None-Match and a prefix are as with a small state', async (t) => {
  const { owner, follower, origin, outlets } = await start(t);
  // A stale state has another text, and no ETag.
  await until(() => follower.get('key/1').freshness === 'live', 'a live state');
  const whole = await fetch(`${origin}/spaces/herd`);
  const text = await whole.text();
  const head = await fetch(`${origin}/spaces/herd`, { method: 'HEAD' });
  t.is(head.status, 200);
  // `staleMs` may have another number of digits.
  t.true(Math.abs(Number(head.headers.get('content-length')) - Buffer.byteLength(text)) < 10);
  t.is(head.headers.get('etag'), `"${follower.head}"`);
  const known = { headers: { 'If-None-Match': `"${follower.head}"` } };
  t.is((await fetch(`${origin}/spaces/herd`, known)).status, 304);
  owner.set('key/1', { n: -1, pad: PAD });
  await follower.waitFor(await owner.flush());
  const changed = await fetch(`${origin}/spaces/herd`, known);
  t.is(changed.status, 200);
  // A body that nobody reads holds its text.
  await changed.arrayBuffer();
  const part = (await (await fetch(`${origin}/spaces/herd?prefix=key/1234`)).json()) as State;
  t.deepEqual(Object.keys(part.state).toSorted(), [
    'key/1234',
    ...Array.from({ length: 10 }, (_, n) => `key/1234${n}`),
  ]);
  await until(() => outlets.heldBytes === 0, 'no text to be left');
});

onRealServer('followers of the direct path share the state and a large frame', async (t) => {
  const { owner, owning, redis, follower } = await start(t);
  const api = await serve(t, owning, {});
  const url = api.origin;
  const late = Array.from({ length: 5 }, (_, n) => connect({ redis: redis.url, name: `late-${n}` }));
  t.teardown(() => Promise.all(late.map((one) => one.stop())));
  await redis.kill('SIGKILL');
  const followers = late.map((one) => one.follow(space, { direct: { url, token } }));
  await Promise.all(followers.map((one) => one.ready({ timeoutMs: 20_000 })));
  for (let n = 0; n < 10_000; n += 1) owner.set(`key/${n}`, { n: -n - 1, pad: PAD });
  for (const one of followers) {
    await one.waitFor(owner.head, { timeoutMs: 20_000 });
    t.is(one.size, KEYS);
    t.is(one.get('key/9999').value?.n, -10_000);
    await until(() => one.get('key/1').freshness === 'live', 'live');
  }
  await until(() => outletsOf(owning).heldBytes === 0, 'no text to be left');
  t.deepEqual(api.failures, []);
  t.is(follower.size, KEYS);
});

onRealServer('pages that open at once share their first update', async (t) => {
  const { origin, outlets, owner, follower } = await start(t);
  const clients = await Promise.all(Array.from({ length: 40 }, () => EventClient.open(`${origin}/events`)));
  for (const client of clients) t.teardown(() => client.close());
  for (const client of clients) {
    const { data } = await client.find('the first update', () => true);
    t.is(data.rows[0].changes.length, 2_000);
    t.true(data.rows[0].isWhole);
    t.is(data.hello.name, 'follower');
  }
  owner.set('key/0', { n: -7, pad: PAD });
  await follower.waitFor(await owner.flush());
  for (const client of clients)
    await client.find('the change', ({ data }) =>
      data.rows.some(({ changes }: { changes: string[][] }) =>
        changes.some(([, , text]) => text?.includes('-7')),
      ),
    );
  await until(() => outlets.heldBytes < MIB, 'no first update to be left');
});
