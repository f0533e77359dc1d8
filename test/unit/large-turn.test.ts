/** Large turns, from an owner to its followers: seen whole or not at all, and settled whatever happens. */
import test from 'ava';
import { TandemError } from '../../src/base/errors.ts';
import type { Owner } from '../../src/index.ts';
import { defineSpace, json } from '../../src/index.ts';
import type { Message } from '../../src/state/message.ts';
import { decodeMessage } from '../../src/state/message.ts';
import { cut, mend, MemoryWorld } from '../_memory-world.ts';

const definition = { 'a/*': json<number>() };
const space = defineSpace('desk', definition);
const KEYS = 3_000;

/** An owner and a follower of the same space. */
async function aPair(world: MemoryWorld) {
  const [trading, api] = [world.process('trading-1'), world.process('api-1')];
  const [owner, follower] = [trading.tandem.own(space), api.tandem.follow(space)];
  await world.result(Promise.all([owner.ready(), follower.ready()]));
  owner.set('a/0', -1);
  await world.result(follower.waitFor(await world.result(owner.flush())));
  return { owner, follower, trading, api };
}

const unsettled = ({ server }: MemoryWorld): number => server.space('desk').meta.turnIndexed;

/** Calls back within the server's own turn, at each message: what is done then comes between two calls. */
const atEach = ({ server }: MemoryWorld, run: (message: Message) => void): void =>
  server.subscribe('desk', (text) => run(decodeMessage(text)));

const setAll = (owner: Owner<typeof definition>): void =>
  owner.batch(() => {
    for (let n = 0; n < KEYS; n += 1) owner.set(`a/${n}`, n);
  });

test('a follower sees a large turn whole or not at all, and stays connected and live', async (t) => {
  const world = new MemoryWorld();
  const { owner, follower } = await aPair(world);
  const [seen, parts] = [new Set<number>(), new Set<number>()];
  const modes: string[] = [];
  follower.on('mode', ({ mode }) => modes.push(mode));
  const look = (): void => {
    seen.add([...follower.entries()].filter(({ value }) => value !== -1).length);
    t.is(follower.get('a/0').freshness, 'live');
  };
  follower.watchHead(look);
  atEach(world, (message) => {
    if (message.is === 'part') parts.add(message.part.number);
    look();
  });
  setAll(owner);
  await world.time.until(() => follower.head === owner.head && unsettled(world) === 0, 'all of the turn');
  look();
  t.deepEqual([...seen], [0, KEYS]);
  t.deepEqual([...parts], [1, 2, 3]);
  t.deepEqual(modes, []);
});

test('changes go on while a turn is settled, and none of them is lost', async (t) => {
  const world = new MemoryWorld();
  const { owner, follower } = await aPair(world);
  let isInForce = false;
  atEach(world, (message) => {
    if (message.is !== 'frame' || message.frame.turn === undefined) return;
    isInForce = true;
    owner.set(`a/${KEYS - 1}`, -2);
    owner.delete(`a/${KEYS - 2}`);
    // Committed at once, and not after the last key was settled.
    void owner.flush();
  });
  setAll(owner);
  await world.time.until(() => isInForce, 'the turn in force');
  await world.result(follower.waitFor(await world.result(owner.flush())));
  await world.time.until(() => unsettled(world) === 0, 'the end of the turn in the store');
  const { state } = world.server.space('desk').live;
  t.is(state.get(`a/${KEYS - 1}`), '-2');
  t.false(state.has(`a/${KEYS - 2}`));
  t.is(state.size, KEYS - 1);
  t.is(follower.get(`a/${KEYS - 1}`).value, -2);
});

test('an owner whose connection is lost while it settles is degraded, and settles the rest afterwards', async (t) => {
  const world = new MemoryWorld();
  const { owner, trading } = await aPair(world);
  const settle = trading.store.settle.bind(trading.store);
  let calls = 0;
  trading.store.settle = (...args) => {
    calls += 1;
    const settled = settle(...args);
    if (calls === 2) cut(trading);
    return settled;
  };
  setAll(owner);
  await world.time.until(() => owner.mode === 'degraded', 'a degraded owner');
  t.true(unsettled(world) > 0);
  mend(trading);
  await world.time.until(() => unsettled(world) === 0 && owner.mode === 'connected', 'the rest settled');
  t.is(world.server.space('desk').live.state.size, KEYS);
});

test('an owner whose Redis refuses to settle is degraded, says why, and settles once it may', async (t) => {
  const world = new MemoryWorld();
  const { owner, trading } = await aPair(world);
  const settle = trading.store.settle.bind(trading.store);
  const loading = new TandemError('REDIS_NOT_READY', 'Redis is loading the dataset in memory');
  trading.store.settle = () => Promise.reject(loading);
  const errors: string[] = [];
  owner.on('error', ({ error }) => errors.push(error.code));
  setAll(owner);
  await world.time.until(
    () => owner.mode !== 'connected' && errors.length > 0,
    'an owner that is not connected',
  );
  t.is(errors[0], 'REDIS_NOT_READY');
  trading.store.settle = settle;
  await world.time.until(() => unsettled(world) === 0 && owner.mode === 'connected', 'the rest settled');
});

test('a large turn that is lost on its way goes out again, whole', async (t) => {
  const world = new MemoryWorld();
  const { owner, follower, trading } = await aPair(world);
  let parts = 0;
  atEach(world, (message) => {
    if (message.is !== 'part') return;
    parts += 1;
    if (parts === 2) cut(trading);
  });
  setAll(owner);
  await world.time.until(() => owner.mode === 'degraded', 'a degraded owner');
  t.is(follower.get('a/1').value, undefined);
  mend(trading);
  await world.result(follower.waitFor(owner.head));
  t.is([...follower.entries()].length, KEYS);
  await world.time.until(() => unsettled(world) === 0, 'the end of the turn in the store');
});

test('a standby that takes over while a turn is settled has all of it, and settles the rest', async (t) => {
  const world = new MemoryWorld();
  const { owner, trading } = await aPair(world);
  const second = world.process('trading-2').tandem.own(space, { standby: true });
  await world.time.until(() => second.head === owner.head && second.mode === 'connected', 'a standby');
  const settle = trading.store.settle.bind(trading.store);
  let calls = 0;
  trading.store.settle = (...args) => {
    calls += 1;
    if (calls > 1) cut(trading);
    return settle(...args);
  };
  setAll(owner);
  await world.time.until(() => second.ownership === 'leading' && second.mode === 'connected', 'a takeover');
  t.is([...second.entries()].length, KEYS);
  await world.time.until(() => unsettled(world) === 0, 'the rest settled');
  t.is(world.server.space('desk').live.state.size, KEYS);
});
