/** When a key was set, as readings of all participants say: exact at first, then within 1 % of the age. */
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { defineSpace, json } from '../../src/index.ts';
import { MemoryWorld } from '../_memory-world.ts';

const SPACE = defineSpace('times', { '*': json() });

interface Dated {
  get(key: string): { readonly changedAt: number | undefined };
}

/** Asserts that a key was set at a time, within the bound. A whole ms is no error. */
function within(t: ExecutionContext, { server }: MemoryWorld, dated: Dated, key: string, at: number): void {
  const { changedAt } = dated.get(key);
  t.truthy(changedAt, `${key} is of a known time`);
  const error = Math.abs(changedAt! - at);
  const bound = (server.now() - at) * 0.01 + 1;
  t.true(error <= bound, `${key} is ${error} ms wrong, of at most ${bound}`);
}

const reader = (participant: { get(key: string): unknown }): Dated => ({
  get: (key) => participant.get(key) as ReturnType<Dated['get']>,
});

/** An owner that sets many keys over an hour. Returns the times. */
async function anHour(world: MemoryWorld, set: (key: string) => void): Promise<Map<string, number>> {
  const times = new Map<string, number>();
  for (let n = 0; n < 400; n += 1) {
    const key = `key/${n % 300}`;
    set(key);
    times.set(key, Math.floor(world.server.now()));
    await world.time.advance(n % 3 === 0 ? 5 : 13_000);
  }
  return times;
}

test('owner and follower know when a key was set, to the ms, in the callback that brings it', async (t) => {
  const world = new MemoryWorld();
  const owner = world.process('owner').tandem.own(SPACE);
  const follower = world.process('api').tandem.follow(SPACE);
  await world.result(Promise.all([owner.ready(), follower.ready()]));
  const seen: (number | undefined)[] = [];
  follower.watch('*', ({ changedAt }) => seen.push(changedAt));
  await world.time.advance(1_234);
  owner.set('a', 1);
  const at = Math.floor(world.server.now());
  t.is(owner.get('a').changedAt, at);
  await world.time.advance(50);
  t.deepEqual(seen, [at]);
  owner.delete('a');
  t.is(owner.get('a').changedAt, at + 50);
  await world.time.advance(50);
  t.is(follower.get('a').changedAt, at + 50, 'when it was deleted');
  t.is(follower.get('never').changedAt, undefined);
  t.deepEqual(Object.keys({ ...owner.get('a') }).slice(0, 4), ['key', 'value', 'position', 'changedAt']);
});

test('what was set before the claim was set then, also once it has its revision', async (t) => {
  const world = new MemoryWorld();
  const process = world.process('owner');
  process.store.cut();
  const owner = process.tandem.own(SPACE);
  owner.set('early', 1);
  const at = Math.floor(world.server.now());
  t.is(owner.get('early').changedAt, undefined, 'the clock of the server is not known');
  await world.time.advance(7_000);
  process.store.mend();
  await world.result(owner.ready());
  t.is(owner.get('early').changedAt, at);
  const follower = world.process('api').tandem.follow(SPACE);
  await world.result(follower.ready());
  t.is(follower.get('early').changedAt, at);
});

test('a batch has the time at which it began, also inside of it', async (t) => {
  const world = new MemoryWorld();
  const owner = world.process('owner').tandem.own(SPACE);
  await world.result(owner.ready());
  const at = Math.floor(world.server.now());
  owner.batch(() => {
    owner.set('a', 1);
    t.is(owner.get('a').changedAt, at);
  });
  t.is(owner.get('a').changedAt, at);
});

test('a follower that comes later, a takeover, a restart and a wiped Redis keep the times', async (t) => {
  const world = new MemoryWorld();
  const first = world.process('first');
  const owner = first.tandem.own(SPACE);
  await world.result(owner.ready());
  const times = await anHour(world, (key) => owner.set(key, { key }));
  const all = (one: { get(key: string): unknown }): void => {
    for (const [key, at] of times) within(t, world, reader(one), key, at);
  };
  await world.time.advance(1_000);
  all(owner);
  const late = world.process('late').tandem.follow(SPACE);
  await world.result(late.ready());
  all(late);

  const standby = world.process('standby').tandem.own(SPACE, { standby: true });
  await world.time.advance(1_000);
  all(standby);
  await world.result(first.tandem.stop());
  await world.result(standby.ready());
  all(standby);
  all(late);

  world.server.wipe('times');
  await world.time.advance(5_000);
  standby.set('key/7', 'after');
  times.set('key/7', Math.floor(world.server.now()));
  await world.time.advance(5_000);
  const later = world.process('later').tandem.follow(SPACE);
  await world.result(later.ready());
  all(later);

  await world.result(standby.stop());
  const again = world.process('again').tandem.own(SPACE);
  await world.result(again.ready());
  all(again);
  again.set('key/8', 'once more');
  times.set('key/8', Math.floor(world.server.now()));
  await world.time.advance(100);
  all(later);
});

test('times that somebody deleted in Redis come back', async (t) => {
  const world = new MemoryWorld();
  const owner = world.process('owner').tandem.own(SPACE);
  await world.result(owner.ready());
  owner.set('a', 1);
  const at = Math.floor(world.server.now());
  await world.time.advance(3_000);
  world.server.space('times').times = undefined;
  await world.time.advance(3_000);
  const follower = world.process('api').tandem.follow(SPACE);
  await world.result(follower.ready());
  t.is(follower.get('a').changedAt, at);
});

test('a key that was put right in Redis keeps its time', async (t) => {
  const world = new MemoryWorld();
  const owner = world.process('owner').tandem.own(SPACE);
  const follower = world.process('api').tandem.follow(SPACE);
  await world.result(Promise.all([owner.ready(), follower.ready()]));
  owner.on('error', () => {});
  owner.set('a', 1);
  owner.set('b', 2);
  const at = Math.floor(world.server.now());
  await world.time.advance(60_000);
  world.server.space('times').live.state.set('a', '"edited"');
  const { position } = owner.get('a');
  await world.time.until(() => owner.get('a').position !== position, 'the key is put right');
  await world.time.advance(1_000);
  for (const one of [owner, follower]) t.is(one.get('a').changedAt, at);
  t.is(follower.get('a').position, owner.get('a').position);
});

test('a table in Redis stays short, however many commits go behind it', async (t) => {
  const world = new MemoryWorld();
  const owner = world.process('owner').tandem.own(SPACE);
  await world.result(owner.ready());
  let most = 0;
  for (let n = 0; n < 4_000; n += 1) {
    owner.set('a', n);
    await world.time.advance(20);
    most = Math.max(most, world.server.space('times').times!.length);
  }
  t.true(most < 60_000, `${most} characters`);
});

test('what an owner without such times has set is of an unknown time', async (t) => {
  const world = new MemoryWorld();
  const owner = world.process('owner').tandem.own(SPACE);
  const follower = world.process('api').tandem.follow(SPACE);
  await world.result(Promise.all([owner.ready(), follower.ready()]));
  owner.set('a', 1);
  await world.time.advance(1_000);
  const { epoch, revision, base } = world.server.space('times').meta;
  const header = { epoch, base, prev: revision, revision: revision + 1, leaseMs: 3_000, bye: false };
  const changes = [{ key: 'b', revision: revision + 1, json: '2' }];
  world.server.announce('times', { ...header, cutAt: world.server.now(), isAhead: true }, changes);
  await world.time.until(() => follower.get('b').value !== undefined, 'the frame came');
  t.is(follower.get('b').changedAt, undefined);
  t.truthy(follower.get('a').changedAt);
});
