/**
 * What passes the boundary of errors: codes, addresses and words of this client's own, and never a secret.
 */
import { inspect } from 'node:util';
import test from 'ava';
import { TandemError } from '../../src/base/errors.ts';
import { fromFunction, fromRedis } from '../../src/redis/errors.ts';
import { isReply, safeReply } from '../../src/redis/reply-error.ts';
import { shown } from '../_shown.ts';

const SECRET = 'canary-of-a-secret';

const replyError = (message: string): Error =>
  Object.assign(new Error(message), {
    name: 'ReplyError',
    command: { name: 'auth', args: ['user', SECRET] },
  });
const nodeError = (message: string, fields: object): Error => Object.assign(new Error(message), fields);

test('an error reply keeps its code, and the name of a command that this client sends', (t) => {
  const replies: [came: string, said: string][] = [
    [
      `ERR unknown command 'auth', with args beginning with: 'user' '${SECRET}' `,
      "ERR unknown command 'auth' (renamed or disabled on this server)",
    ],
    [
      `ERR unknown command \`EVALSHA\`, with args beginning with: \`x\`, \`${SECRET}\`, `,
      "ERR unknown command 'evalsha' (renamed or disabled on this server)",
    ],
    [`ERR unknown command '${SECRET}'`, 'ERR unknown command (renamed or disabled on this server)'],
    ["ERR wrong number of arguments for 'hset' command", "ERR wrong number of arguments for 'hset'"],
    [`WRONGPASS invalid ${SECRET}`, 'WRONGPASS invalid username-password pair or user is disabled'],
    [
      "NOPERM User trader has no permissions to run the 'client|reply' command",
      "NOPERM this user has no permissions to run the 'client|reply' command (ACL: +client|reply)",
    ],
    [
      `NOPERM this user has no permissions to run the '${SECRET}' command`,
      'NOPERM this user has no permissions to run the command',
    ],
    [
      `NOPERM No permissions to access the '${SECRET}' key`,
      'NOPERM this user has no permissions to access a key',
    ],
    ['NOPERM No permissions to access a channel', 'NOPERM this user has no permissions to access a channel'],
    [`NOSCRIPT No matching script. ${SECRET}`, 'NOSCRIPT no matching script'],
    [`MOVED 3999 ${SECRET}:6381`, 'MOVED the slot is on another node'],
    [
      `ERR Error running script (call to f_0a1b): @user_script:7: @user_script: 7: -OOM command not allowed ${SECRET}`,
      "OOM command not allowed when used memory > 'maxmemory'",
    ],
    [
      `ERR Error running script (call to f_0a1b): @user_script:7: ERR unknown command 'publish', with args beginning with: '${SECRET}'`,
      "ERR unknown command 'publish' (renamed or disabled on this server)",
    ],
    [
      'ERR Error running script (call to f_0a1b): @user_script:7: @user_script: 7: Unknown Redis command called from Lua script',
      'ERR a script called a command that this server does not have (renamed or disabled)',
    ],
    [
      'ERR Unknown Redis command called from script script: 0a1b, on @user_script:3.',
      'ERR a script called a command that this server does not have (renamed or disabled)',
    ],
    [
      `ERR user_script:12: attempt to compare nil with ${SECRET} script: 0a1b, on @user_script:12.`,
      'ERR a script failed at its line 12',
    ],
    ['ERR Protocol error: invalid bulk length', 'ERR Protocol error: invalid bulk length'],
    ['ERR max number of clients reached', 'ERR max number of clients reached'],
    [
      'TANDEM format 2 in tandem:{a}:meta, this client knows 1',
      'TANDEM format 2 in tandem:{a}:meta, this client knows 1',
    ],
    [`ERR ${SECRET}`, 'ERR (the rest of the reply is left out, since it may quote a secret)'],
    [`ODD ${SECRET}`, 'ODD (the rest of the reply is left out, since it may quote a secret)'],
    [SECRET, 'ERR (the rest of the reply is left out, since it may quote a secret)'],
    ['', 'ERR (the rest of the reply is left out, since it may quote a secret)'],
  ];
  for (const [came, said] of replies) t.is(safeReply(came), said);
});

test('a reply that was rewritten is rewritten to itself, so a second boundary changes nothing', (t) => {
  for (const came of [
    'OOM x',
    'READONLY x',
    "ERR unknown command 'auth', with args",
    'WRONGPASS x',
    'NOSCRIPT x',
  ]) {
    const once = safeReply(came);
    t.is(safeReply(once), once);
    t.true(isReply(once));
  }
});

test('every way in which an error can hold a secret ends at the boundary', (t) => {
  const cyclic: Error & { cause?: unknown } = new Error(SECRET);
  cyclic.cause = cyclic;
  const url = `redis://trader:${SECRET}@127.0.0.1:99999`;
  const errors: unknown[] = [
    replyError(`ERR unknown command 'hello', with args beginning with: '3' 'AUTH' 'default' '${SECRET}'`),
    Object.assign(new Error(`ERR ${SECRET}`), { previousErrors: [replyError(`OOM ${SECRET}`)] }),
    nodeError('Invalid URL', { code: 'ERR_INVALID_URL', input: url, base: SECRET }),
    nodeError(`connect ENOENT /tmp/:${SECRET}@x`, {
      code: 'ENOENT',
      syscall: 'connect',
      address: `/tmp/:${SECRET}@x`,
    }),
    nodeError(`getaddrinfo ENOTFOUND u:${SECRET}@h`, {
      code: 'ENOTFOUND',
      syscall: 'getaddrinfo',
      hostname: `u:${SECRET}@h`,
    }),
    new AggregateError([new Error(SECRET), replyError(SECRET)], SECRET),
    new Error('outer', { cause: new Error('inner', { cause: replyError(`WRONGPASS ${SECRET}`) }) }),
    Object.assign(new Error('Failed to refresh slots cache.'), {
      lastNodeError: replyError(`NOAUTH ${SECRET}`),
    }),
    new Error(
      `Command queue state error. If you can reproduce this, please report it. Last reply: ${SECRET}`,
    ),
    new Error(`All sentinels are unreachable. Retrying from scratch after 10ms. Last error: ${SECRET}`),
    nodeError('parse', { code: 'HPE_INVALID_CONSTANT', rawPacket: Buffer.from(SECRET) }),
    Object.assign(new Error('x'), { name: SECRET, code: SECRET, syscall: SECRET, [SECRET]: 1 }),
    new SyntaxError(`Unexpected token 'c', "${SECRET}" is not valid JSON`),
    cyclic,
    SECRET,
    { message: url, toString: () => SECRET },
    Symbol(SECRET),
    undefined,
    null,
  ];
  for (const error of errors) {
    for (const rewritten of [fromRedis(error), fromFunction(error)]) {
      t.true(rewritten instanceof TandemError);
      t.true(rewritten.cause instanceof Error);
      t.notRegex(shown(rewritten), /canary|trader/, inspect(error, { depth: 0 }));
    }
  }
});

test('an error of the network keeps its code, its call and its address', (t) => {
  const refused = nodeError('connect ECONNREFUSED 127.0.0.1:6379', {
    code: 'ECONNREFUSED',
    syscall: 'connect',
    address: '127.0.0.1',
    port: 6379,
  });
  const said = (error: unknown): string => fromRedis(error).message.replace('Redis cannot be reached: ', '');
  t.is(said(refused), 'connect ECONNREFUSED 127.0.0.1:6379');
  t.is((fromRedis(refused).cause as { code?: string }).code, 'ECONNREFUSED');
  const both = nodeError('', {
    code: 'ECONNREFUSED',
    errors: [new Error('connect ECONNREFUSED ::1:6379'), refused, refused],
  });
  t.is(said(both), 'connect ECONNREFUSED ::1:6379, connect ECONNREFUSED 127.0.0.1:6379');
  t.is(said(new Error('read ECONNRESET')), 'read ECONNRESET');
  t.is(
    said(nodeError('x', { code: 'ENOTFOUND', syscall: 'getaddrinfo', hostname: 'redis.internal' })),
    'getaddrinfo ENOTFOUND redis.internal',
  );
  t.is(
    said(nodeError('x', { code: 'ENOENT', syscall: 'connect', address: '/tmp/r.sock' })),
    'connect ENOENT /tmp/r.sock',
  );
  t.is(said(nodeError('x', { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' })), 'DEPTH_ZERO_SELF_SIGNED_CERT');
  t.is(said(new Error('Connection is closed.')), 'Connection is closed.');
  const unreachable = new Error(
    'All sentinels are unreachable. Retrying from scratch after 10ms. Last error: connect ECONNREFUSED 10.0.0.1:26379',
  );
  t.is(said(unreachable), 'All sentinels are unreachable (connect ECONNREFUSED 10.0.0.1:26379)');
});

test('what a person has to do differs by code', (t) => {
  const codes: [message: string, code: TandemError['code'], retryable: boolean][] = [
    ['LOADING Redis is loading', 'REDIS_NOT_READY', true],
    ['ERR Error running script (call to f_1): @user_script:1: -OOM command', 'REDIS_NOT_READY', true],
    ['WRONGPASS invalid', 'REDIS_REFUSED', false],
    ['NOPERM no', 'REDIS_REFUSED', false],
    ['ERR anything', 'REDIS_REFUSED', false],
  ];
  for (const [message, code, retryable] of codes) {
    const { code: found, retryable: again } = fromRedis(replyError(message));
    t.deepEqual([found, again], [code, retryable], message);
    // Who instruments a client may throw a copy that has lost its name.
    t.is(fromRedis(new Error(message)).code, code, message);
  }
  t.is(fromRedis(new Error('read ECONNRESET')).code, 'REDIS_UNAVAILABLE');
});
