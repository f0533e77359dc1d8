/** Spaces that come and go, on a memory server, by a fake time. */
import { getEventListeners } from 'node:events';
import test from 'ava';
import Koa from 'koa';
import type { Follower } from '../../src/index.ts';
import { defineSpace, json, TandemError } from '../../src/index.ts';
import { statusRouter } from '../../src/koa.ts';
import { kit } from '../_kit.ts';
import { listen } from '../_listen.ts';

const definition = { 'key/*': json<number>() };
const bot = (n: number | string) => defineSpace(`bot:${n}`, definition);
type Bot = Follower<typeof definition>;

/** What a promise rejects with. */
async function thrown(work: Promise<unknown>): Promise<TandemError> {
  const error: unknown = await work.then(
    () => undefined,
    (failure: unknown) => failure,
  );
  if (error instanceof TandemError) return error;
  throw new Error('expected a TandemError');
}

function desk(t: Parameters<typeof listen>[0]) {
  const { server, time, join } = kit(t);
  const trader = join('trader');
  const portal = join('portal');
  const seen: Bot[] = [];
  const discovery = portal.discover('bot:*', definition, (participant) => void seen.push(participant));
  const names = (): string[] => seen.map(({ space }) => space.name);
  return { server, time, trader, portal, join, seen, names, discovery };
}

test('the spaces that exist are followed, and those that appear', async (t) => {
  const { time, trader, names, seen, discovery } = desk(t);
  trader.own(bot(1)).set('key/a', 1);
  trader.own(defineSpace('other', definition));
  await time.advance(100);
  const ready = discovery.ready();
  await time.advance(100);
  await ready;
  t.deepEqual(names(), ['bot:1']);
  trader.own(bot(2)).set('key/a', 2);
  await time.advance(100);
  t.deepEqual(names(), ['bot:1', 'bot:2']);
  t.deepEqual(
    seen.map((participant) => [participant.get('key/a').value, participant.get('key/a').freshness]),
    [
      [1, 'live'],
      [2, 'live'],
    ],
  );
  t.deepEqual([...discovery.participants.keys()], ['bot:1', 'bot:2']);
});

test('a space that is removed ends its followers with a reason, and may come again', async (t) => {
  const { time, trader, portal, names, seen, discovery } = desk(t);
  const owner = trader.own(bot(1));
  owner.set('key/a', 1);
  const byName = portal.follow(bot(1));
  await time.advance(100);
  await owner.stop();
  const errors: string[] = [];
  byName.on('error', ({ error }) => errors.push(error.code));
  const waiting = thrown(byName.waitFor('9999999999999-1', { timeoutMs: 60_000 }));
  t.true(await portal.remove(bot(1)));
  await time.advance(100);
  t.is((await waiting).code, 'REMOVED');
  t.deepEqual(errors, ['REMOVED']);
  for (const follower of [byName, seen[0]!]) {
    t.is(follower.mode, 'stopped');
    t.is(follower.reason, 'space "bot:1" was removed');
    t.is(follower.get('key/a').freshness, 'stale');
  }
  t.is(discovery.participants.size, 0);
  t.false(await portal.remove('bot:1'), 'it is gone');
  trader.own(bot(1)).set('key/a', 2);
  await time.advance(100);
  t.deepEqual(names(), ['bot:1', 'bot:1']);
  t.is(seen[1]!.get('key/a').value, 2);
});

test('a follower that was away while its space was removed finds out when it comes back', async (t) => {
  const { server, time, trader, portal, join, seen } = desk(t);
  const owner = trader.own(bot(1));
  owner.set('key/a', 1);
  await time.advance(100);
  await owner.stop();
  server.cut('portal');
  await time.advance(100);
  const admin = join('admin');
  t.true(await admin.remove(bot(1)));
  await time.advance(5_000);
  t.is(seen[0]!.mode, 'degraded');
  server.restore('portal');
  await time.advance(2_000);
  t.is(seen[0]!.mode, 'stopped');
  t.is(portal.get('bot:1'), undefined);
});

test('a follower of a space that was removed before it came waits for an owner', async (t) => {
  const { time, trader, portal, join } = desk(t);
  const owner = trader.own(bot(1));
  await time.advance(100);
  await owner.stop();
  await portal.remove(bot(1));
  const late = join('late').follow(bot(1));
  await time.advance(2_000);
  t.is(late.mode, 'connected');
  t.is(late.status.owner, 'never');
  trader.own(bot(1)).set('key/a', 3);
  await time.advance(1_000);
  t.is(late.get('key/a').value, 3);
});

test('a space is not removed while its owner lives, here or elsewhere', async (t) => {
  const { time, trader, portal } = desk(t);
  const owner = trader.own(bot(1));
  await time.advance(100);
  t.is((await thrown(trader.remove(bot(1)))).code, 'ALREADY_OWNED');
  const removing = thrown(portal.remove(bot(1)));
  await time.advance(5_000);
  const error = await removing;
  t.is(error.code, 'OWNED_ELSEWHERE');
  t.false(error.retryable);
  t.is(owner.mode, 'connected');
});

test("a removal waits for the end of a dead owner's lease, and says what it waits for", async (t) => {
  const { server, time, trader, portal } = desk(t);
  trader.own(bot(1), { leaseMs: 3_000 });
  await time.advance(1_000);
  server.cut('trader');
  const early = thrown(portal.remove(bot(1), { timeoutMs: 500 }));
  await time.advance(600);
  t.regex(
    (await early).message,
    /was not removed within 500 ms: the lease of "trader" still runs for \d+ ms/,
  );
  const removing = portal.remove(bot(1));
  await time.advance(4_000);
  t.true(await removing);
});

test('an owner that comes back after the removal has its space again', async (t) => {
  const { server, time, trader, portal, names } = desk(t);
  const owner = trader.own(bot(1));
  owner.set('key/a', 7);
  await time.advance(1_000);
  server.cut('trader');
  await time.advance(5_000);
  t.true(await portal.remove(bot(1)));
  server.restore('trader');
  await time.advance(3_000);
  t.is(owner.mode, 'connected');
  t.deepEqual(names(), ['bot:1', 'bot:1']);
  t.is(portal.get('bot:1')?.get('key/a').value, 7);
});

test('an owner that takes over fences the one that lives, which is told what it had not committed', async (t) => {
  const { server, time, trader, join, portal } = desk(t);
  const old = trader.own(bot(1));
  old.set('key/a', 1);
  await time.advance(1_000);
  const fenced: unknown[] = [];
  old.on('fenced', ({ uncommitted }) => fenced.push(uncommitted.map(({ key }) => key)));
  server.cut('trader');
  old.set('key/b', 2);
  const next = join('next').own(bot(1), { takeOver: true });
  await time.advance(100);
  t.is(next.ownership, 'leading');
  t.is(next.get('key/a').value, 1);
  server.restore('trader');
  await time.advance(1_000);
  t.is(old.ownership, 'fenced');
  t.deepEqual(fenced, [['key/b']]);
  t.is(portal.get('bot:1')?.get('key/b').value, undefined);
});

test('two that take over do not fence each other again and again', async (t) => {
  const { time, join } = desk(t);
  const one = join('one').own(bot(1), { takeOver: true });
  await time.advance(100);
  const two = join('two').own(bot(1), { takeOver: true });
  await time.advance(10_000);
  t.deepEqual([one.ownership, two.ownership], ['fenced', 'leading']);
});

test('takeOver is none for a standby', (t) => {
  const { trader } = desk(t);
  const error = t.throws(() => trader.own(bot(1), { standby: true, takeOver: true }));
  t.regex(error.message, /takeOver, standby: expected one of them/);
});

test('readyz counts what is followed by name, and what is required', async (t) => {
  const { time, server, trader, portal } = desk(t);
  trader.own(bot(1)).set('key/a', 1);
  await time.advance(1_000);
  const required = statusRouter(portal, { requires: ['bot:1'] });
  const missing = statusRouter(portal, { requires: ['bot:2'] });
  const nothing = statusRouter(portal, { requires: [] });
  const origins = await Promise.all(
    [statusRouter(portal), required, missing, nothing].map((router) =>
      listen(t, new Koa().use(router.routes())),
    ),
  );
  const statuses = (): Promise<number[]> =>
    Promise.all(origins.map(async (origin) => (await fetch(`${origin}/readyz`)).status));
  t.deepEqual(await statuses(), [200, 200, 503, 200]);
  server.cut('trader');
  await time.advance(10_000);
  t.deepEqual(
    await statuses(),
    [200, 503, 503, 200],
    'a bot that has died is no reason to take the portal out',
  );
  const body: any = await (await fetch(`${origins[0]}/readyz?verbose`)).json();
  t.deepEqual(body.discoveries, [
    { pattern: 'bot:*', ready: true, spaces: 1, reason: 'all spaces are found' },
  ]);
  const lack: any = await (await fetch(`${origins[2]}/readyz?verbose`)).json();
  t.like(lack.spaces[0], { space: 'bot:2', ready: false, culprit: 'us' });
  t.throws(() => statusRouter(portal, { requires: 'bot:1' as never }), {
    message: /requires: expected a list/,
  });
});

test('a discovery that is stopped ends its followers, and takes no more', async (t) => {
  const { time, trader, seen, names, discovery, portal } = desk(t);
  trader.own(bot(1));
  await time.advance(100);
  await discovery.stop();
  t.is(seen[0]!.mode, 'stopped');
  trader.own(bot(2));
  await time.advance(1_000);
  t.deepEqual(names(), ['bot:1']);
  t.is((await thrown(discovery.ready())).code, 'STOPPED');
  t.deepEqual(portal.discoveries, []);
});

test('a signal ends a discovery', async (t) => {
  const { time, trader, portal } = desk(t);
  const ending = new AbortController();
  const found: string[] = [];
  portal.discover('bot:*', definition, ({ space }) => found.push(space.name), { signal: ending.signal });
  await time.advance(100);
  ending.abort();
  trader.own(bot(1));
  await time.advance(1_000);
  t.deepEqual(found, []);
});

test('a follower that the application stops is not started again', async (t) => {
  const { time, trader, seen } = desk(t);
  trader.own(bot(1));
  await time.advance(100);
  await seen[0]!.stop();
  await time.advance(5_000);
  t.is(seen.length, 1);
});

test('what a callback throws is an error event of the follower', async (t) => {
  const { time, trader, portal } = desk(t);
  const codes: string[] = [];
  portal.discover('bot:*', definition, (participant) => {
    participant.on('error', ({ error }) => codes.push(error.code));
    throw new Error('on purpose');
  });
  trader.own(bot(1));
  await time.advance(1_000);
  t.deepEqual(codes, ['CALLBACK_FAILED']);
});

test('after a Redis that lost everything, the bots that live are there again', async (t) => {
  const { server, time, trader, names, portal } = desk(t);
  for (const n of [1, 2, 3]) trader.own(bot(n)).set('key/a', n);
  await time.advance(1_000);
  server.loseAll();
  await time.advance(5_000);
  t.deepEqual(names(), ['bot:1', 'bot:2', 'bot:3'], 'nobody is followed twice');
  for (const n of [1, 2, 3]) t.is(portal.get(`bot:${n}`)?.get('key/a').freshness, 'live');
});

test('patterns that are none are refused', (t) => {
  const { portal } = desk(t);
  for (const pattern of ['bot:', 'b*t:*', '', 'bot:**', ':*', 7, undefined])
    t.throws(() => portal.discover(pattern as string, definition, () => {}), {
      message: /discover: expected/,
    });
  t.throws(() => portal.discover('bot:*', definition, () => {}, { maxStaleMs: 1 }), {
    message: /maxStaleMs: expected/,
  });
  t.notThrows(() => portal.discover('*', definition, () => {}));
  t.throws(() => portal.discover('bot:*', definition, 'no' as never), {
    message: /discover: expected a function/,
  });
  t.throws(() => portal.discover('bot:*', { a: 'no' as never }, () => {}), {
    message: /expected a Standard Schema/,
  });
});

test('spaces that appear all at once are all found', async (t) => {
  const { time, trader, names } = desk(t);
  await time.advance(100);
  for (const n of [1, 2, 3, 4, 5]) trader.own(bot(n));
  await time.advance(500);
  t.deepEqual(names().toSorted(), ['bot:1', 'bot:2', 'bot:3', 'bot:4', 'bot:5']);
});

test('a space that is removed while its follower starts is followed no longer', async (t) => {
  const { time, trader, portal } = desk(t);
  const owner = trader.own(bot(1));
  await time.advance(1_000);
  await owner.stop();
  const removing: Promise<boolean>[] = [];
  const discovery = portal.discover('bot:*', definition, ({ space }) => {
    removing.push(portal.remove(space));
  });
  await time.advance(2_000);
  t.deepEqual(await Promise.all(removing), [true]);
  t.is(discovery.participants.size, 0);
});

test('a removal after a rollback of Redis ends followers of an epoch that Redis has forgotten', async (t) => {
  const { server, time, trader, portal } = desk(t);
  const first = trader.own(bot(1));
  first.set('key/a', 1);
  await time.advance(1_000);
  await first.stop();
  await time.advance(1_000);
  const second = trader.own(bot(1));
  second.set('key/a', 2);
  await time.advance(1_000);
  const byName = portal.follow(bot(1));
  await time.advance(500);
  await second.stop();
  server.rollBack(2_600);
  t.true(await trader.remove(bot(1)));
  await time.advance(3_000);
  t.deepEqual([byName.mode, byName.isRemoved], ['stopped', true]);
});

test('a standby that outlives a removal follows the next owner, and does not fence it', async (t) => {
  const { server, time, trader, join, portal } = desk(t);
  const owner = trader.own(bot(1));
  owner.set('key/a', 1);
  const standby = join('standby').own(bot(1), { standby: true, leaseMs: 3_000 });
  await time.advance(1_000);
  // After a cut, a standby waits for a lease and a second before it claims.
  server.cut('standby');
  await owner.stop();
  server.restore('standby');
  await time.advance(100);
  t.true(await portal.remove(bot(1)));
  const next = trader.own(bot(1));
  next.set('key/a', 2);
  await time.advance(10_000);
  t.deepEqual(
    [standby.ownership, standby.get('key/a').value, standby.get('key/a').freshness],
    ['standby', 2, 'live'],
  );
  t.is(next.ownership, 'leading');
  await next.stop();
  await time.advance(5_000);
  t.deepEqual([standby.ownership, standby.get('key/a').value], ['leading', 2]);
});

test('a removal under way ends with the process', async (t) => {
  const { time, trader, portal } = desk(t);
  trader.own(bot(1));
  await time.advance(1_000);
  const removing = thrown(portal.remove(bot(1), { timeoutMs: 60_000 }));
  const stopping = portal.stop();
  await time.advance(100);
  await stopping;
  t.is((await removing).code, 'STOPPED');
});

test('a space that was declined, removed and claimed again is another one', async (t) => {
  const { time, trader, portal, seen } = desk(t);
  const owner = trader.own(bot(1));
  await time.advance(100);
  await seen[0]!.stop();
  await owner.stop();
  t.true(await portal.remove(bot(1)));
  await time.advance(100);
  trader.own(bot(1));
  await time.advance(100);
  t.is(seen.length, 2);
});

test('a signal keeps nothing of a discovery that has stopped', async (t) => {
  const { portal, time } = desk(t);
  const { signal } = new AbortController();
  for (let n = 0; n < 20; n += 1) await portal.discover('bot:*', definition, () => {}, { signal }).stop();
  t.is(getEventListeners(signal, 'abort').length, 0);
  await time.advance(10);
});
