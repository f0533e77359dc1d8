/** The log of processes on a memory server: what a logger gets, and what stands on stderr without one. */
import test from 'ava';
import { createActor } from 'xstate';
import { connect, defineSpace, json } from '../../src/index.ts';
import type { Logger, LogRecord } from '../../src/index.ts';
import { kit, trading } from '../_kit.ts';
import { LogLines, stderrLines, timeless } from '../_log-lines.ts';

test('a logger gets each change of state, with a flat record', async (t) => {
  const { time, server, open } = kit(t);
  const [ofOwner, log] = [new LogLines(), new LogLines()];
  const owner = open('trader', { log: ofOwner }).own(trading);
  owner.set('regime', 's3cret value');
  await time.advance(50);
  const follower = open('api', { log }).follow(trading);
  await time.advance(500);
  t.deepEqual(ofOwner.take(), [
    'info: The owner of space "trading" leads the space',
    'info: The owner of space "trading" is connected',
  ]);
  t.deepEqual(log.take(), [
    'info: The follower of space "trading" is connected',
    'info: The follower of space "trading" hears the owner "trader"',
    'info: The follower of space "trading" is live',
  ]);
  const cutAt = time.wall();
  server.cut('api');
  await time.advance(1_000);
  t.deepEqual(log.all[0]!.record, {
    event: 'mode',
    process: 'api',
    space: 'trading',
    role: 'follower',
    mode: 'degraded',
    freshness: 'live',
    owner: 'alive',
    ownerName: 'trader',
    position: follower.head,
    since: cutAt,
    reason: 'the links of "api" to the memory server are cut',
    code: 'REDIS_UNAVAILABLE',
  } satisfies LogRecord);
  t.like(log.all[1]!.record, { event: 'freshness', freshness: 'stale', reason: log.all[0]!.record.reason! });
  t.is(log.take().length, 2);
  server.restore('api');
  await time.advance(2_000);
  const [again, live] = log.all;
  t.like(again!.record, { event: 'mode', mode: 'connected', reason: 'caught up' });
  t.true(again!.record.lastedMs! >= 1_000);
  t.like(live!.record, { event: 'freshness', freshness: 'live' });
  t.notRegex(JSON.stringify([ofOwner.all, log.all]), /s3cret/);
});

test('a takeover is told by each of those who see it, and the loser is fenced', async (t) => {
  const { time, server, open } = kit(t);
  const logs = { a: new LogLines(), b: new LogLines(), api: new LogLines() };
  const owner = open('a', { log: logs.a }).own(trading);
  await time.advance(100);
  const standby = open('b', { log: logs.b }).own(trading, { standby: true });
  open('api', { log: logs.api }).follow(trading);
  await time.advance(2_000);
  for (const log of Object.values(logs)) log.take();
  server.cut('a');
  owner.set('regime', 'lost');
  await time.advance(4_000);
  t.is(standby.ownership, 'leading');
  server.restore('a');
  await time.advance(1_000);
  const subject = (who: string): string => `The ${who} of space "trading"`;
  const a = 'the owner "a"';
  t.deepEqual(logs.b.take(), [
    `warn: ${subject('standby')} has been stale since T: nothing from ${a} has proved the state current for N ms`,
    `warn: ${subject('standby')} counts ${a} as lost since T: its lease is over`,
    `warn: ${subject('owner')} has taken over the space, after ${a} was lost`,
    `info: ${subject('owner')} is live again, after 2.2 s`,
  ]);
  t.deepEqual(logs.api.take(), [
    `warn: ${subject('follower')} has been stale since T: nothing from ${a} has proved the state current for N ms`,
    `warn: ${subject('follower')} counts ${a} as lost since T: its lease is over`,
    `info: ${subject('follower')} hears a new owner, "b", in place of "a"`,
    `info: ${subject('follower')} is live again, after 2.2 s`,
  ]);
  const lines = logs.a.take();
  t.is(lines.length, 3);
  t.regex(
    lines[1]!,
    /^error: The owner of space "trading" was fenced: space "trading" was taken over by "b"/,
  );
  t.is(lines[2], `error: ${subject('owner')} has ended with 1 change that Redis never confirmed`);
});

test.serial(
  'without a logger, a line on stderr says what is not well, and that it is well again',
  async (t) => {
    const lines = stderrLines(t);
    const { time, server, open } = kit(t);
    open('trader', {}).own(trading);
    await time.advance(50);
    open('api', {}).follow(trading);
    await time.advance(500);
    t.deepEqual(lines, [], 'what goes well from the beginning is not said');
    server.cut('api');
    await time.advance(1_000);
    server.restore('api');
    await time.advance(1_000);
    t.regex(lines[0]!, /^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z tandem WARN api\/trading follower /);
    t.deepEqual(
      lines.map((line) => timeless(line)),
      [
        'T tandem WARN api/trading follower has been degraded since T: the links of "api" to the memory server are cut',
        'T tandem WARN api/trading follower has been stale since T: the links of "api" to the memory server are cut',
        'T tandem INFO api/trading follower is connected again, after 1.0 s',
        'T tandem INFO api/trading follower is live again, after 593 ms',
      ].map((line, n) => (n === 3 ? timeless(lines[3]!) : line)),
    );
    t.regex(lines[3]!, /is live again, after \d+ ms$/);
  },
);

test.serial(
  'stderr is silent about a participant whose errors somebody hears, by whichever way',
  async (t) => {
    const lines = stderrLines(t);
    const { time, server, open } = kit(t);
    const tandem = open('api', {});
    const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => defineSpace(name, { key: json() }));
    tandem.follow(a!).on('error', () => {});
    const ofActor = createActor(tandem.followerLogic(b!), { clock: time.clock });
    ofActor.on('error', () => {});
    ofActor.start();
    const ofAll = createActor(tandem.ownerLogic(c!), { clock: time.clock });
    ofAll.on('*', () => {});
    ofAll.start();
    const ended = tandem.follow(d!).on('error', () => {});
    await time.advance(500);
    server.cut('api');
    await time.advance(500);
    t.deepEqual(lines, []);
    server.restore('api');
    await time.advance(1_000);
    ended.unsubscribe();
    ended.unsubscribe();
    server.cut('api');
    await time.advance(500);
    t.deepEqual([...new Set(lines.map((line) => line.split(' ')[3]))], ['api/d']);
  },
);

test.serial('log: false is silent, and a logger leaves stderr alone', async (t) => {
  const lines = stderrLines(t);
  const { time, server, open } = kit(t);
  open('silent', { log: false }).follow(trading);
  const log = new LogLines();
  open('logged', { log })
    .follow(trading)
    .on('error', () => {});
  await time.advance(200);
  server.cut('silent');
  server.cut('logged');
  await time.advance(1_000);
  t.deepEqual(lines, []);
  t.true(
    log.take().some((line) => line.startsWith('warn: ')),
    'also beside a listener',
  );
});

test('a logger that throws or rejects disturbs nothing', async (t) => {
  const { time, server, open } = kit(t);
  const unhandled: unknown[] = [];
  const note = (reason: unknown): void => void unhandled.push(reason);
  process.on('unhandledRejection', note);
  t.teardown(() => process.off('unhandledRejection', note));
  const fails = (): never => {
    throw new Error('no log');
  };
  const rejects = (() => Promise.reject(new Error('no log'))) as () => void;
  const errors: string[] = [];
  const owner = open('trader', { log: { info: rejects, warn: rejects, error: rejects } }).own(trading);
  const follower = open('api', { log: { info: fails, warn: fails, error: fails } }).follow(trading);
  follower.on('error', ({ error }) => errors.push(error.code));
  await time.advance(500);
  server.cut('api');
  await time.advance(1_000);
  server.restore('api');
  owner.set('regime', 'bull');
  await time.advance(1_000);
  t.like(follower.get('regime'), { value: 'bull', freshness: 'live' });
  t.deepEqual([...new Set(errors)], ['REDIS_UNAVAILABLE']);
  t.deepEqual(unhandled, []);
});

test('a participant that flaps has some lines a minute, and one that says how many were left out', async (t) => {
  const { time, server, join, open } = kit(t);
  const log = new LogLines();
  join('trader').own(trading);
  open('api', { log }).follow(trading);
  await time.advance(500);
  log.take();
  const startedAt = time.now();
  for (let n = 0; n < 95; n += 1) {
    server.cut('api');
    await time.advance(200);
    server.restore('api');
    await time.advance(400);
  }
  await time.advance(startedAt + 120_000 - time.now());
  const summaries = log.all.filter(({ record }) => record.event === 'leftOut');
  t.true(log.all.length <= 62, `${log.all.length} lines in two minutes`);
  t.is(summaries.length, 1);
  const [{ level, record, message }] = summaries as [(typeof log.all)[0]];
  t.is(level, 'warn');
  t.true(record.leftOut! > 100);
  t.regex(
    timeless(message),
    /^The follower of space "trading" has changed so often that \d+ lines were left out within 1 min 0 s: it is connected and live now, and its owner is alive$/,
  );
});

test('a process with very many spaces leaves lines out, and says so', async (t) => {
  const { time, open } = kit(t);
  const log = new LogLines();
  const tandem = open('api', { log });
  for (let n = 0; n < 310; n += 1) tandem.follow(defineSpace(`space-${n}`, { key: json() }));
  await time.advance(1_000);
  t.is(log.all.length, 300);
  await tandem.stop();
  const last = log.all.at(-1)!;
  t.is(log.all.length, 301);
  t.like(last.record, { event: 'leftOut', process: 'api', leftOut: 320 });
  t.is(last.record.space, undefined);
  t.regex(last.message, /^The process left out 320 lines of its spaces within 1\.0 s$/);
});

test('a stop says all that was left to say, and how many were left out', async (t) => {
  const { time, server, open } = kit(t);
  const log = new LogLines();
  const tandem = open('api', { log });
  tandem.follow(trading);
  for (let n = 0; n < 50; n += 1) {
    server.cut('api');
    await time.advance(100);
    server.restore('api');
    await time.advance(300);
  }
  await tandem.stop();
  t.deepEqual(
    log.all.slice(-2).map(({ record }) => [record.event, record.mode]),
    [
      ['leftOut', 'stopped'],
      ['mode', 'stopped'],
    ],
  );
});

test('an option that is no logger is refused, in words', (t) => {
  for (const [log, got] of [
    [true, 'a boolean'],
    [null, 'null'],
    ['warn', 'a string'],
    [{}, 'an object without info, warn, error'],
    [{ info() {}, warn() {} }, 'an object without error'],
    [() => {}, 'a function without info, warn, error'],
  ] as const)
    t.throws(() => connect({ redis: 'redis://127.0.0.1:1', log: log as never }), {
      code: 'INVALID_OPTION',
      message: `log: expected false, or a logger with the methods info, warn and error, got ${got}`,
    });
});

test('loggers of pino and the console have the right type', (t) => {
  // As pino declares it.
  interface LogFn {
    <T, TMsg extends string = string>(
      obj: T,
      msg?: T extends string ? never : TMsg,
      ...args: unknown[]
    ): void;
    (obj: unknown, msg?: string, ...args: unknown[]): void;
    <TMsg extends string = string>(msg: TMsg, ...args: unknown[]): void;
  }
  const pino = {} as { info: LogFn; warn: LogFn; error: LogFn };
  const accepted: Logger[] = [pino, console];
  t.is(accepted.length, 2);
});
