/** Announcements, which go out ahead of their commit, on a real Redis. */
import type { ExecutionContext } from 'ava';
import { Redis } from 'ioredis';
import type { Follower, ModeEvent, OwnOptions, Owner } from '../../src/index.ts';
import { connect, defineSpace, json } from '../../src/index.ts';
import { decodeFence } from '../_messages.ts';
import { decodeFrame } from '../../src/state/message.ts';
import type { Frame } from '../../src/state/frame.ts';
import { printPosition } from '../../src/state/position.ts';
import { FaultProxy } from '../_fault-proxy.ts';
import { onRealServers } from '../_real.ts';
import { evalshas, openStore } from '../_redis-rig.ts';
import { RedisServer } from '../_redis-server.ts';
import { Writer } from '../contract/_store-contract.ts';
import { until } from '../_wait.ts';

const definition = { 'key/*': json<number>() };
const space = defineSpace('announced', definition);
type D = typeof definition;
const LEASE_MS = 300;

interface Stage {
  readonly server: RedisServer;
  readonly proxy: FaultProxy;
  readonly hand: Redis;
  readonly owner: Owner<D>;
  readonly follower: Follower<D>;
  /** All frames that are published, without heartbeats. */
  readonly frames: Frame[];
  readonly fences: number[];
  readonly another: (name: string) => ReturnType<typeof connect>;
}

/** An owner behind a proxy, a follower that is not, and a client that listens to the channel. */
async function setTheStage(t: ExecutionContext, options: OwnOptions = {}): Promise<Stage> {
  const server = await RedisServer.start();
  const proxy = await FaultProxy.start(server.port);
  const hand = new Redis(server.adminUrl, { replyMapping: 'legacy' });
  const ear = hand.duplicate();
  const tandems: ReturnType<typeof connect>[] = [];
  const another = (name: string, redis = server.url): ReturnType<typeof connect> => {
    const tandem = connect({ redis, name });
    tandems.push(tandem);
    return tandem;
  };
  t.teardown(async () => {
    proxy.resume();
    await Promise.all(tandems.map((one) => one.stop()));
    for (const client of [hand, ear]) client.disconnect();
    await proxy.stop();
    await server.stop();
  });
  const frames: Frame[] = [];
  const fences: number[] = [];
  ear.on('message', (_channel: string, message: string) => {
    const fence = decodeFence(message);
    if (fence !== undefined) fences.push(fence);
    else if (decodeFrame(message).changes.length > 0) frames.push(decodeFrame(message));
  });
  await ear.subscribe(`tandem:{${space.name}}:frames`);
  const owner = another('owner', proxy.url).own(space, { leaseMs: LEASE_MS, ...options });
  const follower = another('follower').follow(space);
  await Promise.all([owner.ready(), follower.ready()]);
  return { server, proxy, hand, owner, follower, frames, fences, another };
}

const stored = (hand: Redis, key: string): Promise<string | null> =>
  hand.hget(`tandem:{${space.name}}:state`, key);

onRealServers('a small change is published at once, and stored a moment later', async (t) => {
  const { hand, owner, follower, frames } = await setTheStage(t);
  owner.set('key/a', 1);
  await follower.waitFor(owner.head);
  t.is(follower.get('key/a').value, 1);
  t.like(follower.get('key/a'), { freshness: 'live', source: 'redis', ownerAlive: true });
  await until(async () => (await stored(hand, 'key/a')) === '1', 'the value in Redis');
  // Its commit does not publish it again.
  owner.set('key/b', 2);
  await follower.waitFor(await owner.flush());
  t.deepEqual(
    frames.map(({ changes, isAhead }) => [changes.map(({ key }) => key), isAhead]),
    [
      [['key/a'], true],
      [['key/b'], false],
    ],
  );
});

onRealServers('changes that come within milliseconds are stored by one commit', async (t) => {
  const { hand, owner, follower, frames } = await setTheStage(t);
  const before = await evalshas(hand);
  for (let n = 1; n <= 100; n += 1) {
    owner.set(`key/${n % 5}`, n);
    await new Promise(setImmediate);
  }
  await follower.waitFor(await owner.flush());
  const commits = (await evalshas(hand)) - before;
  t.true(frames.length > commits, `${frames.length} frames, ${commits} commits`);
  t.is(follower.get('key/0').value, 100);
});

onRealServers('with `announce: false` nothing is published that is not stored', async (t) => {
  const { owner, follower, frames } = await setTheStage(t, { announce: false });
  owner.set('key/a', 1);
  await follower.waitFor(owner.head);
  await until(() => frames.length > 0, 'the frame');
  t.deepEqual(
    frames.map(({ isAhead }) => isAhead),
    [false],
  );
});

onRealServers('a large frame, and one that somebody waits for, is published by its commit', async (t) => {
  const { owner, follower, frames } = await setTheStage(t);
  owner.batch(() => {
    for (let n = 0; n < 17; n += 1) owner.set(`key/${n}`, n);
  });
  await follower.waitFor(owner.head);
  owner.set('key/0', 5);
  await owner.flush();
  await until(() => frames.length > 1, 'both frames');
  t.deepEqual(
    frames.map(({ changes, isAhead }) => [changes.length, isAhead]),
    [
      [17, false],
      [1, false],
    ],
  );
});

onRealServers('a late announcement of a superseded owner is applied by nobody', async (t) => {
  const { server, proxy, owner, follower, frames, fences, another } = await setTheStage(t);
  owner.set('key/a', 1);
  const headBefore = await owner.flush();
  await follower.waitFor(headBefore);
  const seen: number[] = [];
  follower.watch('*', ({ value }) => seen.push(value!));
  let fenced = false;
  owner.on('fenced', ({ uncommitted }) => {
    fenced = true;
    t.deepEqual(
      uncommitted.map(({ key, value }) => [key, value]),
      [['key/late', 2]],
    );
  });

  // The announcement is on its way while the lease is still held.
  proxy.blackHole('toServer');
  owner.set('key/late', 2);
  // Another owner claims, and has committed nothing yet.
  const store = await openStore(server.url);
  t.teardown(() => store.stop());
  const successor = new Writer(store, space.name, 'successor/2');
  await until(async () => (await successor.claim()).outcome === 'claimed', 'a lease that has run out');
  // A follower that comes only now has heard of no claim.
  const late = another('late').follow(space);
  await late.ready();
  proxy.resume();
  await until(
    () => frames.some(({ changes }) => changes.some(({ key }) => key === 'key/late')),
    'the late announcement',
  );
  await until(() => fenced, 'an owner that is fenced');
  for (const participant of [follower, late]) {
    t.is(participant.get('key/late').value, undefined);
    t.is(participant.head, headBefore);
  }
  await successor.commit({ 'key/b': '3' });
  const head = printPosition(successor.head);
  await Promise.all([follower, late].map((participant) => participant.waitFor(head)));
  t.deepEqual(seen, [3]);
  t.deepEqual(fences.slice(1), [successor.line.epoch]);
});

onRealServers('a state that is read again is in step with the commits of meanwhile', async (t) => {
  const { owner, follower } = await setTheStage(t, { announce: false });
  owner.batch(() => {
    for (let n = 0; n < 2_000; n += 1) owner.set(`key/${n}`, n);
  });
  await follower.waitFor(await owner.flush());
  let n = 0;
  const timer = setInterval(() => owner.set(`key/${(n += 1) % 20}`, n), 1);
  t.teardown(() => clearInterval(timer));
  for (let times = 0; times < 30; times += 1) t.is((await follower.refresh()).differed, 0);
});

onRealServers(
  'a follower that comes while much is announced connects once, and misses nothing',
  async (t) => {
    const { owner, another } = await setTheStage(t);
    let n = 0;
    const timer = setInterval(() => owner.set(`key/${(n += 1) % 20}`, n), 1);
    t.teardown(() => clearInterval(timer));
    for (let comer = 0; comer < 10; comer += 1) {
      const participant = another(`comer-${comer}`).follow(space);
      const modes: string[] = [];
      participant.on('mode', ({ mode, reason }: ModeEvent) => modes.push(`${mode}: ${reason}`));
      await participant.ready();
      await participant.waitFor(owner.head);
      t.deepEqual(
        modes.map((one) => one.split(':')[0]),
        ['connected'],
        modes.join('; '),
      );
      t.is((await participant.refresh()).differed, 0);
    }
  },
);
