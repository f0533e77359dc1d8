/**
 * Owner and followers whose schemas differ, as during a rolling deploy of the application, on a real Redis.
 * The page for users is docs/schemas.md.
 */
import type { ExecutionContext } from 'ava';
import { z } from 'zod';
import type { Definition, Tandem } from '../../src/index.ts';
import { connect, defineSpace, json } from '../../src/index.ts';
import { onRealServers } from '../_real.ts';
import { RedisServer } from '../_redis-server.ts';
import { until } from '../_wait.ts';

const side = z.enum(['buy', 'sell']);
/** The application before the deploy, and after it. */
const before = { 'order/*': z.object({ side }), count: z.number() };
const after = {
  'order/*': z.object({ side: z.enum(['buy', 'sell', 'hold']) }),
  count: z.number(),
  'risk/*': z.number(),
};

async function start(t: ExecutionContext): Promise<(name: string) => Tandem> {
  const server = await RedisServer.start();
  const tandems: Tandem[] = [];
  t.teardown(async () => {
    for (const tandem of tandems) await tandem.stop({ timeoutMs: 500 });
    await server.stop();
  });
  return (name) => {
    const tandem = connect({ redis: server.url, name });
    tandems.push(tandem);
    return tandem;
  };
}

const spaceOf = <D extends Definition>(definition: D) => defineSpace('deploy', definition);

/** An owner of one version and a follower of another. */
async function pair<A extends Definition, B extends Definition>(t: ExecutionContext, owned: A, followed: B) {
  const newTandem = await start(t);
  const owner = newTandem('owner').own(spaceOf(owned));
  const following = newTandem('follower');
  const errors: string[] = [];
  let rejected = 0;
  following.observe({ rejected: () => (rejected += 1) });
  const follower = following.follow(spaceOf(followed));
  follower.on('error', ({ error }) => errors.push(error.code));
  await owner.ready();
  await follower.ready();
  const sync = async (): Promise<void> => follower.waitFor(await owner.flush());
  return { newTandem, owner, follower, errors, rejections: () => rejected, sync };
}

onRealServers(
  'a new owner, an old follower: keys that the follower does not define are passed over',
  async (t) => {
    const { owner, follower, errors, sync } = await pair(t, after, before);
    const told: string[] = [];
    const modes: string[] = [];
    follower.watch('*', ({ key }) => told.push(key));
    follower.on('mode', ({ mode }) => modes.push(mode));
    for (let n = 0; n < 50; n += 1) owner.batch(() => (owner.set('risk/a', n), owner.set('count', n)));
    await sync();
    owner.set('risk/b', 1);
    owner.delete('risk/a');
    await sync();
    t.is(follower.get('count').value, 49);
    t.is(follower.get('count').freshness, 'live');
    t.is(follower.proof.freshness(), 'live');
    t.is(follower.size, 1);
    t.false(told.some((key) => key.startsWith('risk/')));
    t.throws(() => follower.get('risk/a' as 'count'), { code: 'UNKNOWN_KEY' });
    t.deepEqual(await follower.refresh(), { head: follower.head, differed: 0 });
    t.deepEqual([errors, modes], [[], []]);
  },
);

onRealServers(
  'a new owner, an old follower: a value that the old schema refuses is stale, and nothing else is',
  async (t) => {
    const { owner, follower, errors, rejections, sync } = await pair(t, after, before);
    const modes: string[] = [];
    follower.on('mode', ({ mode }) => modes.push(mode));
    owner.set('order/1', { side: 'buy' });
    owner.set('count', 1);
    await sync();
    owner.set('order/1', { side: 'hold' });
    owner.set('order/2', { side: 'hold' });
    owner.set('count', 2);
    await sync();
    t.deepEqual(follower.get('order/1').value, { side: 'buy' }, 'the last value that it could read');
    t.is(follower.get('order/1').freshness, 'stale');
    t.is(follower.get('order/2').value, undefined);
    t.is(follower.get('order/2').freshness, 'stale');
    t.is(follower.get('count').value, 2);
    t.is(follower.get('count').freshness, 'live');
    t.is(follower.proof.freshness(), 'stale', 'the state as a whole');
    t.deepEqual(errors, ['INVALID_VALUE', 'INVALID_VALUE'], 'once for each key');
    t.true(rejections() >= 2);
    owner.set('order/1', { side: 'sell' });
    owner.delete('order/2');
    await sync();
    t.like(follower.get('order/1'), { value: { side: 'sell' }, freshness: 'live' });
    t.is(follower.proof.freshness(), 'live');
    t.deepEqual(modes, []);
  },
);

onRealServers(
  'an old owner, a new follower: keys that the owner does not set yet are undefined and live',
  async (t) => {
    const { owner, follower, errors, sync } = await pair(t, before, after);
    owner.set('order/1', { side: 'buy' });
    await sync();
    t.like(follower.get('risk/a'), { value: undefined, freshness: 'live' });
    t.deepEqual(follower.get('order/1').value, { side: 'buy' });
    t.deepEqual(errors, []);
  },
);

onRealServers(
  'an old owner, a new follower whose schema needs a new field: a default fills it',
  async (t) => {
    const strict = { 'order/*': z.object({ side, size: z.number() }), count: z.number() };
    const lenient = { 'order/*': z.object({ side, size: z.number().default(1) }), count: z.number() };
    const { newTandem, owner, follower, errors, sync } = await pair(t, before, strict);
    const other = newTandem('lenient').follow(spaceOf(lenient));
    await other.ready();
    owner.set('order/1', { side: 'buy' });
    await sync();
    await other.waitFor(owner.head);
    t.like(follower.get('order/1'), { value: undefined, freshness: 'stale' });
    t.deepEqual(errors, ['INVALID_VALUE']);
    t.like(other.get('order/1'), { value: { side: 'buy', size: 1 }, freshness: 'live' });
  },
);

onRealServers(
  'a transform that changes: a value travels as it was set, and each process reads it its own way',
  async (t) => {
    const text = z.string();
    const { owner, follower, sync } = await pair(
      t,
      { at: text.transform((at) => new Date(at)) },
      { at: text.transform((at) => Date.parse(at)) },
    );
    owner.set('at', '2026-01-01T00:00:00.000Z');
    await sync();
    t.deepEqual(owner.get('at').value, new Date('2026-01-01'));
    t.is(follower.get('at').value, Date.parse('2026-01-01'));
  },
);

onRealServers(
  'an old standby takes over from a new owner: keys that it does not define stay for those that do',
  async (t) => {
    const newTandem = await start(t);
    const owner = newTandem('new').own(spaceOf(after), { leaseMs: 500 });
    const follower = newTandem('follower').follow(spaceOf(after));
    const standby = newTandem('old').own(spaceOf(before), { standby: true, leaseMs: 500 });
    const errors: string[] = [];
    standby.on('error', ({ error }) => errors.push(error.code));
    await owner.ready();
    owner.batch(() => {
      owner.set('risk/a', -0);
      owner.set('count', 1);
      owner.set('order/1', { side: 'buy' });
      owner.set('order/2', { side: 'hold' });
    });
    const head = await owner.flush();
    await Promise.all([standby.waitFor(head), follower.ready()]);
    t.deepEqual(
      [...standby.entries()].map(({ key }) => key).toSorted(),
      ['count', 'order/1'],
      'a standby shows what it can read',
    );
    await owner.stop();
    await standby.ready();
    standby.set('count', 2);
    await follower.waitFor(await standby.flush());
    t.true(Object.is(follower.get('risk/a').value, -0));
    t.is(follower.get('count').value, 2);
    t.deepEqual(follower.get('order/1').value, { side: 'buy' });
    t.is(follower.get('order/2').value, undefined, 'a value that its schema refuses is deleted');
    t.deepEqual(errors, ['INVALID_VALUE']);
    t.deepEqual([...standby.entries()].map(({ key }) => key).toSorted(), ['count', 'order/1']);
    t.deepEqual(await follower.refresh(), { head: follower.head, differed: 0 });
    // And a new owner goes on with all of it.
    await standby.stop();
    const next = newTandem('next').own(spaceOf(after));
    await next.ready();
    t.true(Object.is(next.get('risk/a').value, -0));
    await until(() => follower.get('risk/a').freshness === 'live', 'the follower is live');
  },
);

onRealServers(
  'what a reader writes into a Date is shown to nobody else: owner, follower, watches',
  async (t) => {
    const definition = { at: z.coerce.date(), any: json() };
    const { owner, follower, sync } = await pair(t, definition, definition);
    const told: number[] = [];
    for (const _ of [1, 2])
      follower.watch('at', ({ value }) => {
        told.push(value!.getTime());
        value!.setTime(0);
      });
    owner.set('at', new Date(5).toISOString());
    await sync();
    for (const participant of [owner, follower]) {
      participant.get('at').value?.setTime(0);
      for (const { value } of participant.entries('at')) (value as Date).setTime(0);
      t.is(participant.get('at').value?.getTime(), 5);
    }
    t.deepEqual(told, [5, 5]);
  },
);
