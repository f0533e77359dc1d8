/** Owner and follower through the public API, in one process, on the embedded Redis. */
import test from 'ava';
import { Redis } from 'ioredis';
import { createRedisMock } from 'js-redis-server';
import { z } from 'zod';
import { comparePositions, connect, defineSpace, json, TandemError } from '../../src/index.ts';
import { directRouter } from '../../src/koa.ts';
import type { ConnectOptions, ErrorCode, Tandem } from '../../src/index.ts';
import { until } from '../_wait.ts';

const Regime = z.object({
  name: z.string(),
  confidence: z.number().min(0).max(1),
  note: z.string().optional(),
});

let redis: Awaited<ReturnType<typeof createRedisMock>>;
let url: string;
let spaces = 0;
const tandems: Tandem[] = [];

test.before(async () => {
  redis = await createRedisMock();
  const [address] = redis.addresses();
  url = `redis://${address!.host}:${address!.port}`;
});

test.after.always(async () => {
  await Promise.all(tandems.map((tandem) => tandem.stop()));
  await redis?.close();
});

/** A space that no other test uses. */
function newSpace() {
  spaces += 1;
  return defineSpace(`space-${spaces}`, { regime: Regime, 'strategy/*': json<number>(), 'raw/*': json() });
}

function newTandem(options: Partial<ConnectOptions> = {}): Tandem {
  const tandem = connect({ redis: url, ...options });
  tandems.push(tandem);
  return tandem;
}

async function newPair(space = newSpace()) {
  const owner = newTandem({ name: 'owner' }).own(space);
  const follower = newTandem({ name: 'follower' }).follow(space);
  await Promise.all([owner.ready(), follower.ready()]);
  return { space, owner, follower, sync: async () => follower.waitFor(await owner.flush()) };
}

const bull = { name: 'bull', confidence: 0.9 };

test.serial('the follower reads what the owner sets, with position and freshness', async (t) => {
  const { owner, follower, sync } = await newPair();
  owner.set('regime', bull);
  await sync();
  const reading = follower.get('regime');
  t.deepEqual(reading.value, bull);
  t.is(reading.position, owner.get('regime').position);
  t.is(reading.freshness, 'live');
  t.is(reading.source, 'redis');
  t.true(reading.ownerAlive);
  t.true(reading.staleMs >= 0 && reading.staleMs <= 750);
  t.deepEqual(Object.keys(JSON.parse(JSON.stringify(reading)) as object), [
    'key',
    'value',
    'position',
    'changedAt',
    'freshness',
    'staleMs',
    'source',
    'ownerAlive',
    'owner',
  ]);
});

test.serial('an owner can set values from the first line of the program', async (t) => {
  const space = newSpace();
  const owner = newTandem().own(space);
  owner.set('strategy/a', 1);
  t.is(owner.get('strategy/a').value, 1);
  t.is(owner.get('strategy/a').freshness, 'stale', 'it is not known yet whether it is the owner');
  const follower = newTandem().follow(space);
  await follower.ready();
  await follower.waitFor(await owner.flush());
  t.is(follower.get('strategy/a').value, 1);
  t.is(owner.get('strategy/a').freshness, 'live');
});

test.serial('set captures the value when it is called', async (t) => {
  const { owner, follower, sync } = await newPair();
  const mine = { ...bull };
  owner.set('regime', mine);
  mine.name = 'bear';
  t.is(owner.get('regime').value?.name, 'bull');
  await sync();
  t.is(follower.get('regime').value?.name, 'bull');
});

test.serial('a reader cannot change what others read', async (t) => {
  const { owner, follower, sync } = await newPair();
  owner.set('raw/a', { legs: [{ price: 1 }] });
  await sync();
  const value = follower.get('raw/a').value as { legs: { price: number }[] };
  t.throws(() => (value.legs[0]!.price = 2), { instanceOf: TypeError });
});

test.serial('an invalid set throws a clear error and changes nothing', async (t) => {
  const { owner } = await newPair();
  owner.set('regime', bull);
  const { head } = owner;
  const cycle: Record<string, unknown> = {};
  cycle.self = cycle;
  const cases: [key: string, value: unknown, code: ErrorCode][] = [
    ['nothing', 1, 'UNKNOWN_KEY'],
    ['strategy/', 1, 'UNKNOWN_KEY'],
    ['strategy/\n', 1, 'UNKNOWN_KEY'],
    ['regime', { name: 'bull', confidence: 2 }, 'INVALID_VALUE'],
    ['regime', { name: 'bull' }, 'INVALID_VALUE'],
    ['raw/a', undefined, 'NOT_JSON'],
    ['raw/a', NaN, 'NOT_JSON'],
    ['raw/a', { deep: [1, Infinity] }, 'NOT_JSON'],
    ['raw/a', 1n, 'NOT_JSON'],
    ['raw/a', () => 1, 'NOT_JSON'],
    ['raw/a', Symbol('a'), 'NOT_JSON'],
    ['raw/a', cycle, 'NOT_JSON'],
    ['raw/a', new Date(0), 'NOT_JSON'],
    ['raw/a', new Map(), 'NOT_JSON'],
    ['raw/a', [undefined], 'NOT_JSON'],
    ['raw/a', JSON.parse('{"__proto__":{"polluted":true}}'), 'NOT_JSON'],
    ['raw/a', 'x'.repeat(1024 * 1024), 'TOO_LARGE'],
  ];
  for (const [key, value, code] of cases) {
    const error = t.throws(
      () => owner.set(key as 'raw/a', value),
      { instanceOf: TandemError },
      `${key} ${code}`,
    );
    t.is(error?.code, code, error?.message);
  }
  t.is(owner.head, head);
  t.deepEqual(
    [...owner.entries()].map(({ key }) => key),
    ['regime'],
  );
});

test.serial(
  'all changes of one turn are one frame, and watch callbacks run once all of it is applied',
  async (t) => {
    const { owner, follower, sync } = await newPair();
    const seen: [string, unknown, unknown][] = [];
    follower.watch('*', ({ key }) => {
      seen.push([key, follower.get('strategy/a').value, follower.get('strategy/b').value]);
    });
    owner.set('strategy/a', 1);
    await Promise.resolve();
    owner.set('strategy/b', 1);
    owner.set('strategy/a', 2);
    await sync();
    t.deepEqual(seen, [
      ['strategy/b', 2, 1],
      ['strategy/a', 2, 1],
    ]);
  },
);

test.serial('a batch is all or nothing', async (t) => {
  const { owner, follower, sync } = await newPair();
  owner.set('strategy/a', 1);
  t.throws(
    () =>
      owner.batch(() => {
        owner.set('strategy/a', 2);
        t.is(owner.get('strategy/a').value, 2, 'inside the batch, the value is there');
        owner.delete('strategy/a');
        owner.set('regime', { name: 'bull', confidence: 7 });
      }),
    { code: 'INVALID_VALUE' },
  );
  t.is(owner.get('strategy/a').value, 1);
  t.throws(() => owner.batch(async () => owner.set('strategy/a', 3)), { code: 'INVALID_BATCH' });
  t.is(owner.get('strategy/a').value, 1);
  t.is(
    owner.batch(() => {
      owner.batch(() => owner.set('strategy/b', 5));
      owner.delete('strategy/a');
      return 'done';
    }),
    'done',
  );
  await sync();
  t.is(follower.get('strategy/a').value, undefined);
  t.is(follower.get('strategy/b').value, 5);
});

test.serial('a delete is a change: its reading has a position, and watch callbacks get it', async (t) => {
  const { owner, follower, sync } = await newPair();
  owner.set('strategy/a', 1);
  await sync();
  const told: unknown[] = [];
  const unwatch = follower.watch('strategy/*', ({ key, value }) => told.push([key, value]));
  t.true(owner.delete('strategy/a'));
  t.false(owner.delete('strategy/a'), 'there is nothing to delete any more');
  await sync();
  t.deepEqual(told, [['strategy/a', undefined]]);
  t.is(follower.get('strategy/a').position, owner.get('strategy/a').position);
  t.deepEqual([...follower.entries()], []);
  unwatch();
  owner.set('strategy/a', 2);
  await sync();
  t.is(told.length, 1);
});

test.serial('entries lists readings by prefix', async (t) => {
  const { owner, follower, sync } = await newPair();
  owner.batch(() => {
    owner.set('strategy/a', 1);
    owner.set('regime', bull);
    owner.set('strategy/b', 2);
  });
  await sync();
  t.deepEqual(
    [...follower.entries('strategy/')].map(({ key, value }) => [key, value]),
    [
      ['strategy/a', 1],
      ['strategy/b', 2],
    ],
  );
  t.is([...follower.entries()].length, 3);
});

test.serial('a callback that throws or rejects is reported, and harms no other callback', async (t) => {
  const { owner, follower, sync } = await newPair();
  const errors: string[] = [];
  const called: string[] = [];
  follower.on('error', ({ error }) => errors.push(error.code));
  follower.on('error', () => {
    throw new Error('even here');
  });
  follower.watch('strategy/a', () => {
    throw new Error('mine');
  });
  follower.watch('strategy/a', () => Promise.reject(new Error('mine, later')));
  follower.watch('strategy/*', ({ key }) => called.push(key));
  follower.subscribe(() => {
    throw new Error('mine too');
  });
  owner.set('strategy/a', 1);
  await sync();
  t.deepEqual(called, ['strategy/a']);
  t.deepEqual(errors, ['CALLBACK_FAILED', 'CALLBACK_FAILED']);
});

test.serial(
  'a value that cannot be read on arrival is reported and not applied, and its key stays as it was, stale',
  async (t) => {
    const space = newSpace();
    const lax = defineSpace(space.name, { regime: json(), 'strategy/*': json<number>() });
    const owner = newTandem().own(lax);
    const follower = newTandem().follow(space);
    const errors: string[] = [];
    follower.on('error', ({ error }) => errors.push(error.code));
    owner.set('regime', bull);
    await Promise.all([owner.ready(), follower.ready()]);
    await follower.waitFor(await owner.flush());
    owner.set('regime', { name: 'bull', confidence: 'high' });
    owner.set('strategy/a', 1);
    await follower.waitFor(await owner.flush());
    t.deepEqual(follower.get('regime').value, bull);
    t.is(follower.get('regime').freshness, 'stale');
    t.is(follower.get('strategy/a').value, 1);
    t.is(follower.get('strategy/a').freshness, 'live');
    t.true(errors.includes('INVALID_VALUE'));
    owner.set('regime', { name: 'bear', confidence: 0.5 });
    await follower.waitFor(await owner.flush());
    t.is(follower.get('regime').value?.name, 'bear');
    t.is(follower.get('regime').freshness, 'live');
  },
);

test.serial('an unusable frame is reported, and its changes are read from the keys', async (t) => {
  const { space, owner, follower, sync } = await newPair();
  const errors: string[] = [];
  follower.on('error', ({ error }) => errors.push(error.code));
  owner.set('strategy/a', 1);
  await sync();
  const client = new Redis(url);
  await client.publish(`tandem:{${space.name}}:frames`, 'nonsense');
  await client.publish(`tandem:{${space.name}}:frames`, `1 0\n3 1 0-0 9 10 1000 1 c`);
  owner.set('strategy/a', 2);
  await sync();
  client.disconnect();
  t.is(follower.get('strategy/a').value, 2);
  await until(() => follower.mode === 'connected', 'the follower connected');
  t.deepEqual(errors, ['INVALID_FRAME']);
});

test.serial('refresh reads the whole state again, and counts and reports differences', async (t) => {
  const { space, owner, follower, sync } = await newPair();
  for (let n = 0; n < 50; n += 1) owner.set(`strategy/${n}`, n);
  await sync();
  t.deepEqual(await follower.refresh(), { head: follower.head, differed: 0 });
  const errors: string[] = [];
  follower.on('error', ({ error }) => errors.push(error.code));
  const client = new Redis(url);
  await client.hset(`tandem:{${space.name}}:state`, 'strategy/7', '70');
  client.disconnect();
  const seen: unknown[] = [];
  follower.watch('strategy/7', ({ value }) => seen.push(value));
  t.is((await follower.refresh()).differed, 1);
  t.is(seen[0], 70, 'what Redis holds replaces what memory held');
  // The owner's next heartbeat shows that Redis, too, was wrong.
  await until(() => seen.at(-1) === 7, "the owner's value again");
  t.true(errors.length > 0 && errors.every((code) => code === 'CONTENT_MISMATCH'), errors.join());
});

test.serial('refresh under load finds no difference', async (t) => {
  const { owner, follower } = await newPair();
  const load = { isOn: true };
  const setter = (async () => {
    for (let n = 0; load.isOn; n += 1) {
      owner.set(`strategy/${n % 20}`, n);
      if (n % 7 === 0) owner.delete(`strategy/${(n * 3) % 20}`);
      await new Promise((resolve) => setImmediate(resolve));
    }
  })();
  for (let round = 0; round < 20; round += 1) t.is((await follower.refresh()).differed, 0);
  load.isOn = false;
  await setter;
});

test.serial('waitFor and flush have deadlines', async (t) => {
  const { owner, follower } = await newPair();
  const [epoch] = owner.head.split('-');
  await t.throwsAsync(follower.waitFor(`${Number(epoch) + 1}-1`, { timeoutMs: 20 }), { code: 'TIMEOUT' });
  await t.throwsAsync(follower.waitFor('soon'), { code: 'INVALID_POSITION' });
  const nowhere = newTandem({ redis: 'redis://127.0.0.1:1' }).own(newSpace());
  nowhere.set('strategy/a', 1);
  await t.throwsAsync(nowhere.flush({ timeoutMs: 50 }), { code: 'TIMEOUT', message: /ECONNREFUSED/ });
  await t.throwsAsync(nowhere.ready({ timeoutMs: 50 }), { code: 'TIMEOUT', message: /ECONNREFUSED/ });
  t.is(nowhere.get('strategy/a').value, 1);
});

test.serial('a process can own a space only once', async (t) => {
  const space = newSpace();
  const tandem = newTandem();
  const owner = tandem.own(space);
  t.throws(() => tandem.own(space), { code: 'ALREADY_OWNED' });
  await owner.ready();
  await owner.stop();
  t.notThrows(() => tandem.own(space), 'once it has stopped, there is room');
});

test.serial('reset starts from nothing, and followers see the old keys deleted', async (t) => {
  const { space, owner, follower, sync } = await newPair();
  owner.set('strategy/old', 1);
  owner.set('strategy/both', 1);
  await sync();
  const { head } = follower;
  await owner.stop();
  const gone: string[] = [];
  follower.watch('*', ({ key, value }) => void (value === undefined && gone.push(key)));
  const next = newTandem().own(space, { start: 'reset' });
  next.set('strategy/both', 2);
  await next.ready();
  await follower.waitFor(await next.flush());
  t.deepEqual(
    [...follower.entries()].map(({ key, value }) => [key, value]),
    [['strategy/both', 2]],
  );
  t.deepEqual(gone, ['strategy/old']);
  t.is(comparePositions(follower.head, head), 1);
});

test.serial('resume continues from the stored state, with the values set meanwhile on top', async (t) => {
  const { space, owner, follower, sync } = await newPair();
  owner.set('strategy/a', 1);
  owner.set('strategy/b', 1);
  owner.set('strategy/c', 1);
  await sync();
  const syncs: unknown[] = [];
  follower.on('sync', (event) => syncs.push(event));
  await owner.stop();
  t.false(follower.get('strategy/a').ownerAlive);
  const next = newTandem().own(space);
  next.set('strategy/b', 2);
  next.delete('strategy/c');
  await next.ready();
  await follower.waitFor(await next.flush());
  const state = Object.fromEntries([...follower.entries()].map(({ key, value }) => [key, value]));
  t.deepEqual(state, { 'strategy/a': 1, 'strategy/b': 2 });
  t.deepEqual([...next.entries()].map(({ key }) => key).toSorted(), ['strategy/a', 'strategy/b']);
  t.deepEqual(syncs, [], 'a new epoch that goes on from where the follower is needs no full sync');
});

test.serial('after a stop, every call reports it, and the last state can still be read', async (t) => {
  const { owner, follower, sync } = await newPair();
  owner.set('strategy/a', 1);
  await sync();
  await Promise.all([owner.stop(), follower.stop()]);
  t.is(owner.mode, 'stopped');
  t.is(follower.mode, 'stopped');
  t.is(follower.getSnapshot().status, 'done');
  t.throws(() => owner.set('strategy/a', 2), { code: 'STOPPED' });
  await t.throwsAsync(follower.refresh(), { code: 'STOPPED' });
  await t.throwsAsync(follower.waitFor('9999999999999-1'), { code: 'STOPPED' });
  t.is(follower.get('strategy/a').value, 1);
});

test.serial('stop flushes the values set before it', async (t) => {
  const { owner, follower } = await newPair();
  owner.set('strategy/a', 1);
  const { head } = owner;
  await owner.stop();
  await follower.waitFor(head);
  t.is(follower.get('strategy/a').value, 1);
});

test.serial('stop also flushes the batch in which it is called', async (t) => {
  const { owner, follower } = await newPair();
  let stopped: Promise<unknown> | undefined;
  owner.batch(() => {
    owner.set('strategy/a', 1);
    stopped = owner.stop({ timeoutMs: 2 ** 32 });
    t.throws(() => owner.set('strategy/b', 1), { code: 'STOPPED' });
  });
  const { head } = owner;
  await stopped;
  await follower.waitFor(head);
  t.is(follower.get('strategy/a').value, 1);
});

test.serial('a Tandem stops in time, with or without Redis', async (t) => {
  const tandem = connect({ redis: 'redis://127.0.0.1:1' });
  const owner = tandem.own(newSpace());
  owner.set('strategy/a', 1);
  tandem.follow(newSpace());
  const startedAt = performance.now();
  await tandem.stop({ timeoutMs: 100 });
  t.true(performance.now() - startedAt < 1_000);
  t.throws(() => tandem.follow(newSpace()), { code: 'STOPPED' });
});

test.serial('Redis may be given as a URL, as options, or as a function', async (t) => {
  const { hostname, port } = new URL(url);
  const targets: ConnectOptions['redis'][] = [
    url,
    { host: hostname, port: Number(port) },
    () => new Redis(url),
    () => new Redis({ host: hostname, port: Number(port), lazyConnect: true }),
  ];
  for (const target of targets) {
    const space = newSpace();
    const tandem = newTandem({ redis: target });
    const owner = tandem.own(space);
    const follower = tandem.follow(space);
    owner.set('strategy/a', 1);
    await Promise.all([owner.ready(), follower.ready()]);
    await follower.waitFor(await owner.flush());
    t.is(follower.get('strategy/a').value, 1);
  }
});

test.serial('invalid options are refused when they are given', (t) => {
  const space = newSpace();
  const tandem = newTandem();
  const bad: (() => unknown)[] = [
    () => connect({ redis: 'localhost' }),
    () => connect({ redis: 6379 as never }),
    () => connect({ redis: { keyPrefix: 'mine:' } }),
    () => connect({ redis: url, name: '' }),
    () => connect({ redis: url, commandTimeoutMs: -1 }),
    () => connect({ redis: url, telemetry: 'no' as never }),
    () => connect({ redis: url, inspect: 5 as never }),
    () => tandem.own(space, { leaseMs: 0 }),
    () => tandem.own(space, { start: 'again' as 'reset' }),
    () => tandem.own(space, { heartbeatMs: 5_000 }),
    () => tandem.follow(space, { maxStaleMs: NaN }),
  ];
  for (const call of bad) t.throws(call, { code: 'INVALID_OPTION' }, String(call));
  t.throws(() => tandem.follow({ name: 'x' } as never), { code: 'INVALID_SPACE' });
});

test.serial('mode events cover the first mode to the last', async (t) => {
  const { owner, follower } = await newPair();
  const modes: string[] = [];
  owner.on('mode', ({ mode }) => modes.push(`owner ${mode}`));
  follower.on('mode', ({ mode }) => modes.push(`follower ${mode}`));
  await Promise.all([owner.stop(), owner.stop(), follower.stop()]);
  t.deepEqual(modes.toSorted(), ['follower stopped', 'owner stopped']);
});

test.serial('a value that no schema accepts keeps its key through a full sync', async (t) => {
  const space = newSpace();
  const lax = defineSpace(space.name, { regime: json(), 'strategy/*': json<number>() });
  const owner = newTandem().own(lax);
  const follower = newTandem().follow(space);
  const modes: string[] = [];
  await Promise.all([owner.ready(), follower.ready()]);
  follower.on('mode', ({ mode }) => modes.push(mode));
  const told: unknown[] = [];
  owner.set('regime', bull);
  await follower.waitFor(await owner.flush());
  follower.watch('regime', ({ value }) => told.push(value));
  for (let n = 0; n < 20; n += 1) {
    owner.set('regime', n);
    await follower.waitFor(await owner.flush());
  }
  t.deepEqual(modes, [], 'an unreadable value does not change the mode');
  t.deepEqual(await follower.refresh(), { head: follower.head, differed: 0 });
  t.deepEqual(follower.get('regime').value, bull);
  t.deepEqual(told, []);
  t.is(follower.get('regime').freshness, 'stale');
  t.is(follower.proof.freshness(), 'stale');
});

test.serial('two databases of one Redis do not affect each other', async (t) => {
  const space = newSpace();
  const [first, second] = [0, 1].map((database) => newTandem({ redis: `${url}/${database}` }));
  const owners = [first!.own(space), second!.own(space)];
  const follower = first!.follow(space);
  owners[0]!.set('strategy/a', 0);
  owners[1]!.set('strategy/a', 1);
  await Promise.all([...owners, follower].map((participant) => participant.ready()));
  await owners[1]!.flush();
  await follower.waitFor(await owners[0]!.flush());
  t.is(follower.get('strategy/a').value, 0);
  t.is(follower.mode, 'connected');
});

test.serial(
  'a follower that heard of a higher epoch than Redis has makes the owner claim a higher one',
  async (t) => {
    const { space, owner, follower, sync } = await newPair();
    owner.set('strategy/a', 1);
    await sync();
    const epoch = Number(owner.head.split('-')[0]) + 10_000_000;
    const client = new Redis(url);
    await client.publish(`tandem:{${space.name}}:frames`, `1 0\n3 fence ${epoch}`);
    client.disconnect();
    owner.set('strategy/a', 2);
    await until(
      () => follower.get('strategy/a').value === 2 && follower.mode === 'connected',
      'the follower to carry on',
    );
    t.true(Number(owner.head.split('-')[0]) > epoch);
    t.is(owner.ownership, 'leading');
  },
);

test.serial('a transforming schema gives the same value on both sides', async (t) => {
  spaces += 1;
  const space = defineSpace(`space-${spaces}`, {
    size: z.object({ lots: z.string().transform(Number), unit: z.string().default('lot') }),
  });
  const owner = newTandem().own(space);
  const follower = newTandem().follow(space);
  await Promise.all([owner.ready(), follower.ready()]);
  owner.set('size', { lots: '12' });
  await follower.waitFor(await owner.flush());
  t.deepEqual(owner.get('size').value, { lots: 12, unit: 'lot' });
  t.deepEqual(follower.get('size').value, { lots: 12, unit: 'lot' });
});

test.serial('invalid options, functions and values are refused by name', async (t) => {
  const tandem = connect({ redis: url, telemetry: false });
  t.teardown(() => tandem.stop({ timeoutMs: 100 }));
  const owner = tandem.own(newSpace());
  const odd = (value: unknown): never => value as never;
  const bad: [code: string, call: () => unknown][] = [
    ['INVALID_OPTION', () => connect(odd(undefined))],
    ['INVALID_OPTION', () => connect(odd(null))],
    ['INVALID_SPACE', () => defineSpace('x', odd(undefined))],
    ['INVALID_OPTION', () => tandem.own(newSpace(), odd(null))],
    ['INVALID_OPTION', () => tandem.own(newSpace(), { standby: odd('yes') })],
    ['INVALID_OPTION', () => tandem.follow(newSpace(), odd(null))],
    ['INVALID_OPTION', () => tandem.follow(newSpace()).watch('*', odd(undefined))],
    ['INVALID_OPTION', () => tandem.follow(newSpace(), { direct: { url: 'http://127.0.0.1:1', token: '' } })],
    [
      'INVALID_OPTION',
      () => tandem.follow(newSpace(), { direct: { url: 'http://127.0.0.1:1', token: 'a\nb' } }),
    ],
    ['INVALID_OPTION', () => owner.batch(odd(undefined))],
    ['INVALID_OPTION', () => directRouter(tandem, odd(undefined))],
  ];
  for (const [code, call] of bad) t.throws(call, { code }, String(call));
  const throws = {
    get n(): number {
      throw new Error('from a getter');
    },
  };
  t.throws(() => owner.set('strategy/a', odd(throws)), { code: 'NOT_JSON', message: /from a getter/ });
  for (const given of [null, { issues: 5 }, undefined]) {
    const schema = { '~standard': { version: 1, vendor: 'odd', validate: () => given } };
    const strange = defineSpace('strange', { a: odd(schema) });
    t.throws(() => strange.capture('a', 1), { code: 'INVALID_VALUE' });
  }
});

test.serial('an asynchronous `redis` function that fails harms nobody', async (t) => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown): void => void unhandled.push(reason);
  process.on('unhandledRejection', note);
  t.teardown(() => process.off('unhandledRejection', note));
  const tandem = connect({ redis: (async () => Promise.reject(new Error('no'))) as never, telemetry: false });
  const owner = tandem.own(newSpace());
  const codes: string[] = [];
  owner.on('error', ({ error }) => codes.push(error.code));
  await until(() => codes.includes('INVALID_OPTION'), 'an error for the listeners');
  await t.throwsAsync(owner.ready({ timeoutMs: 50 }), { code: 'TIMEOUT' });
  await tandem.stop({ timeoutMs: 50 });
  t.deepEqual(unhandled, []);
});
