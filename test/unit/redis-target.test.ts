/** What may be a target: a URL, options of ioredis, or a function. All else is refused, and never shown. */
import test from 'ava';
import { Redis } from 'ioredis';
import type { TandemError } from '../../src/base/errors.ts';
import { connect } from '../../src/index.ts';
import { readTarget } from '../../src/redis/target.ts';
import { shown } from '../_shown.ts';

test('a URL says host, port, user, password, database and TLS', (t) => {
  const urls: [url: string, options: object][] = [
    ['redis://127.0.0.1', { host: '127.0.0.1' }],
    ['redis://127.0.0.1:6390', { host: '127.0.0.1', port: 6390 }],
    ['redis://redis_1.internal:6390/', { host: 'redis_1.internal', port: 6390 }],
    ['redis://h/3', { host: 'h', db: 3 }],
    ['redis://[::1]:6390/0', { host: '::1', port: 6390, db: 0 }],
    ['redis://:secret@h', { host: 'h', username: '', password: 'secret' }],
    [
      'redis://trader:a%40b%2Fc%23d%3Fe%25@h:1',
      { host: 'h', port: 1, username: 'trader', password: 'a@b/c#d?e%' },
    ],
    ['rediss://trader@h', { host: 'h', username: 'trader', password: '', tls: {} }],
    ['REDISS://h', { host: 'h', tls: {} }],
    [
      'redis://h?db=2&family=6&connectTimeout=5000&connectionName=api',
      { host: 'h', db: 2, family: 6, connectTimeout: 5_000, connectionName: 'api' },
    ],
    ['/tmp/redis.sock', { path: '/tmp/redis.sock' }],
    ['unix:///tmp/redis.sock?db=2', { path: '/tmp/redis.sock', db: 2 }],
  ];
  for (const [url, options] of urls) t.deepEqual(readTarget(url).place, options as never, url);
});

test('what cannot be a URL is refused, and no part of it is shown', (t) => {
  const urls = [
    '',
    ' ',
    's3cr3t',
    's3cr3t:6379',
    'http://trader:s3cr3t@h',
    'redis:',
    'redis://',
    'redis:///0',
    'redis://:s3cr3t@',
    'redis://:s3cr3t@/0',
    'redis:s3cr3t@h',
    '//trader:s3cr3t@h',
    'redis://trader:s3cr3t@127.0.0.1:99999',
    'redis://trader:s3cr3t@127.0.0.1:0',
    'redis://trader:s3cr3t@127.0.0.1:-1',
    'redis://trader:s3cr3t@:abc:1',
    'redis://trader:s3cr3t@[::1/x',
    'redis://trader:s3cr3t@[::1',
    'redis://trader:s3c/r3t@127.0.0.1:6379',
    'redis://trader:s3c?r3t@127.0.0.1:6379',
    'redis://trader:s3c#r3t@127.0.0.1:6379',
    'redis://trader:s3c@r3t@127.0.0.1:6379',
    'redis://trader:12/s3cr3t@127.0.0.1:6379',
    'redis://trader:12#s3cr3t@127.0.0.1:6379',
    'redis://trader:12?s3cr3t@127.0.0.1:6379',
    'redis://trader:12?db=s3cr3t@127.0.0.1:6379',
    'redis://trader:s3c%zzr3t@127.0.0.1',
    'redis://trader:s3cr3t@h/s3cr3t',
    'redis://trader:s3cr3t@h ost',
    'redis://trader:s3cr3t@h?keyPrefix=app:',
    'redis://h?password=s3cr3t',
    'redis://h?s3cr3t',
    'redis://h?db=s3cr3t',
    'redis://h?lazyConnect=false',
    'unix://:s3cr3t@/tmp/redis.sock',
    'unix://trader:s3cr3t@/tmp/redis.sock?db=1',
    'unix:///tmp/:s3cr3t@/redis.sock',
    'unix:///tmp/redis.sock?password=s3cr3t',
    'unix://s3cr3t',
    '/tmp/redis.sock?keyPrefix=s3cr3t',
  ];
  for (const redis of urls) {
    const error = t.throws<TandemError>(() => connect({ redis }), { code: 'INVALID_OPTION' }, redis);
    t.notRegex(shown(error), /s3c|r3t|trader/, redis);
  }
});

test('options that name a place are taken as they are', (t) => {
  for (const options of [
    { host: '127.0.0.1' },
    { host: '::1', port: 6379 },
    { port: 6379 },
    { host: 'h', port: '6379', db: '2' },
    { path: '/tmp/redis.sock', username: 'trader', password: 's3cr3t' },
    { sentinels: [{ host: 'h', port: 26379 }], name: 'master' },
    { host: 'h', tls: { rejectUnauthorized: false }, connectTimeout: 5_000, family: 6, keepAlive: 1_000 },
    Object.assign(Object.create(null) as object, { host: 'h' }),
  ])
    t.deepEqual(readTarget(options).place, { ...options } as never);
  t.deepEqual(readTarget({ host: 'h', port: undefined }).place, { host: 'h' });
});

test('what is no target is refused, and no part of it is shown', (t) => {
  class Config {
    readonly password = 's3cr3t';
  }
  const client = { sendCommand() {}, disconnect() {}, options: { password: 's3cr3t' }, status: 'ready' };
  const targets: [target: unknown, said: RegExp][] = [
    [undefined, /got undefined/],
    [null, /got null/],
    [6379, /got a number/],
    [true, /got a boolean/],
    [10n, /got a bigint/],
    [Symbol('s3cr3t'), /got a symbol/],
    [[{ host: 's3cr3t' }], /got an array/],
    [new URL('redis://trader:s3cr3t@h'), /got an object \(URL\)/],
    [new Map([['host', 's3cr3t']]), /got an object \(Map\)/],
    [new Config(), /got an object \(Config\)/],
    [Promise.resolve('s3cr3t'), /got an object \(Promise\)/],
    [Buffer.from('redis://s3cr3t'), /got an object \(Buffer\)/],
    [client, /got a client/],
    [Redis, /got a class/],
    [{}, /name no host/],
    [{ password: 's3cr3t' }, /name no host/],
    [{ host: undefined, password: 's3cr3t' }, /name no host/],
    [{ host: null, db: 1 }, /name no host/],
    [{ url: 'redis://:s3cr3t@h' }, /no option "url"/],
    [{ host: 'h', url: 'redis://:s3cr3t@h' }, /no option "url"/],
    [{ socket: { host: 'h', port: 6379 }, password: 's3cr3t' }, /no option "socket"/],
    [{ uri: 's3cr3t' }, /no option "uri"/],
    [{ hostname: 'h' }, /no option "hostname"/],
    [{ host: 'h', pasword: 's3cr3t' }, /no option "pasword"/],
    [{ host: 'h', 's3cr3t:': 1 }, /no option one/],
    [{ host: 'redis://trader:s3cr3t@h' }, /^redis: host: expected/],
    [{ host: 'trader:s3cr3t@h' }, /^redis: host: expected/],
    [{ host: 'h:6379' }, /^redis: host: expected/],
    [{ host: '' }, /^redis: host: expected/],
    [{ host: 5 }, /^redis: host: expected/],
    [{ host: 'h', port: 0 }, /^redis: port: expected/],
    [{ host: 'h', port: 65_536 }, /^redis: port: expected/],
    [{ host: 'h', port: 's3cr3t' }, /^redis: port: expected/],
    [{ host: 'h', port: NaN }, /^redis: port: expected/],
    [{ host: 'h', db: -1 }, /^redis: db: expected/],
    [{ path: '' }, /^redis: path: expected/],
    [{ sentinels: [] }, /^redis: sentinels: expected/],
    [{ host: 'h', keyPrefix: 's3cr3t:' }, /use connect\({ prefix }\)/],
  ];
  for (const [target, said] of targets) {
    const error = t.throws<TandemError>(() => connect({ redis: target as never }), {
      code: 'INVALID_OPTION',
    });
    t.regex(error.message, said);
    t.notRegex(shown(error), /s3cr3t|trader/, String(said));
  }
});

test('who forgets the braces does not see a secret in the error', (t) => {
  for (const options of ['redis://:s3cr3t@h', ['s3cr3t'], 's3cr3t'.repeat(3)]) {
    const error = t.throws(() => connect(options as never), { code: 'INVALID_OPTION' });
    t.notRegex(shown(error), /s3cr3t/);
  }
  const error = t.throws(() => connect({ redis: 'redis://h', name: { token: 's3cr3t' } as never }));
  t.notRegex(shown(error), /s3cr3t/);
});

test('the time for a try to connect has bounds', (t) => {
  for (const connectTimeoutMs of [0, 49, 60_001, NaN, '500' as never, null as never])
    t.throws(() => connect({ redis: 'redis://h', connectTimeoutMs }), { code: 'INVALID_OPTION' });
});
