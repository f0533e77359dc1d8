/** The supervision of a connection, on fake time and over clients that a test made up. */
import { EventEmitter } from 'node:events';
import test from 'ava';
import { TandemError } from '../../src/base/errors.ts';
import type { Client } from '../../src/redis/target.ts';
import type { ConnectionOptions } from '../../src/redis/connection.ts';
import { Connection } from '../../src/redis/connection.ts';
import { FakeTime } from '../../src/base/fake-time.ts';

/** As much of an ioredis client as a connection supervises. */
class FakeClient extends EventEmitter {
  readonly isCluster = false;
  readonly options = {};
  readonly madeAt: number;
  status = 'wait';
  isThrownAway = false;

  constructor(madeAt: number) {
    super();
    this.madeAt = madeAt;
  }

  connect(): Promise<void> {
    this.status = 'connecting';
    return Promise.resolve();
  }

  disconnect(): void {
    this.status = 'end';
    this.isThrownAway = true;
  }

  ready(): void {
    this.status = 'ready';
    this.emit('ready');
  }
}

function setTheStage(options: Partial<ConnectionOptions> = {}) {
  const time = new FakeTime();
  const clients: FakeClient[] = [];
  const make = (): Client => {
    clients.push(new FakeClient(time.now()));
    return clients.at(-1) as unknown as Client;
  };
  const news: string[] = [];
  const connection = new Connection({
    make,
    time,
    deadlineMs: 500,
    ping: () => Promise.resolve(),
    changed: ({ isUp, isAgain }) => news.push(`${isUp ? 'up' : 'down'}${isAgain ? ' again' : ''}`),
    ...options,
  });
  const last = (): FakeClient => clients.at(-1)!;
  const comeUp = async (): Promise<void> => {
    const { length } = clients;
    if (clients.at(-1)?.isThrownAway === true) await time.until(() => clients.length > length, 'a client');
    last().ready();
    await time.settle();
  };
  return { time, clients, connection, news, last, comeUp };
}

const replyError = (message: string): Error => Object.assign(new Error(message), { name: 'ReplyError' });
const never = (): Promise<never> => new Promise(() => {});

test('nothing is made before somebody watches, and calls are refused until Redis has answered', async (t) => {
  const { connection, clients, last, time } = setTheStage();
  t.is(clients.length, 0);
  await t.throwsAsync(
    connection.call(() => Promise.resolve()),
    { message: 'not connected to Redis yet' },
  );
  connection.watch(() => {});
  t.false(connection.up);
  last().ready();
  t.false(connection.up, 'ready is the word of the client alone');
  await time.settle();
  t.true(connection.up);
  t.is(await connection.call(() => Promise.resolve(5)), 5);
});

test('a client that is lost is replaced, and its calls are rejected at once', async (t) => {
  const { connection, clients, last, news, comeUp } = setTheStage();
  let told = 0;
  connection.watch(() => (told += 1));
  await comeUp();
  const call = connection.call(never);
  last().emit('error', new Error('read ECONNRESET'));
  last().emit('close');
  await t.throwsAsync(call, { code: 'REDIS_UNAVAILABLE', message: /ECONNRESET/ });
  t.true(clients[0]!.isThrownAway);
  t.is(connection.error?.code, 'REDIS_UNAVAILABLE');
  await comeUp();
  t.true(connection.up);
  t.is(connection.error, undefined);
  t.deepEqual(news, ['up', 'down again', 'up again']);
  t.is(told, 3);
});

test('a server that misses a deadline is taken for dead, and the outcome of all calls is unknown', async (t) => {
  const { connection, time, clients, comeUp } = setTheStage();
  connection.start();
  await comeUp();
  const calls = [connection.call(never), connection.call(never)];
  const settled = Promise.allSettled(calls);
  await time.advance(499);
  t.true(connection.up);
  await time.advance(1);
  t.false(connection.up);
  for (const one of await settled)
    t.is(
      one.status === 'rejected' && one.reason.message,
      'Redis did not answer within 500 ms (commandTimeoutMs)',
    );
  t.true(clients[0]!.isThrownAway);
});

test('pauses count from the beginning of a try: one that hung has waited already', async (t) => {
  const { connection, time, clients } = setTheStage();
  connection.start();
  await time.advance(20_000);
  const gaps = clients.slice(1).map(({ madeAt }, at) => madeAt - clients[at]!.madeAt);
  for (const gap of gaps) t.true(gap >= 700 + 25 && gap <= 850, `${gap} ms`);
});

test('after a refusal the pause is long from the first time on', async (t) => {
  const { connection, time, clients, last } = setTheStage();
  connection.start();
  last().emit('error', replyError('WRONGPASS invalid username-password pair'));
  t.is(connection.error?.code, 'REDIS_REFUSED');
  await time.advance(399);
  t.is(clients.length, 1);
  await time.advance(402);
  t.is(clients.length, 2);
});

test('a replica is given up: the address may lead to a master by now', async (t) => {
  const { connection, clients, comeUp } = setTheStage();
  connection.start();
  await comeUp();
  await t.throwsAsync(
    connection.call(() => Promise.reject(replyError('READONLY replica'))),
    { code: 'REDIS_NOT_READY' },
  );
  t.true(clients[0]!.isThrownAway);
  t.false(connection.up);
});

test('a function that gives no client is called once; one that fails is called again', async (t) => {
  for (const [error, calls] of [
    [new TandemError('INVALID_OPTION', 'no client'), 1],
    [new Error('no DNS today'), 3],
  ] as const) {
    let made = 0;
    const make = (): Client => {
      made += 1;
      throw error;
    };
    const { connection, time } = setTheStage({ make });
    const told: (string | undefined)[] = [];
    connection.watch(() => told.push(connection.error?.code));
    t.is(connection.error, undefined, 'whoever watches is told, not surprised');
    await time.advance(5_000);
    t.true(calls === 1 ? made === 1 : made >= calls, `${made} calls`);
    t.deepEqual(told, [calls === 1 ? 'INVALID_OPTION' : 'REDIS_UNAVAILABLE'], 'the same error is told once');
  }
});

test('a warning is looked for once a connection', async (t) => {
  let looked = 0;
  const inspect = (): Promise<TandemError> => {
    looked += 1;
    return Promise.resolve(new TandemError('EVICTION_POLICY', 'evicts'));
  };
  const { connection, time, last, comeUp } = setTheStage({ inspect });
  connection.start();
  await comeUp();
  const first = connection.warning;
  t.is(first?.code, 'EVICTION_POLICY');
  await time.advance(2_000);
  t.is(looked, 1);
  last().emit('close');
  await comeUp();
  t.is(looked, 2);
  t.not(connection.warning, first, 'a new one with each connection');
});

test('after stop nothing is tried, whichever phase it was in', async (t) => {
  type Stage = ReturnType<typeof setTheStage>;
  const phases: readonly ((stage: Stage) => Promise<void>)[] = [
    async () => {},
    async ({ connection }) => connection.start(),
    async ({ connection, last }) => (connection.start(), last().ready()),
    async ({ connection, comeUp }) => (connection.start(), await comeUp()),
    async ({ connection, last }) => (connection.start(), void last().emit('close')),
  ];
  for (const enter of phases) {
    const stage = setTheStage();
    await enter(stage);
    const { connection, clients, time } = stage;
    const { length } = clients;
    connection.stop();
    connection.start();
    await time.advance(5_000);
    t.is(clients.length, length);
    t.is(time.pending, 0);
    t.false(connection.up);
    await t.throwsAsync(
      connection.call(() => Promise.resolve()),
      { message: 'the connection is closed' },
    );
  }
});
