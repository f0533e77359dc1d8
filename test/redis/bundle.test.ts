/** Heartbeats of several spaces in one call, where one of them stands in the way of that: on a real server. */
import type { ExecutionContext } from 'ava';
import { Redis } from 'ioredis';
import type { RedisStore } from '../../src/redis/store.ts';
import { onRealServer } from '../_real.ts';
import { evalshas, openStore } from '../_redis-rig.ts';
import { RedisServer } from '../_redis-server.ts';
import { Writer } from '../contract/_store-contract.ts';

const COUNT = 40;

interface Stage {
  readonly store: RedisStore;
  readonly hand: Redis;
  readonly writers: readonly Writer[];
  readonly outcomes: () => Promise<string[]>;
}

/** Forty spaces that one store owns. */
async function setTheStage(t: ExecutionContext, user = 'default'): Promise<Stage> {
  const server = await RedisServer.start();
  const hand = new Redis(server.adminUrl, { replyMapping: 'legacy' });
  await hand.acl('SETUSER', 'narrow', 'on', '>word', '+@all', '&*', '~*');
  const redis = `redis://${user}:word@127.0.0.1:${server.port}`;
  const store = await openStore(user === 'default' ? server.url : redis);
  t.teardown(async () => {
    store.stop();
    hand.disconnect();
    await server.stop();
  });
  const writers = Array.from({ length: COUNT }, (_, at) => new Writer(store, `space-${at}`));
  await Promise.all(writers.map((one) => one.claim()));
  await Promise.all(writers.map((one) => one.commit({ a: '1' })));
  const outcomes = async (): Promise<string[]> => {
    const done = await Promise.allSettled(writers.map((one) => store.commit(one.space, one.cut())));
    return done.map((one) => (one.status === 'fulfilled' ? one.value.outcome : String(one.reason.code)));
  };
  return { store, hand, writers, outcomes };
}

const committed = Array.from({ length: COUNT }, () => 'committed');

onRealServer('heartbeats of forty spaces take two calls', async (t) => {
  const { hand, outcomes } = await setTheStage(t);
  t.deepEqual(await outcomes(), committed);
  const before = await evalshas(hand);
  t.deepEqual(await outcomes(), committed);
  t.is((await evalshas(hand)) - before, 2);
});

onRealServer('they are made as well where Redis has lost its scripts', async (t) => {
  const { hand, outcomes } = await setTheStage(t);
  await outcomes();
  await hand.script('FLUSH');
  t.deepEqual(await outcomes(), committed);
});

onRealServer('a space whose keys are of another type harms no other', async (t) => {
  const { hand, writers, outcomes } = await setTheStage(t);
  const state = `tandem:{${writers[7]!.space}}:state`;
  await hand.del(state);
  await hand.set(state, 'of another type');
  t.deepEqual(await outcomes(), committed.with(7, 'REDIS_REFUSED'));
  const before = await evalshas(hand);
  t.deepEqual(await outcomes(), committed.with(7, 'REDIS_REFUSED'));
  t.is((await evalshas(hand)) - before, 3, 'it alone is asked for once more');
});

onRealServer('a space that may not be touched any more harms no other', async (t) => {
  const { hand, outcomes } = await setTheStage(t, 'narrow');
  await hand.acl('SETUSER', 'narrow', 'resetkeys', '~tandem:{space-?}:*', '~tandem:{space-[1-3]?}:*');
  t.deepEqual(await outcomes(), committed, 'all of them still may');
  t.deepEqual(await outcomes(), committed, 'also together');
  await hand.acl('SETUSER', 'narrow', 'resetkeys', '~tandem:{space-?}:*', '~tandem:{space-[1-2]?}:*');
  const expected = committed.map((outcome, at) => (at < 30 ? outcome : 'REDIS_REFUSED'));
  t.deepEqual(await outcomes(), expected);
});

onRealServer('where Redis is out, each is told so', async (t) => {
  const { store, outcomes } = await setTheStage(t);
  await outcomes();
  const asked = outcomes();
  store.stop();
  t.deepEqual(
    await asked,
    committed.map(() => 'REDIS_UNAVAILABLE'),
  );
});
