/** The testing kit: participants on a memory server, by a fake time and by the real one. */
import test from 'ava';
import { connect } from '../../src/index.ts';
import { fakeTime, memoryServer } from '../../src/testing.ts';
import { kit, trading } from '../_kit.ts';
import { until } from '../_wait.ts';

test('a follower shows what the owner sets', async (t) => {
  const { time, join } = kit(t);
  const owner = join('trader').own(trading);
  const state = join('api').follow(trading);
  owner.set('regime', 'bull');
  await time.advance(100);
  t.like(state.get('regime'), { value: 'bull', freshness: 'live', owner: 'alive' });
});

test('ready() and stop() need nobody to advance the time', async (t) => {
  const server = memoryServer();
  const time = fakeTime();
  const trader = connect({ store: server, time, name: 'trader' });
  const api = connect({ store: server, time, name: 'api' });
  const owner = trader.own(trading);
  const state = api.follow(trading);
  await owner.ready();
  await state.ready();
  owner.set('regime', 'bull');
  t.deepEqual(await trader.stop(), { uncommitted: [] });
  await time.advance(1);
  t.like(state.get('regime'), { value: 'bull', owner: 'released' });
  await api.stop();
  t.is(time.now(), 1);
});

test('ten participants see a batch whole', async (t) => {
  const { time, join } = kit(t);
  const owner = join('trader').own(trading);
  const followers = Array.from({ length: 9 }, (_, n) => join(`api-${n}`).follow(trading));
  const seen = followers.map((follower) => {
    const texts: string[] = [];
    follower.watch('*', () => {
      texts.push(`${follower.get('bot/a').value} ${follower.get('bot/b').value}`);
    });
    return texts;
  });
  await time.advance(100);
  owner.batch(() => {
    owner.set('bot/a', 1);
    owner.set('bot/b', 1);
  });
  await time.advance(100);
  for (const texts of seen) t.deepEqual([...new Set(texts)], ['1 1']);
});

test('a turn of 10,000 changes is seen', async (t) => {
  const { time, join } = kit(t);
  const owner = join('trader').own(trading);
  const state = join('api').follow(trading);
  await time.advance(100);
  for (let n = 0; n < 10_000; n += 1) owner.set(`bot/${n}`, n);
  await time.advance(100);
  t.is(state.get('bot/9999').value, 9_999);
});

test('a standby takes over as the time advances', async (t) => {
  const { server, time, join } = kit(t);
  join('trader').own(trading).set('regime', 'bull');
  await time.advance(100);
  const standby = join('second').own(trading, { standby: true });
  const state = join('api').follow(trading);
  await time.advance(1_000);
  t.is(standby.ownership, 'standby');
  server.cut('trader');
  await time.advance(2_000);
  t.is(standby.ownership, 'standby', 'the lease runs for 3 s');
  await time.advance(2_000);
  t.is(standby.ownership, 'leading');
  t.like(state.get('regime'), { value: 'bull', freshness: 'live', owner: 'alive' });
});

test('a second owner is refused', async (t) => {
  const { time, join } = kit(t);
  join('trader').own(trading);
  await time.advance(100);
  const refused = t.throwsAsync(join('other').own(trading).ready({ timeoutMs: 60_000 }));
  await time.advance(60_000);
  t.like(await refused, { code: 'OWNED_ELSEWHERE', owner: 'trader' });
});

test('servers are apart from each other', async (t) => {
  const [first, second] = [kit(t), kit(t)];
  first.join('trader').own(trading).set('regime', 'bull');
  second.join('trader').own(trading).set('regime', 'bear');
  const states = [first, second].map(({ join }) => join('api').follow(trading));
  await Promise.all([first.time.advance(100), second.time.advance(100)]);
  t.deepEqual(
    states.map((state) => state.get('regime').value),
    ['bull', 'bear'],
  );
});

test('processes with other prefixes are apart on one server, and an outage is one for all', async (t) => {
  const server = memoryServer();
  const time = fakeTime();
  const states = [undefined, 'shop'].map((prefix) => {
    const join = (name: string) => connect({ store: server, time, name, ...(prefix && { prefix }) });
    join('trader')
      .own(trading)
      .set('regime', prefix ?? 'none');
    return join('api').follow(trading);
  });
  await time.advance(1_000);
  const values = (): unknown[] => states.map((state) => state.get('regime').value);
  t.deepEqual(values(), ['none', 'shop']);
  server.loseAll();
  server.cut('trader');
  await time.advance(5_000);
  t.deepEqual(
    states.map((state) => state.get('regime').owner),
    ['lost', 'lost'],
  );
});

test('the same seed has the same outcome', async (t) => {
  const run = async (seed: number): Promise<string[]> => {
    const { server, time, join } = kit(t, seed);
    const log: string[] = [];
    const state = join('api').follow(trading);
    state.on('mode', ({ mode }) => log.push(`${time.now()} ${mode}`));
    state.on('freshness', ({ freshness }) => log.push(`${time.now()} ${freshness}`));
    const owner = join('trader').own(trading);
    const standby = join('second').own(trading, { standby: true });
    standby.on('ownership', ({ ownership }) => log.push(`${time.now()} ${ownership}`));
    await time.advance(500);
    owner.set('regime', 'bull');
    server.cut('trader');
    await time.advance(10_000);
    log.push(state.get('regime').position);
    return log;
  };
  const log = await run(3);
  t.deepEqual(await run(3), log);
  t.true(log.length > 5, log.join('; '));
});

test.serial('no timer is left after stop(), and none is ever set on the real clock', async (t) => {
  const timers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
  const before = timers();
  const { time, join } = kit(t);
  const tandems = ['trader', 'api'].map(join);
  tandems[0]!.own(trading).set('regime', 'bull');
  tandems[1]!.follow(trading);
  await time.advance(1_000);
  t.true(timers() <= before);
  await Promise.all(tandems.map((tandem) => tandem.stop()));
  t.is((time as unknown as { pending: number }).pending, 0);
});

test('without a time, the real clock drives it', async (t) => {
  const server = memoryServer();
  const [trader, api] = [connect({ store: server, name: 'trader' }), connect({ store: server, name: 'api' })];
  t.teardown(() => Promise.all([trader.stop(), api.stop()]));
  const owner = trader.own(trading, { leaseMs: 300 });
  const state = api.follow(trading, { maxStaleMs: 200 });
  await owner.ready();
  await state.ready();
  owner.set('regime', 'bull');
  await until(() => state.get('regime').value === 'bull', 'the value');
  server.cut('trader');
  await until(() => state.get('regime').owner === 'lost', 'the end of the lease');
  t.is(state.get('regime').freshness, 'stale');
});

test('readings tell when a value changed by a clock that is right', async (t) => {
  const server = memoryServer();
  const trader = connect({ store: server });
  t.teardown(() => trader.stop());
  const owner = trader.own(trading);
  await owner.ready();
  owner.set('regime', 'bull');
  t.true(Math.abs(Number(owner.head.split('-')[0]) - Date.now()) < 60_000, 'epochs are of today');
});

// ---- outages ----

test('an API says that the owner is lost when the owner dies', async (t) => {
  const { server, time, join } = kit(t);
  join('trader').own(trading).set('regime', 'bull');
  const state = join('api').follow(trading);
  await time.advance(1_000);
  t.like(state.get('regime'), { freshness: 'live', owner: 'alive' });
  server.cut('trader');
  await time.advance(2_000);
  t.like(state.get('regime'), { freshness: 'stale', owner: 'alive' });
  await time.advance(2_000);
  t.like(state.get('regime'), { value: 'bull', freshness: 'stale', owner: 'lost' });
});

test('what an owner sets while it is cut comes with its links', async (t) => {
  const { server, time, join } = kit(t);
  const trader = join('trader');
  const links: string[] = [];
  trader.observe({ link: ({ link, isUp, code }) => links.push(`${link} ${isUp} ${code}`) });
  const owner = trader.own(trading);
  const state = join('api').follow(trading);
  await time.advance(1_000);
  server.cut('trader');
  server.cut('trader');
  owner.set('regime', 'bear');
  await time.advance(1_000);
  t.is(owner.mode, 'degraded');
  t.is(state.get('regime').value, undefined);
  server.restore('trader');
  server.restore('trader');
  await time.advance(1_000);
  t.like(state.get('regime'), { value: 'bear', freshness: 'live' });
  t.deepEqual(links, [
    'commands false REDIS_UNAVAILABLE',
    'subscriber false REDIS_UNAVAILABLE',
    'commands true undefined',
    'subscriber true undefined',
  ]);
});

test('a follower that is cut goes stale, and nobody else does', async (t) => {
  const { server, time, join } = kit(t);
  join('trader').own(trading).set('regime', 'bull');
  const [one, two] = [join('one').follow(trading), join('two').follow(trading)];
  await time.advance(1_000);
  server.cut('one');
  await time.advance(5_000);
  t.is(one.get('regime').freshness, 'stale');
  t.is(two.get('regime').freshness, 'live');
});

test('a process that starts while its name is cut has no links until they are restored', async (t) => {
  const { server, time, join } = kit(t);
  const first = join('trader');
  first.own(trading);
  await time.advance(100);
  server.cut('trader');
  const stopped = first.stop();
  await time.advance(5_000);
  await stopped;
  const owner = join('trader').own(trading);
  await time.advance(5_000);
  t.is(owner.mode, 'degraded');
  server.restore('trader');
  await time.advance(1_000);
  t.is(owner.mode, 'connected');
});

test('an owner writes everything anew into a Redis that came back empty', async (t) => {
  const { server, time, join } = kit(t);
  const owner = join('trader').own(trading);
  const state = join('api').follow(trading);
  owner.set('regime', 'bull');
  owner.set('bot/a', 1);
  await time.advance(1_000);
  server.loseAll();
  await time.advance(2_000);
  t.like(state.get('bot/a'), { value: 1, freshness: 'live' });
  const late = join('late').follow(trading);
  await time.advance(1_000);
  t.like(late.get('regime'), { value: 'bull', freshness: 'live' });
});

test('without its owner, a Redis that came back empty leaves a new follower with nothing', async (t) => {
  const { server, time, join } = kit(t);
  join('trader').own(trading).set('regime', 'bull');
  await time.advance(1_000);
  server.cut('trader');
  server.loseAll();
  const late = join('late').follow(trading);
  await time.advance(5_000);
  t.like(late.get('regime'), { value: undefined, freshness: 'stale', owner: 'never' });
});

test('a server that is rolled back has what was there at that time', async (t) => {
  const { server, time, join } = kit(t);
  const owner = join('trader').own(trading);
  const setAll = (value: number): void => {
    owner.set('bot/a', value);
    if (value === 1) owner.set('bot/gone', value);
    else owner.delete('bot/gone');
  };
  await time.advance(1_000);
  setAll(1);
  await time.advance(1_000);
  setAll(2);
  await time.advance(1_000);
  server.cut('trader');
  server.rollBack(1_500);
  const late = join('late').follow(trading);
  await time.advance(100);
  t.is(late.get('bot/a').value, 1);
  t.is(late.get('bot/gone').value, 1);
  server.restore('trader');
  await time.advance(2_000);
  t.is(late.get('bot/a').value, 2);
  t.is(late.get('bot/gone').value, undefined);
  t.is(late.get('bot/a').freshness, 'live');
});

test('a roll back brings back what was lost', async (t) => {
  const { server, time, join } = kit(t);
  const trader = join('trader');
  trader.own(trading).set('regime', 'bull');
  await time.advance(1_000);
  await trader.stop();
  await time.advance(1_000);
  server.loseAll();
  await time.advance(1_000);
  server.rollBack(1_500);
  const late = join('late').follow(trading);
  await time.advance(100);
  t.like(late.get('regime'), { value: 'bull', owner: 'released' });
});

test('a large turn, in force or settled, is rolled back whole', async (t) => {
  const { server, time, join } = kit(t);
  const owner = join('trader').own(trading);
  await time.advance(1_000);
  for (let n = 0; n < 5_000; n += 1) owner.set(`bot/${n}`, 1);
  await time.advance(1_000);
  for (let n = 0; n < 5_000; n += 1) owner.set(`bot/${n}`, 2);
  await time.advance(1_000);
  server.cut('trader');
  server.rollBack(1_500);
  const late = join('late').follow(trading);
  await time.advance(1_000);
  const values = new Set([...late.entries()].map(({ value }) => value));
  t.deepEqual([...values], [1]);
});

test('a server remembers ten minutes', async (t) => {
  const { server, time, join } = kit(t);
  join('trader').own(trading);
  await time.advance(700_000);
  server.rollBack(590_000);
  const error = t.throws(() => server.rollBack(699_000));
  t.like(error, { code: 'INVALID_OPTION' });
  t.regex(error.message, /^ms: expected a number from 0 to \d+, got 699000: it remembers no more/);
});

test('outages of a server that nobody has joined change nothing', (t) => {
  const server = memoryServer();
  server.loseAll();
  server.rollBack(1_000);
  t.like(
    t.throws(() => server.cut('trader')),
    {
      code: 'INVALID_OPTION',
      message: 'name: expected that of a process that has joined (none), got "trader"',
    },
  );
});

test('an unknown name is refused, and the error lists those that are known', (t) => {
  const { server, join } = kit(t);
  join('trader');
  join('api');
  for (const call of ['cut', 'restore'] as const) {
    t.like(
      t.throws(() => server[call]('tradr')),
      {
        code: 'INVALID_OPTION',
        message: 'name: expected that of a process that has joined (trader, api), got "tradr"',
      },
    );
    t.like(
      t.throws(() => server[call](undefined as never)),
      { code: 'INVALID_OPTION' },
    );
  }
});

for (const ms of [-1, NaN, Infinity, '10', undefined]) {
  test(`a roll back by ${String(ms)} is refused`, (t) => {
    const error = t.throws(() => memoryServer().rollBack(ms as number));
    t.like(error, { code: 'INVALID_OPTION' });
  });
}

// ---- options ----

const refusals: [title: string, options: () => unknown, message: RegExp][] = [
  [
    'both',
    () => ({ redis: 'redis://127.0.0.1:1', store: memoryServer() }),
    /^redis, store, upstream: .* got redis and store/,
  ],
  ['neither', () => ({}), /^redis: expected .*, got undefined/],
  ['a store that is none', () => ({ store: {} }), /^store: expected a memoryServer\(\).*, got an object/],
  [
    'a function as a store',
    () => ({ store: memoryServer }),
    /^store: expected a memoryServer\(\).* a function/,
  ],
  ['null as a store', () => ({ store: null }), /^store: expected a memoryServer\(\).*, got null/],
  ['a prefix that no key can have', () => ({ store: memoryServer(), prefix: '{a}' }), /^prefix: expected/],
  ['a time without a store', () => ({ time: fakeTime() }), /^time: expected a memoryServer\(\) as store/],
  [
    'a time beside Redis',
    () => ({ redis: 'redis://127.0.0.1:1', time: fakeTime() }),
    /^time: expected a memoryServer\(\) as store/,
  ],
  ['a time that is none', () => ({ store: memoryServer(), time: Date }), /^time: expected a fakeTime\(\)/],
  ['null as a time', () => ({ store: memoryServer(), time: null }), /^time: expected a fakeTime\(\)/],
];
for (const [title, options, message] of refusals) {
  test(`connect refuses ${title}`, (t) => {
    const error = t.throws(() => connect(options() as never));
    t.like(error, { code: 'INVALID_OPTION' });
    t.regex(error.message, message);
  });
}

test('all processes of a server have one time', async (t) => {
  const server = memoryServer();
  const tandem = connect({ store: server, time: fakeTime() });
  t.teardown(() => tandem.stop());
  for (const time of [fakeTime(), undefined]) {
    const error = t.throws(() => connect({ store: server, time }));
    t.like(error, { code: 'INVALID_OPTION' });
    t.regex(error.message, /^time: expected the time of the processes that joined/);
  }
});
