/** A wait that times out says what stood in the way. Participants on the store in memory, under a fake time. */
import type { ExecutionContext } from 'ava';
import test from 'ava';
import type { TandemError } from '../../src/index.ts';
import { defineSpace, json } from '../../src/index.ts';
import type { MemoryProcess } from '../_memory-world.ts';
import { cut, MemoryWorld, mend } from '../_memory-world.ts';

const space = defineSpace('desk', { a: json<number>() });

/** The `TIMEOUT` with which a wait ends. */
async function late(
  t: ExecutionContext,
  world: MemoryWorld,
  waiting: Promise<unknown>,
): Promise<TandemError> {
  const failed = t.throwsAsync<TandemError>(waiting, { code: 'TIMEOUT' });
  return world.result(failed);
}

/** An owner that dies: its links are cut, so that its lease stays behind and runs out. */
async function deadOwner(world: MemoryWorld, name: string): Promise<MemoryProcess> {
  const process = world.process(name);
  await world.result(process.tandem.own(space).ready());
  cut(process);
  return process;
}

test('an owner that was started again at once says whose lease it waits for, and for how long', async (t) => {
  const world = new MemoryWorld();
  await deadOwner(world, 'trading-1');
  const owner = world.process('trading-2').tandem.own(space);
  const held: unknown[] = [];
  owner.on('ownership', ({ ownership, heldBy }) => heldBy && held.push([ownership, heldBy.ownerName]));
  owner.set('a', 1);
  const { message } = await late(t, world, owner.flush({ timeoutMs: 1_000 }));
  const [, leftMs] =
    /within 1000 ms: .*"trading-1" holds the space: its lease runs for another (\d+) ms/.exec(message) ?? [];
  t.true(Number(leftMs) > 1_500 && Number(leftMs) < 2_500, message);
  t.deepEqual(held, [['claiming', 'trading-1']], 'an event has said so before');
  await world.result(owner.flush({ timeoutMs: 3_000 }));
  t.is(owner.ownership, 'leading', 'it waited the lease out');
});

test('a second owner is refused in an event as well as in its waits, and for good', async (t) => {
  const world = new MemoryWorld();
  const first = world.process('trading-1').tandem.own(space);
  await world.result(first.ready());
  const second = world.process('trading-2').tandem.own(space);
  const began = world.time.now();
  const said: string[] = [];
  second.on('ownership', ({ ownership, heldBy }) => {
    if (heldBy || ownership !== 'claiming') said.push(heldBy?.ownerName ?? ownership);
  });
  second.on('error', ({ error }) => said.push(error.code));
  second.on('fenced', ({ error }) => said.push(`fenced: ${error.code}`));
  const refused = await world.result(t.throwsAsync<TandemError>(second.ready(), { code: 'OWNED_ELSEWHERE' }));
  t.false(refused.retryable);
  await world.time.until(() => said.includes('fenced: OWNED_ELSEWHERE'), 'the event');
  t.deepEqual(said, ['trading-1', 'fenced', 'OWNED_ELSEWHERE', 'fenced: OWNED_ELSEWHERE']);
  t.true(world.time.now() - began < 1_500, 'two renewals of the owner have shown that it lives');
  t.throws(() => second.set('a', 1), { code: 'OWNED_ELSEWHERE' });
});

test('a wait names each connection that is down, and why', async (t) => {
  const world = new MemoryWorld();
  const [trading, api] = [world.process('trading-1'), world.process('api-1')];
  cut(trading);
  const owner = trading.tandem.own(space);
  const unowned = await late(t, world, owner.ready({ timeoutMs: 100 }));
  t.regex(unowned.message, /was not owned within 100 ms: the connection to Redis for commands is down: /);
  t.is((unowned.cause as TandemError).code, 'REDIS_UNAVAILABLE');
  api.store.subscriber.cut();
  const follower = api.tandem.follow(space);
  const unread = await late(t, world, follower.ready({ timeoutMs: 100 }));
  t.regex(
    unread.message,
    /was not read within 100 ms: the connection to Redis for messages is down: .*; no owner was ever heard$/,
  );
  mend(trading);
  api.store.subscriber.mend();
  await world.result(Promise.all([owner.ready(), follower.ready()]));
});

test('a wait for a position says where the follower is, and how its owner is', async (t) => {
  const world = new MemoryWorld();
  const follower = world.process('api-1').tandem.follow(space);
  await world.result(follower.ready());
  const never = await late(t, world, follower.waitFor('1-1', { timeoutMs: 50 }));
  t.is(
    never.message,
    'space "desk" did not come to 1-1 within 50 ms: this follower is at 0-0; no owner was ever heard',
  );
  t.is(never.cause, undefined);
  await deadOwner(world, 'trading-1');
  const far = `${Number.MAX_SAFE_INTEGER}-1`;
  const alive = await late(t, world, follower.waitFor(far, { timeoutMs: 50 }));
  t.regex(alive.message, /this follower is at \d+-0; the owner "trading-1" is alive$/);
  const gone = await late(t, world, follower.waitFor(far, { timeoutMs: 4_000 }));
  t.regex(gone.message, /the owner "trading-1" is gone: its lease has run out$/);
});

test('a flush that Redis does not confirm says how far Redis is', async (t) => {
  const world = new MemoryWorld();
  const process = world.process('trading-1');
  const owner = process.tandem.own(space);
  await world.result(owner.ready());
  cut(process);
  owner.set('a', 1);
  const { message } = await late(t, world, owner.flush({ timeoutMs: 100 }));
  t.regex(message, /commands is down: .*; Redis has confirmed \d+-0 of \d+-1$/);
});

test('a standby says that the owner lives', async (t) => {
  const world = new MemoryWorld();
  const owner = world.process('trading-1').tandem.own(space);
  await world.result(owner.ready());
  const standby = world.process('trading-2').tandem.own(space, { standby: true });
  const { message } = await late(t, world, standby.ready({ timeoutMs: 1_000 }));
  t.regex(message, /this is a standby, and the owner "trading-1" is alive$/);
});
