/** What is sent without being answered, and a server that does not go along with that: on a real one. */
import type { ExecutionContext } from 'ava';
import { Redis } from 'ioredis';
import type { RedisStore } from '../src/redis/store.ts';
import { onRealServers } from './_real.ts';
import { openStore } from './_redis-rig.ts';
import { RedisServer } from './_redis-server.ts';
import { Ear, Writer } from './_store-contract.ts';
import { until } from './_wait.ts';

interface Stage {
  readonly hand: Redis;
  readonly store: RedisStore;
  readonly writer: Writer;
  /** Hears what is published of the space. */
  readonly ear: Ear;
  readonly announce: (revision: number) => void;
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
  return { hand, store, writer, ear, announce };
}

onRealServers('what is announced arrives, and Redis sends nothing back', async (t) => {
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
  for (let revision = 2; revision < 102; revision += 1) announce(revision);
  const frames = await ear.hears(101);
  const each = frames.length - 1;
  const message = Buffer.byteLength(ear.messages.at(-1)!);
  // Of each what its subscriber is told, and less than an answer above that.
  const told = (await sent()) - before - withNone;
  t.true(told < each * (message + 64) + 1_000, `${told} bytes for ${each} messages of ${message}`);
  t.true(store.canAnnounce);
});

onRealServers(
  'where it may not say that nothing is to be answered, nothing is announced, and all else goes on',
  async (t) => {
    const { store, writer } = await setTheStage(t, '-client|reply');
    t.false(store.canAnnounce);
    t.is((await writer.commit({ a: '1' })).outcome, 'committed');
  },
);

onRealServers('where it may not any more, no answer is taken for that of another call', async (t) => {
  const { hand, store, writer, announce } = await setTheStage(t);
  await hand.acl('SETUSER', 'narrow', '-client|reply');
  announce(1);
  const asked = Array.from({ length: 5 }, () => store.since('space', { epoch: 0, revision: 0 }, 10));
  const answers = await Promise.allSettled(asked);
  for (const answer of answers) {
    if (answer.status === 'fulfilled') t.is(answer.value.head.epoch, writer.line.epoch);
    else t.regex((answer.reason as { code: string }).code, /^REDIS_(REFUSED|UNAVAILABLE)$/);
  }
  await until(() => store.commands.up && !store.canAnnounce, 'another connection, that announces nothing');
  t.is((await writer.commit({ a: '1' })).outcome, 'committed');
});

onRealServers(
  'where it may not any more, and asks for nothing, the connection is made anew all the same',
  async (t) => {
    const { hand, store, writer, announce } = await setTheStage(t);
    await hand.acl('SETUSER', 'narrow', '-client|reply');
    announce(1);
    await until(() => store.commands.up && !store.canAnnounce, 'another connection, that announces nothing');
    t.is((await writer.commit({ a: '1' })).outcome, 'committed');
  },
);
