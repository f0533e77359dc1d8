/**
 * Every way in which Redis, ioredis, Node or a function of the user's hands back what it was given: a
 * password, a value, a URL. All that the process says is searched for them: errors at any depth, events,
 * reasons, HTTP, spans, metrics, and what it writes.
 *
 * ioredis is instrumented as an application may have it: each command is published, and an error gets the
 * command that it is about, with all arguments.
 */
import { tracingChannel } from 'node:diagnostics_channel';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:http';
import { inspect } from 'node:util';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import type { Command } from 'ioredis';
import { Redis } from 'ioredis';
import Koa from 'koa';
import type { ConnectOptions } from '../../src/index.ts';
import { connect, defineSpace, json } from '../../src/index.ts';
import { directRouter, statusRouter } from '../../src/koa.ts';
import { onRealServer } from '../_real.ts';
import { RedisServer } from '../_redis-server.ts';
import { shown } from '../_shown.ts';
import { TestTelemetry } from '../_telemetry.ts';
import { until } from '../_wait.ts';

const telemetry = new TestTelemetry();
const space = defineSpace('space', { a: json() });

const VALUE = 'canary-of-a-value';
const TOKEN = 'canary-of-a-token';
const PASSWORD = 'canary-of-a-password';

/** What ioredis publishes of each command: its name, and the arguments that it takes for harmless. */
const published: { command: string; text: string }[] = [];
const unhandled: unknown[] = [];
const WHOLE = { depth: 20, maxStringLength: null, maxArrayLength: null };
const written: string[] = [];

test.before(() => {
  instrument();
  process.on('unhandledRejection', (reason) => unhandled.push(reason));
  for (const stream of [process.stdout, process.stderr]) {
    const write = stream.write.bind(stream);
    stream.write = (chunk: string | Uint8Array) => {
      written.push(Buffer.from(chunk as string).toString());
      return write(chunk);
    };
  }
});

function instrument(): void {
  const start = (context: unknown): void => {
    const { command } = context as { command: string };
    published.push({ command, text: inspect(context, WHOLE) });
  };
  tracingChannel('ioredis:command').subscribe({ start } as never);
  const { prototype } = Redis;
  // oxlint-disable-next-line typescript/unbound-method -- called with its client below
  const send = prototype.sendCommand as (
    this: Redis,
    command: Command,
    stream: undefined,
  ) => Promise<unknown>;
  async function sendTraced(this: Redis, command: Command, stream: undefined): Promise<unknown> {
    try {
      return await send.call(this, command, stream);
    } catch (error) {
      const statement = `${command.name} ${command.args.join(' ')}`;
      const { message } = error as Error;
      throw Object.assign(error as Error, { message: `${message} [${statement}]`, command, statement });
    }
  }
  prototype.sendCommand = sendTraced;
}

/** What a process said in a run: all of it as one text, and the codes of its errors. */
interface Said {
  readonly text: string;
  readonly codes: ReadonlySet<string>;
}

/** Owns and follows at a target, sets a value, asks over HTTP, and stops. */
async function run(
  t: ExecutionContext,
  redis: ConnectOptions['redis'],
  ends: (codes: ReadonlySet<string>) => boolean,
  direct?: { url: string; token: string },
): Promise<Said> {
  const pieces: string[] = [];
  const codes = new Set<string>();
  const tandem = connect({ redis, name: 'process' });
  const owner = tandem.own(space);
  const follower = tandem.follow(space, { ...(direct && { direct: { ...direct, mode: 'always' } }) });
  const hear = ({ error }: { error: Error & { code: string } }): void => {
    codes.add(error.code);
    pieces.push(shown(error));
  };
  const note = (event: object): void => void pieces.push(inspect(event, { depth: 9 }));
  owner.on('error', hear);
  owner.on('mode', note);
  follower.on('error', hear);
  follower.on('mode', note);
  const app = new Koa();
  app.silent = true;
  app.use(statusRouter(tandem).routes());
  const http = app.listen(0, '127.0.0.1');
  await once(http, 'listening');
  t.teardown(() => http.closeAllConnections());
  telemetry.in('decide', () => owner.set('a', VALUE));
  const wait = { timeoutMs: 200 };
  for (const rejected of [owner.ready(wait), follower.ready(wait), owner.flush(wait)])
    await rejected.catch((error: unknown) => pieces.push(shown(error)));
  await until(() => ends(codes), `the errors, of which there are ${[...codes].join(', ')}`);
  const { port } = http.address() as AddressInfo;
  for (const path of ['/readyz?verbose', '/spaces', '/livez', '/status'])
    pieces.push(await (await fetch(`http://127.0.0.1:${port}${path}`)).text());
  pieces.push(owner.reason, follower.reason, inspect(tandem, { depth: 20, showHidden: true }));
  await tandem.stop({ timeoutMs: 100 });
  http.close();
  return { text: pieces.join('\n'), codes };
}

async function assertNothingLeaked(t: ExecutionContext, { text }: Said): Promise<void> {
  const exported = inspect([telemetry.spans, await telemetry.collect()], {
    depth: null,
    maxArrayLength: null,
    maxStringLength: null,
  });
  const outputs = {
    text,
    exported,
    written: written.join(''),
    published: published.map((one) => one.text).join('\n'),
  };
  for (const [name, output] of Object.entries(outputs))
    t.is(/.{0,120}canary.{0,40}/.exec(output)?.[0], undefined, name);
  t.deepEqual(unhandled, []);
}

const renamed = (...names: string[]): string[] =>
  names.flatMap((name) => ['--rename-command', name, `HIDDEN_${name}`]);
const as =
  (user: string, password = PASSWORD) =>
  (server: RedisServer): string =>
    server.url.replace('redis://', `redis://${user}:${password}@`);
const asNobody = (server: RedisServer): string => server.url;
const trader = (...rules: string[]): string[] => [
  '--user',
  'trader',
  'on',
  `>${PASSWORD}`,
  '~*',
  '&*',
  '+@all',
  ...rules,
];

const refusals: [title: string, args: string[], url: (server: RedisServer) => string, code: string][] = [
  ['a wrong password', ['--requirepass', PASSWORD], as('', `${PASSWORD}-but-wrong`), 'REDIS_REFUSED'],
  ['no password where one is needed', ['--requirepass', PASSWORD], asNobody, 'REDIS_REFUSED'],
  ['a wrong password of an ACL user', trader(), as('trader', `${PASSWORD}-but-wrong`), 'REDIS_REFUSED'],
  ['an ACL user that there is not', trader(), as('nobody'), 'REDIS_REFUSED'],
  ['AUTH and HELLO renamed', [...renamed('AUTH', 'HELLO')], as('trader'), 'REDIS_REFUSED'],
  ['EVAL renamed', renamed('EVAL'), asNobody, 'REDIS_REFUSED'],
  ['EVALSHA renamed', renamed('EVALSHA'), asNobody, 'REDIS_REFUSED'],
  ['PUBLISH renamed', renamed('PUBLISH'), asNobody, 'REDIS_REFUSED'],
  ['HSET renamed', renamed('HSET'), asNobody, 'REDIS_REFUSED'],
  ['TIME renamed', renamed('TIME'), asNobody, 'REDIS_REFUSED'],
  ['SUBSCRIBE renamed', renamed('SUBSCRIBE'), asNobody, 'REDIS_REFUSED'],
  ['evalsha forbidden', trader('-evalsha'), as('trader'), 'REDIS_REFUSED'],
  ['hset forbidden', trader('-hset'), as('trader'), 'REDIS_REFUSED'],
  ['the keys forbidden', trader('resetkeys', '~other:*'), as('trader'), 'REDIS_REFUSED'],
  ['the channel forbidden', trader('resetchannels'), as('trader'), 'REDIS_REFUSED'],
  ['no memory', ['--maxmemory', '100kb'], asNobody, 'REDIS_NOT_READY'],
];

for (const [title, args, url, code] of refusals) {
  onRealServer(`no secret is told: ${title}`, async (t) => {
    const server = await RedisServer.start(...args);
    t.teardown(() => server.stop());
    await assertNothingLeaked(t, await run(t, url(server), (codes) => codes.has(code)));
  });
}

onRealServer('a script that is sent as text publishes no argument, and none that fails does', async (t) => {
  const server = await RedisServer.start();
  t.teardown(() => server.stop());
  published.length = 0;
  const said = await run(t, server.url, () => true);
  await assertNothingLeaked(t, said);
  t.true(
    published.some(({ command }) => command === 'eval'),
    'a new server knows no script',
  );
  t.true(published.some(({ command }) => command === 'evalsha'));
  // INFO, CLIENT and CONFIG are asked for, and nobody needs the answer.
  const narrow = await RedisServer.start(...renamed('INFO', 'CLIENT', 'CONFIG'));
  t.teardown(() => narrow.stop());
  await assertNothingLeaked(t, await run(t, narrow.url, () => true));
});

test.serial('no secret is told: what is no Redis', async (t) => {
  const http = createServer((_request, response) => response.end(VALUE)).listen(0, '127.0.0.1');
  await once(http, 'listening');
  t.teardown(() => http.close());
  const { port } = http.address() as AddressInfo;
  for (const scheme of ['redis', 'rediss']) {
    const said = await run(t, `${scheme}://trader:${PASSWORD}@127.0.0.1:${port}`, (codes) => codes.size > 0);
    await assertNothingLeaked(t, said);
  }
});

test.serial('no secret is told: a function that fails', async (t) => {
  const url = `redis://trader:${PASSWORD}@127.0.0.1:1`;
  const targets: (() => unknown)[] = [
    () => {
      throw new Error(`cannot reach ${url}`, { cause: { url } });
    },
    () => {
      throw url;
    },
    () => new Redis(`redis://trader:${PASSWORD}/x@127.0.0.1:1`),
    () => new Redis(`redis://trader:${PASSWORD}@127.0.0.1:99999`),
    () => new URL(url),
    () => url,
    () => Promise.reject(new Error(url)),
    () =>
      new Redis({ host: '127.0.0.1', port: 1, password: PASSWORD, lazyConnect: true, keyPrefix: PASSWORD }),
    () => new Redis({ path: `/tmp/:${PASSWORD}@none.sock`, lazyConnect: true }),
    () => new Redis({ host: `trader:${PASSWORD}@h`, lazyConnect: true }),
  ];
  for (const target of targets) {
    const said = await run(t, target as never, (codes) => codes.size > 0);
    await assertNothingLeaked(t, said);
  }
});

onRealServer('no secret is told: the direct path', async (t) => {
  const server = await RedisServer.start();
  t.teardown(() => server.stop());
  const tandem = connect({ redis: server.url, telemetry: false });
  t.teardown(() => tandem.stop({ timeoutMs: 100 }));
  // It answers with what is no clock and no frame.
  const odd = createServer((_request, response) => response.end(VALUE));
  // It breaks off in the middle of what is no HTTP.
  const broken = createServer((request) => request.socket.end(`${VALUE}\r\n\r\n`));
  const app = new Koa();
  app.silent = true;
  app.use(directRouter(tandem, { token: TOKEN }).routes());
  const refusing = createServer(app.callback() as never);
  for (const http of [odd, broken, refusing]) {
    http.listen(0, '127.0.0.1');
    await once(http, 'listening');
    t.teardown(() => void http.close());
    const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
    const ends = (codes: ReadonlySet<string>): boolean =>
      [...codes].some((code) => /DIRECT|FRAME/.test(code));
    await assertNothingLeaked(t, await run(t, server.url, ends, { url, token: `${TOKEN}-but-wrong` }));
  }
  for (const url of [
    `http://trader:${PASSWORD}@127.0.0.1:7070`,
    `http://127.0.0.1:7070?token=${TOKEN}`,
    `http://127.0.0.1:7070#${TOKEN}`,
    `http://trader:${PASSWORD}@127.0.0.1:99999`,
    `ftp://${PASSWORD}`,
    PASSWORD,
    new URL(`http://trader:${PASSWORD}@127.0.0.1`),
  ]) {
    const error = t.throws(() => tandem.follow(space, { direct: { url: url as string, token: TOKEN } }), {
      code: 'INVALID_OPTION',
    });
    t.notRegex(shown(error), /canary|trader/);
  }
  for (const given of [TOKEN, [TOKEN]]) {
    const errors = [
      t.throws(() => directRouter(tandem, given as never), { code: 'INVALID_OPTION' }),
      t.throws(() => tandem.follow(space, { direct: given as never }), { code: 'INVALID_OPTION' }),
    ];
    for (const error of errors) t.notRegex(shown(error), /canary/);
  }
});
