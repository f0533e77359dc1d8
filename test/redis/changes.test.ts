/**
 * The changes feed for programs, over real sockets and a real Redis: complete, without duplicates, never
 * stale as live.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect as connectSocket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { Redis } from 'ioredis';
import Koa from 'koa';
import { comparePositions, connect, defineSpace, json } from '../../src/index.ts';
import { statusRouter } from '../../src/koa.ts';
import type { Tandem } from '../../src/index.ts';
import type { StatusOptions } from '../../src/koa.ts';
import { EventClient, stateOf } from '../_events.ts';
import { onRealServer } from '../_real.ts';
import { RedisServer } from '../_redis-server.ts';
import { until } from '../_wait.ts';

const space = defineSpace('changes', { 'key/*': json<number | string>() });

/** Starts an owner and a follower, each with its status routes, and a Redis between them. */
async function start(t: ExecutionContext, options: StatusOptions = {}) {
  const redis = await RedisServer.start();
  const owning = connect({ redis: redis.url, name: 'owner' });
  const following = connect({ redis: redis.url, name: 'follower' });
  const owner = owning.own(space, { leaseMs: 500 });
  const follower = following.follow(space);
  t.teardown(async () => {
    await following.stop();
    await owning.stop({ timeoutMs: 100 });
    await redis.stop();
  });
  await Promise.all([owner.ready(), follower.ready()]);
  // A follower is also ready once it has read an empty space, so this waits for the owner's first frame.
  await follower.waitFor(owner.head, { timeoutMs: 5_000 });
  const api = await serve(t, following, options);
  const changes = `${api.origin}/spaces/changes/changes`;
  return { redis, owning, following, owner, follower, changes, ...api };
}

async function serve(t: ExecutionContext, tandem: Tandem, options: StatusOptions = {}) {
  const app = new Koa();
  const router = statusRouter(tandem, options);
  const responses: ServerResponse[] = [];
  app.use((ctx, next) => (responses.push(ctx.res), next()));
  app.use(router.routes());
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return { router, server, responses, origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

async function open(t: ExecutionContext, url: string, lastId?: string): Promise<EventClient> {
  const client = await EventClient.open(url, lastId);
  t.teardown(() => client.close());
  return client;
}

function stateIn(participant: {
  entries(): Iterable<{ key: string; value: unknown }>;
}): Record<string, unknown> {
  return Object.fromEntries([...participant.entries()].map(({ key, value }) => [key, value]));
}

/** Asserts that every change came once: ids only grow, and no key comes with a position that was passed. */
function assertOnce(client: EventClient, from = '0-0'): void {
  let head = from;
  for (const { event, id, data } of client.sent) {
    if (event === 'state') head = id!;
    if (event !== 'change') continue;
    assert.equal(id, data.position);
    assert.ok(comparePositions(id!, head) > 0, `${id} after ${head}`);
    for (const { position } of data.changes) assert.ok(comparePositions(position, head) > 0);
    head = id!;
  }
}

onRealServer('the state comes first, then each frame as one event', async (t) => {
  const { owner, follower, changes } = await start(t);
  owner.set('key/a', 1);
  await follower.waitFor(await owner.flush());
  const client = await open(t, changes);
  t.regex(client.headers.get('content-type')!, /^text\/event-stream/);
  const state = await client.find('the state', ({ event }) => event === 'state');
  t.like(state.data, { space: 'changes', position: follower.head, freshness: 'live', mode: 'connected' });
  t.is(state.data.state['key/a'].value, 1);
  t.is(state.id, follower.head);

  owner.batch(() => {
    owner.set('key/a', 2);
    owner.set('key/b', 3);
    owner.set('key/c', 4);
    owner.delete('key/c');
  });
  const position = await owner.flush();
  const change = await client.find('the change', ({ event }) => event === 'change');
  t.is(change.id, position);
  t.deepEqual(
    change.data.changes.map(({ key, value }: { key: string; value: unknown }) => [key, value]),
    [
      ['key/a', 2],
      ['key/b', 3],
    ],
  );
  t.is(change.data.changes[1].position, follower.get('key/b').position);
  owner.delete('key/b');
  await owner.flush();
  const deletion = await client.find('the delete', ({ data }) => data.deletes?.includes('key/b'));
  t.deepEqual(deletion.data, { position: owner.head, changes: [], deletes: ['key/b'] });
  t.is(client.of('state').length, 1);
});

onRealServer('a client that reconnects again and again misses nothing and gets nothing twice', async (t) => {
  const { owner, follower, changes } = await start(t);
  let lastId: string | undefined;
  let held: Record<string, unknown> = {};
  let states = 0;
  let changed = 0;
  for (let round = 0; round < 30; round += 1) {
    const client = await open(t, changes, lastId);
    for (let n = 0; n < 20; n += 1) {
      const key = `key/${(round * 7 + n * 3) % 25}` as const;
      if (n % 5 === 4) owner.delete(key);
      else owner.set(key, round * 100 + n);
      if (n % 7 === 0) await owner.flush();
    }
    // Every other round cuts the connection in the middle of the changes.
    if (round % 2 === 0) await until(() => client.lastId === owner.head, 'the newest change');
    else await until(() => client.sent.length > 0, 'anything');
    await client.close();
    assertOnce(client, lastId);
    held = stateOf(client.sent, held);
    lastId = client.lastId;
    states += client.of('state').length;
    changed += client.of('change').length;
  }
  const last = await open(t, changes, lastId);
  await owner.flush();
  await until(() => last.lastId === owner.head, 'the newest change');
  t.deepEqual(stateOf(last.sent, held), stateIn(follower));
  t.deepEqual(stateIn(follower), stateIn(owner));
  t.is(states, 1, 'only the first time');
  t.true(changed > 20, `${changed}`);
});

onRealServer(
  '?from= gives the first position, and Last-Event-ID, which is newer, overrides it',
  async (t) => {
    const { owner, follower, changes } = await start(t);
    owner.set('key/a', 1);
    const first = await owner.flush();
    owner.set('key/b', 2);
    const second = await owner.flush();
    await follower.waitFor(second);
    const from = await open(t, `${changes}?from=${first}`);
    const change = await from.find('what changed since', ({ event }) => event !== 'status');
    t.is(change.event, 'change');
    t.like(change.data, { position: second, deletes: [] });
    t.is(change.data.changes.length, 1);
    const both = await open(t, `${changes}?from=${first}`, second);
    await both.find('a sign of life', ({ event }) => event === 'status');
    t.deepEqual([...new Set(both.sent.map(({ event }) => event))], ['status']);
    t.is(both.lastId, second);
  },
);

onRealServer('a client that cannot continue from its position gets the state', async (t) => {
  const { owner, follower, changes, following } = await start(t);
  for (let n = 0; n < 5; n += 1) {
    owner.set('key/a', n);
    await owner.flush();
  }
  await follower.waitFor(owner.head);
  const [epoch, revision] = owner.head.split('-').map(Number) as [number, number];
  for (const id of ['1-1', `${epoch - 1}-${revision}`, `${epoch}-${revision + 1_000}`, `${epoch + 5}-1`]) {
    const client = await open(t, changes, id);
    await client.find(`the state for ${id}`, ({ event }) => event === 'state');
    t.is(client.sent[0]!.event, 'state', id);
    t.deepEqual(stateOf(client.sent), { 'key/a': 4 });
  }
  // A follower that started later cannot continue from earlier positions.
  const late = following.follow(defineSpace('changes', { 'key/*': json<number>() }));
  await late.ready();
  t.is(late.readingsSince({ epoch, revision: revision - 1 }), undefined);
  t.deepEqual(late.readingsSince({ epoch, revision }), []);
});

onRealServer('a bad position, an unknown space and a repeated parameter are problems', async (t) => {
  const { origin, changes } = await start(t);
  const ask = async (url: string, headers: Record<string, string> = {}) => {
    const response = await fetch(url, { headers });
    const { code } = (await response.json()) as { code: string };
    return [response.status, response.headers.get('content-type')?.split(';')[0], code];
  };
  const type = 'application/problem+json';
  for (const bad of ['soon', '1', '-1', '01-1', '1-1-1', '99999999999999999-1', '']) {
    t.deepEqual(await ask(`${changes}?from=${bad}`), [400, type, 'INVALID_POSITION'], bad);
    if (bad !== '')
      t.deepEqual(await ask(changes, { 'Last-Event-ID': bad }), [400, type, 'INVALID_POSITION'], bad);
  }
  t.deepEqual(await ask(`${changes}?from=1-1&from=1-2`), [400, type, 'INVALID_PARAMETER']);
  t.deepEqual(await ask(`${origin}/spaces/nowhere/changes`), [404, type, 'UNKNOWN_SPACE']);
});

onRealServer('keep-alives carry the freshness, also while nothing changes', async (t) => {
  const { changes, follower } = await start(t, { keepAliveMs: 50 });
  const client = await open(t, changes);
  await until(() => client.of('status').length >= 5, 'five keep-alives');
  t.like(client.of('status').at(-1)!.data, {
    space: 'changes',
    mode: 'connected',
    freshness: 'live',
    ownerAlive: true,
    head: follower.head,
  });
  t.is(client.of('state').length, 1);
});

onRealServer('clients beyond the limit get 503 until one leaves', async (t) => {
  const { changes } = await start(t, { maxClients: 2 });
  const first = await open(t, changes);
  await open(t, changes);
  const refused = await fetch(changes);
  t.is(refused.status, 503);
  t.is(refused.headers.get('retry-after'), '1');
  t.is(((await refused.json()) as { code: string }).code, 'TOO_MANY_CLIENTS');
  t.is((await fetch(changes, { method: 'HEAD' })).status, 503);
  await first.close();
  await until(async () => {
    const response = await fetch(changes);
    await response.body?.cancel();
    return response.status === 200;
  }, 'room again');
});

onRealServer('HEAD returns the headers, and does not count as a client', async (t) => {
  const { changes } = await start(t, { maxClients: 1 });
  for (let n = 0; n < 3; n += 1) {
    const response = await fetch(changes, { method: 'HEAD' });
    t.is(response.status, 200);
    t.regex(response.headers.get('content-type')!, /^text\/event-stream/);
    await until(async () => (await fetch(changes, { method: 'HEAD' })).status === 200, 'room');
  }
});

onRealServer(
  'nothing is queued for a client that does not read, and it gets the newest state once it reads',
  async (t) => {
    const { owner, follower, changes, responses } = await start(t);
    const { port, pathname } = new URL(changes);
    const socket = connectSocket(Number(port), '127.0.0.1');
    t.teardown(() => socket.destroy());
    await once(socket, 'connect');
    socket.pause();
    socket.write(`GET ${pathname} HTTP/1.1\r\nHost: x\r\n\r\n`);
    const ballast = 'x'.repeat(200_000);
    const send = async (n: number): Promise<void> => {
      owner.set('key/big', `${n}:${ballast}`);
      owner.set('key/n', n);
      await follower.waitFor(await owner.flush({ timeoutMs: 5_000 }), { timeoutMs: 5_000 });
    };
    let keptKb = 0;
    for (let n = 0; n < 500; n += 1) {
      await send(n);
      keptKb = Math.max(keptKb, responses.at(-1)!.writableLength / 1_000);
    }
    t.log(`500 changes of 200 kB: at most ${keptKb.toFixed(0)} kB were kept`);
    t.true(keptKb > 30 && keptKb < 200, 'a piece, and no more');

    let text = '';
    socket.on('data', (piece) => (text += piece.toString('latin1')));
    socket.resume();
    await until(() => text.includes(`"499:x`) && text.includes('"value":499'), 'the newest value', 20_000);
    const events = text.split('event: change').length - 1;
    t.log(`${events} events for 500 changes`);
    t.true(events < 250);
  },
);

onRealServer(
  'clients learn within a second that the state is stale after Redis was killed, and when it is live again',
  async (t) => {
    const { redis, owner, follower, changes } = await start(t);
    owner.set('key/a', 1);
    await follower.waitFor(await owner.flush());
    const client = await open(t, changes);
    await client.find('the state', ({ event }) => event === 'state');
    await redis.kill('SIGKILL');
    const killedAt = performance.now();
    const degraded = await client.find('degraded', ({ data }) => data.mode === 'degraded');
    const stale = await client.find('stale', ({ data }) => data.freshness === 'stale');
    const dead = await client.find('no owner', ({ data }) => data.ownerAlive === false);
    t.log(
      `after the kill: degraded ${(degraded.atMs - killedAt).toFixed(0)} ms, ` +
        `stale ${(stale.atMs - killedAt).toFixed(0)} ms, owner unknown ${(dead.atMs - killedAt).toFixed(0)} ms`,
    );
    t.true(stale.atMs - killedAt < 750 + 1_000);
    t.is(stale.data.source, 'memory');
    owner.set('key/b', 2);
    const since = client.sent.length;
    await redis.restart();
    await client.find('live again', ({ data }) => data.freshness === 'live', since);
    await client.find('what was set meanwhile', ({ event }) => event === 'change', since);
    t.deepEqual(stateOf(client.sent), { 'key/a': 1, 'key/b': 2 });
    t.is(client.of('state').length, 1, 'the follower continued from its position');
  },
);

onRealServer('the owner serves the same feed, and its restart takes no reader back', async (t) => {
  const { owning, owner, follower, changes, redis } = await start(t);
  const { origin } = await serve(t, owning);
  const atOwner = await open(t, `${origin}/spaces/changes/changes`);
  const atFollower = await open(t, changes);
  owner.set('key/a', 1);
  owner.set('key/b', 1);
  await owner.flush();
  owner.delete('key/b');
  const last = await owner.flush();
  for (const client of [atOwner, atFollower]) {
    await until(() => client.lastId === last, 'the newest');
    t.deepEqual(stateOf(client.sent), { 'key/a': 1 });
  }
  await owning.stop();
  await atOwner.ended;
  t.is(atOwner.sent.at(-1)!.event, 'goodbye');

  const again = connect({ redis: redis.url, name: 'owner-2' });
  t.teardown(() => again.stop());
  const next = again.own(space);
  await next.ready();
  next.set('key/c', 3);
  await follower.waitFor(await next.flush());
  await until(() => atFollower.lastId === follower.head, 'the newest of the next owner');
  t.deepEqual(stateOf(atFollower.sent), { 'key/a': 1, 'key/c': 3 });
  t.is(atFollower.of('state').length, 1);
  const { origin: other } = await serve(t, again);
  const moved = await open(t, `${other}/spaces/changes/changes`, last);
  await until(() => moved.lastId === next.head, 'the newest, from another process');
  t.deepEqual(stateOf(moved.sent, { 'key/a': 1 }), { 'key/a': 1, 'key/c': 3 });
  t.is(moved.of('state').length, 0);
});

onRealServer('readers get the state anew if it was wrong at their position', async (t) => {
  const { owning, owner, follower, changes, redis } = await start(t);
  owner.set('key/a', 1);
  await follower.waitFor(await owner.flush());
  // A living owner would repair the change that the test makes by admin.
  await owning.stop();
  const client = await open(t, changes);
  await client.find('the state', ({ event }) => event === 'state');
  const { head } = follower;
  const admin = new Redis(redis.url);
  t.teardown(() => admin.disconnect());
  await admin.hset('tandem:{changes}:state', 'key/a', '7');
  t.is((await follower.refresh()).differed, 1);
  await until(() => client.of('state').length === 2, 'the state once more');
  t.is(client.lastId, head);
  t.deepEqual(stateOf(client.sent), { 'key/a': 7 });
  const back = await open(t, changes, head);
  await back.find('the state', ({ event }) => event === 'state');
  await delay(300);
  t.is(client.of('state').length, 2, 'one call is enough');
});

onRealServer('a drain fails readiness first, then says goodbye, and so does a stop alone', async (t) => {
  const { origin, changes, router, following } = await start(t);
  const client = await open(t, changes);
  await client.find('the state', ({ event }) => event === 'state');
  t.is((await fetch(`${origin}/readyz`)).status, 200);
  const draining = router.drain({ lingerMs: 200 });
  const ready = await fetch(`${origin}/readyz`);
  t.is(ready.status, 503);
  t.deepEqual(await ready.json(), { status: 'draining' });
  t.is(client.of('goodbye').length, 0);
  await draining;
  await client.ended;
  t.deepEqual(client.sent.at(-1)!.data, { reason: 'draining' });
  t.is((await fetch(changes)).status, 503);
  t.is((await fetch(`${origin}/spaces/changes`)).status, 200, 'other requests are answered');
  t.is((await fetch(`${origin}/livez`)).status, 200);

  const other = await serve(t, following);
  const second = await open(t, `${other.origin}/spaces/changes/changes`);
  await second.find('the state', ({ event }) => event === 'state');
  await following.stop();
  await second.ended;
  t.is(second.sent.at(-1)!.event, 'goodbye');
  t.is((await fetch(`${other.origin}/readyz`)).status, 503);
  t.is((await fetch(`${other.origin}/livez`)).status, 200);
});
