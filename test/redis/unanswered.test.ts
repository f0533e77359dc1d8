/** Unanswered commands on a real server, also where the server answers them all the same. */
import type { ExecutionContext } from 'ava';
import { Redis } from 'ioredis';
import { connect, defineSpace, json } from '../../src/index.ts';
import { bulk } from '../../src/redis/keys.ts';
import type { RedisStore } from '../../src/redis/store.ts';
import { onRealServers } from '../_real.ts';
import { openStore } from '../_redis-rig.ts';
import { RedisServer } from '../_redis-server.ts';
import { Ear, Writer } from '../contract/_store-contract.ts';
import { until } from '../_wait.ts';

interface Stage {
  readonly server: RedisServer;
  readonly hand: Redis;
  readonly store: RedisStore;
  readonly writer: Writer;
  /** Hears the messages of the space. */
  readonly ear: Ear;
  readonly announce: (revision: number) => void;
}

/** A message as Redis sends it to a subscriber. */
function pushOf(message: string): string {
  return `*3\r\n${bulk('message')}${bulk('tandem:{space}:frames')}${bulk(message)}`;
}

/** A store that owns a space, as a user with these permissions. */
async function setTheStage(t: ExecutionContext, ...permissions: readonly string[]): Promise<Stage> {
  const server = await RedisServer.start();
  const hand = new Redis(server.adminUrl, { replyMapping: 'legacy' });
  await hand.acl('SETUSER', 'narrow', 'on', '>word', '+@all', '&*', '~*', ...permissions);
  const store = await openStore(`redis://narrow:word@127.0.0.1:${server.port}`);
  const other = await openStore(server.url);
  t.teardown(async () => {
    store.stop();
    other.stop();
    hand.disconnect();
    await server.stop();
  });
  const writer = new Writer(store, 'space');
  await writer.claim();
  await writer.commit();
  const ear = new Ear();
  await other.subscribe('space', ear.deliver);
  const announce = (revision: number): void => {
    const place = { ...writer.line, prev: revision - 1, revision, cutAt: 1, leaseMs: 500 };
    store.announce('space', { ...place, bye: false, isAhead: true }, [{ key: 'a', revision, json: '1' }]);
  };
  return { server, hand, store, writer, ear, announce };
}

onRealServers('an announcement arrives, and Redis sends nothing back', async (t) => {
  const { hand, store, ear, announce } = await setTheStage(t);
  const sent = async (): Promise<number> =>
    Number(/total_net_output_bytes:(\d+)/.exec(await hand.info('stats'))?.[1]);
  t.true(store.canAnnounce);
  announce(1);
  const [frame] = await ear.hears(1);
  t.is(frame?.revision, 1);
  const own = await sent();
  const withNone = (await sent()) - own;
  const before = await sent();
  const count = 2_000;
  for (let revision = 2; revision < count + 2; revision += 1) announce(revision);
  await ear.hears(count + 1);
  const bytes = (await sent()) - before - withNone;
  const pushed = ear.messages.slice(1).reduce((sum, message) => sum + Buffer.byteLength(pushOf(message)), 0);
  // An answer would be four bytes each. The allowance of two is for pings that are answered meanwhile.
  t.true(bytes < pushed + 2 * count, `${bytes} bytes, of which messages are ${pushed}`);
  t.true(store.canAnnounce);
});

onRealServers('where an ACL forbids CLIENT REPLY, nothing is announced, and all else goes on', async (t) => {
  const { store, writer } = await setTheStage(t, '-client|reply');
  t.false(store.canAnnounce);
  t.is((await writer.commit({ a: '1' })).outcome, 'committed');
});

onRealServers('where an ACL comes to forbid it, no call gets the answer of another', async (t) => {
  const { hand, store, writer, announce } = await setTheStage(t);
  await hand.acl('SETUSER', 'narrow', '-client|reply');
  announce(1);
  const asked = Array.from({ length: 5 }, () => store.since('space', { epoch: 0, revision: 0 }, 10));
  const answers = await Promise.allSettled(asked);
  for (const answer of answers) {
    if (answer.status === 'fulfilled') t.is(answer.value.head.epoch, writer.line.epoch);
    else t.regex((answer.reason as { code: string }).code, /^REDIS_(REFUSED|UNAVAILABLE)$/);
  }
  await until(() => store.commands.up && !store.canAnnounce, 'another connection, which announces nothing');
  t.is((await writer.commit({ a: '1' })).outcome, 'committed');
});

onRealServers(
  'where an ACL comes to forbid it while no call waits, another connection is made all the same',
  async (t) => {
    const { hand, store, writer, announce } = await setTheStage(t);
    await hand.acl('SETUSER', 'narrow', '-client|reply');
    announce(1);
    await until(() => store.commands.up && !store.canAnnounce, 'another connection, which announces nothing');
    t.is((await writer.commit({ a: '1' })).outcome, 'committed');
  },
);

onRealServers('an announcement goes out also in a turn full of heartbeats', async (t) => {
  const { store, writer, ear, announce } = await setTheStage(t);
  const others = Array.from({ length: 250 }, (_, at) => new Writer(store, `idle-${at}`));
  await Promise.all(others.map((one) => one.claim()));
  const heartbeats = others.map((one) => store.commit(one.space, one.cut()));
  t.true(store.canAnnounce);
  announce(1);
  await Promise.all(heartbeats);
  t.is((await ear.hears(1))[0]?.revision, 1);
  t.is((await writer.commit({ a: '1' })).outcome, 'committed');
});

onRealServers('where Redis is busy, no call gets the answer of another', async (t) => {
  const { hand, store, writer, announce } = await setTheStage(t);
  await hand.config('SET', 'busy-reply-threshold', '30');
  const script =
    "local function ms() local t = redis.call('TIME') return t[1] * 1000 + t[2] / 1000 end local from = ms() repeat until ms() - from > 150";
  const ask = (n: number): Promise<unknown> => store.commands.call((client) => client.echo(`question ${n}`));
  for (let tries = 0; tries < 5; tries += 1) {
    await until(() => store.canAnnounce, 'it can announce');
    const busy = hand.duplicate();
    void busy.eval(script, 0).catch(() => {});
    await block(busy, 40);
    announce(1);
    const asked = [ask(0)];
    // The loop is blocked until the script is over: so answers of meanwhile are read in one piece with later
    // ones.
    hold(200);
    asked.push(ask(1), ask(2), ask(3));
    for (const [n, answer] of (await Promise.allSettled(asked)).entries())
      if (answer.status === 'fulfilled') t.is(answer.value, `question ${n}`);
    busy.disconnect();
  }
  await until(() => store.canAnnounce, 'it can announce again');
  t.is((await writer.commit({ a: '1' })).outcome, 'committed');
});

/** Waits until a script that was sent has run for so long. */
async function block(client: Redis, ms: number): Promise<void> {
  await until(() => client.status === 'ready', 'a connection');
  await new Promise((resolve) => setTimeout(resolve, ms));
}

/** Blocks the loop, as work of the user's may. */
function hold(ms: number): void {
  for (const until = performance.now() + ms; performance.now() < until;);
}

onRealServers('a store that comes while Redis loads can announce all the same', async (t) => {
  const { server, hand } = await setTheStage(t);
  const store = await openStore(server.url);
  t.teardown(() => store.stop());
  for (let n = 0; n < 300; n += 1) await hand.set(`ballast/${n}`, 'x'.repeat(2_000));
  await hand.save();
  await server.restart('--key-load-delay', '3000', '--loading-process-events-interval-bytes', '1024');
  await until(() => store.commands.up, 'a connection');
  await until(() => store.canAnnounce, 'it can announce');
  t.pass();
});

onRealServers(
  'an idle owner soon finds that Redis has lost its state, however long its lease is',
  async (t) => {
    const { server, hand } = await setTheStage(t);
    const tandem = connect({ redis: server.url, name: 'idle' });
    t.teardown(() => tandem.stop());
    const space = defineSpace('idle', { key: json<number>() });
    const owner = tandem.own(space, { leaseMs: 600_000 });
    owner.set('key', 1);
    await owner.flush();
    for (let times = 0; times < 3; times += 1) {
      await hand.flushall();
      const lostAt = performance.now();
      await until(async () => (await hand.hget('tandem:{idle}:state', 'key')) === '1', 'the state');
      t.true(performance.now() - lostAt < 5_000);
      t.log(`back after ${Math.round(performance.now() - lostAt)} ms`);
    }
  },
);
