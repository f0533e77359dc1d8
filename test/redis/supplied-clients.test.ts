/**
 * Clients that a function of the user's gives: new ones are ours, and one that is the user's own is left
 * alone.
 */
import type { ExecutionContext } from 'ava';
import { Redis } from 'ioredis';
import type { ConnectOptions } from '../../src/index.ts';
import { connect, defineSpace, json } from '../../src/index.ts';
import { onRealServers } from '../_real.ts';
import { RedisServer } from '../_redis-server.ts';
import { until } from '../_wait.ts';

const space = defineSpace('space', { a: json() });

async function setTheStage(t: ExecutionContext, options: object = {}) {
  const server = await RedisServer.start();
  const mine = new Redis(server.url, { replyMapping: 'legacy', ...options });
  t.teardown(async () => {
    mine.disconnect();
    await server.stop();
  });
  return { server, mine };
}

/** Owns and follows over the target, and collects the codes of the errors. */
function open(t: ExecutionContext, redis: ConnectOptions['redis']) {
  const tandem = connect({ redis, telemetry: false });
  t.teardown(() => tandem.stop({ timeoutMs: 100 }));
  const owner = tandem.own(space);
  const follower = tandem.follow(space);
  const codes: string[] = [];
  owner.on('error', ({ error }) => codes.push(error.code));
  follower.on('error', ({ error }) => codes.push(error.code));
  return { tandem, owner, follower, codes };
}

/** What of a client could have been changed, and does not change by itself. */
function stateOf(client: Redis) {
  const listeners = ['error', 'message', 'end'].map((name) => client.listenerCount(name));
  return { listeners, options: { ...client.options }, isPatched: Object.hasOwn(client, 'sendCommand') };
}

for (const [title, moment] of [
  ['that is connected', async (mine: Redis) => void (await mine.set('x', 1))],
  ['that is connecting', () => Promise.resolve()],
] as const) {
  onRealServers(
    `a client ${title}, given for every call, stays as it is, and its user is told`,
    async (t) => {
      const { server, mine } = await setTheStage(t);
      await moment(mine);
      const before = stateOf(mine);
      const { tandem, owner, follower, codes } = open(t, () => mine);
      owner.set('a', 1);
      await Promise.all([owner.ready(), follower.ready()]);
      t.deepEqual([...new Set(codes)], ['INVALID_OPTION']);
      t.deepEqual(stateOf(mine), before);

      // All connections are lost, and come back: the user's own by what ioredis does for it.
      const admin = new Redis(server.adminUrl, { replyMapping: 'legacy' });
      t.teardown(() => admin.disconnect());
      mine.on('error', () => {});
      await admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
      await admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      owner.set('a', 2);
      await until(() => {
        const { freshness, value } = follower.get('a');
        return freshness === 'live' && value === 2;
      }, 'the value over new connections');
      t.is(await mine.ping(), 'PONG');
      await tandem.stop();
      t.is(mine.status, 'ready');
      t.is(await mine.ping(), 'PONG');
    },
  );
}

onRealServers('a client that two processes of Tandem share stays as it is', async (t) => {
  const { mine } = await setTheStage(t);
  await mine.ping();
  const first = open(t, () => mine);
  const second = open(t, () => mine);
  // One of the two owners gets the space.
  const owned = Promise.any([first.owner.ready(), second.owner.ready()]);
  await Promise.all([owned, first.follower.ready(), second.follower.ready()]);
  await Promise.all([first.tandem.stop(), second.tandem.stop()]);
  t.true(first.codes.includes('INVALID_OPTION') && second.codes.includes('INVALID_OPTION'));
  t.is(await mine.ping(), 'PONG');
});

onRealServers(
  'a client with a keyPrefix, and what is no client, are refused and stay as they are',
  async (t) => {
    const { server, mine } = await setTheStage(t, { keyPrefix: 'app:' });
    await mine.ping();
    const before = stateOf(mine);
    for (const given of [() => mine, async () => Promise.resolve(mine), () => ({ redis: mine })]) {
      const { owner, codes } = open(t, given as never);
      await until(() => codes.includes('INVALID_OPTION'), 'the refusal');
      await t.throwsAsync(owner.ready({ timeoutMs: 50 }), { code: 'TIMEOUT' });
    }
    t.deepEqual(stateOf(mine), before);
    t.is(await mine.ping(), 'PONG');
    t.is(server.isRunning, true);
  },
);

onRealServers('a function is asked for one client more, which opens no connection', async (t) => {
  const { server, mine } = await setTheStage(t);
  const made: Redis[] = [];
  const { owner, follower, codes } = open(t, () => {
    made.push(new Redis(server.url));
    return made.at(-1)!;
  });
  await Promise.all([owner.ready(), follower.ready()]);
  t.deepEqual(codes, []);
  t.is(made.length, 3);
  t.deepEqual(made.map(({ status }) => status).toSorted(), ['end', 'ready', 'ready']);
  const clients = (await mine.call('CLIENT', 'LIST', 'TYPE', 'normal')) as string;
  // The hand of this test, and the connection for commands.
  t.is(clients.trim().split('\n').length, 2);
});
