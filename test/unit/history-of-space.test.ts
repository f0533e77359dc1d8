/** The history of a space: which values its keys had, as participants read it from a memory server. */
import test from 'ava';
import * as z from 'zod';
import type { HistoryOptions, Owner, PastChange } from '../../src/index.ts';
import { defineSpace, json } from '../../src/index.ts';
import type { HistorySource } from '../../src/ports/history.ts';
import { checkedQuery, readHistory } from '../../src/ports/history.ts';
import type { HistoryRequest } from '../../src/ports/store.ts';
import { cut, MemoryWorld, mend } from '../_memory-world.ts';

const SPACE = defineSpace('past', { regime: z.enum(['bull', 'bear']), 'bot/*': json() });
const KEPT = { maxChanges: 1_000, maxAgeMs: 3_600_000 };

async function begun(history: HistoryOptions = KEPT) {
  const world = new MemoryWorld();
  const process = world.process('owner');
  const owner = process.tandem.own(SPACE, { history });
  await world.result(owner.ready());
  return { world, process, owner };
}

const valuesOf = (changes: readonly PastChange[]): unknown[] => changes.map(({ value }) => value);

/** Sets values of a key, so far apart that each has a commit of its own. */
async function setEach(
  world: MemoryWorld,
  owner: Pick<Owner<typeof SPACE.definition>, 'set'>,
  ...values: ('bull' | 'bear')[]
): Promise<number[]> {
  const times: number[] = [];
  for (const value of values) {
    owner.set('regime', value);
    times.push(Math.floor(world.server.now()));
    await world.time.advance(1_000);
  }
  return times;
}

test('owner, follower and standby read the values that a key had, newest first', async (t) => {
  const { world, owner } = await begun();
  const times = await setEach(world, owner, 'bull', 'bear', 'bull');
  owner.set('bot/a', { n: 1 });
  owner.delete('regime');
  await world.time.advance(1_000);
  const follower = world.process('api').tandem.follow(SPACE);
  const standby = world.process('standby').tandem.own(SPACE, { standby: true, history: KEPT });
  await world.result(follower.ready());
  await world.time.advance(500);
  for (const one of [owner, follower, standby]) {
    const history = await world.result(one.history('regime'));
    t.deepEqual(valuesOf(history), [undefined, 'bull', 'bear', 'bull']);
    t.deepEqual(
      history.map(({ deleted }) => deleted),
      [true, false, false, false],
    );
    t.deepEqual(
      history.slice(1).map(({ changedAt }) => changedAt),
      times.toReversed(),
    );
    t.is(history[0]!.position, follower.get('regime').position);
    t.true(history.every((change) => Object.isFrozen(change)));
    t.false(history.hasMore);
    t.true(history.knownFrom! <= times[0]!);
  }
  t.deepEqual(valuesOf(await world.result(follower.history('bot/a'))), [{ n: 1 }]);
});

test('a history can be asked for by time, and by number', async (t) => {
  const { world, owner } = await begun();
  const [first, second, third] = await setEach(world, owner, 'bull', 'bear', 'bull');
  const ask = (query: Parameters<typeof owner.history>[1]) => world.result(owner.history('regime', query));
  t.deepEqual(
    (await ask({ from: second! })).map(({ changedAt }) => changedAt),
    [third, second],
  );
  t.deepEqual(
    (await ask({ to: second! })).map(({ changedAt }) => changedAt),
    [second, first],
  );
  t.deepEqual(
    (await ask({ from: second!, to: second! })).map(({ changedAt }) => changedAt),
    [second],
  );
  const newest = await ask({ limit: 1 });
  t.deepEqual([newest.length, newest.hasMore], [1, true]);
});

test('what was set in an outage, and committed long after, is found at the time at which it was set', async (t) => {
  const { world, process, owner } = await begun();
  owner.on('error', () => {});
  await setEach(world, owner, 'bull');
  cut(process);
  await world.time.advance(60_000);
  owner.set('regime', 'bear');
  const at = Math.floor(world.server.now());
  await world.time.advance(600_000);
  mend(process);
  await world.time.advance(5_000);
  await setEach(world, owner, 'bull');
  await world.time.advance(100_000);
  const found = await world.result(owner.history('regime', { from: at - 1_000, to: at + 1_000 }));
  t.deepEqual(valuesOf(found), ['bear']);
});

test('a moment long ago is found without reading all that came after it', async (t) => {
  const { world, owner } = await begun({ maxChanges: 100_000, maxAgeMs: 3_600_000 });
  const [at] = await setEach(world, owner, 'bull');
  for (let n = 0; n < 600; n += 1) {
    for (let key = 0; key < 10; key += 1) owner.set(`bot/${key}`, n);
    await world.time.advance(1_000);
  }
  const asked: HistoryRequest[] = [];
  const source: HistorySource = {
    space: 'past',
    ask: (request) => {
      asked.push(request);
      return Promise.resolve(world.server.history('past', request));
    },
    timeOf: () => undefined,
    read: (_, text) => JSON.parse(text),
  };
  const found = await readHistory(source, undefined, checkedQuery({ to: at! + 500 }));
  t.deepEqual(valuesOf(found), ['bull']);
  t.true(asked.length <= 10, `asked ${asked.length} times`);
});

test('values that were replaced before their commit are not in it', async (t) => {
  const { world, owner } = await begun();
  owner.set('regime', 'bull');
  owner.set('regime', 'bear');
  await world.time.advance(1_000);
  t.deepEqual(valuesOf(await world.result(owner.history('regime'))), ['bear']);
});

test('it is trimmed by number and by age, and says since when it is known', async (t) => {
  const { world, owner } = await begun({ maxChanges: 2, maxAgeMs: 60_000 });
  const times = await setEach(world, owner, 'bull', 'bear', 'bull', 'bear');
  const history = await world.result(owner.history('regime'));
  t.is(history.length, 2);
  t.true(history.knownFrom! > times[1]! && history.knownFrom! <= times[2]! + 500);
  await world.time.advance(120_000);
  t.is((await world.result(owner.history('regime'))).length, 0);
});

test('where nobody keeps it, it is off; and a later owner that keeps none says that the newest are missing', async (t) => {
  const world = new MemoryWorld();
  const owner = world.process('owner').tandem.own(SPACE);
  await world.result(owner.ready());
  await t.throwsAsync(() => world.result(owner.history('regime')), { code: 'HISTORY_OFF' });
  await world.result(owner.stop());
  const keeper = world.process('keeper').tandem.own(SPACE, { history: KEPT });
  await world.result(keeper.ready());
  await setEach(world, keeper, 'bull');
  await world.result(keeper.stop());
  const last = world.process('last').tandem.own(SPACE);
  await world.result(last.ready());
  await setEach(world, last, 'bear');
  const gone = await world.result(last.history('regime'));
  t.deepEqual([valuesOf(gone), gone.knownFrom], [['bull'], undefined]);
  await world.result(last.stop());
  const again = world.process('again').tandem.own(SPACE, { history: KEPT });
  const at = world.server.now();
  await world.result(again.ready());
  await setEach(world, again, 'bull');
  const history = await world.result(again.history('regime'));
  t.deepEqual(valuesOf(history), ['bull', 'bull']);
  t.true(history.knownFrom! >= at - 1);
});

test('a Redis that lost everything lost the history, and it says from when on it is known', async (t) => {
  const { world, owner } = await begun();
  await setEach(world, owner, 'bull', 'bear');
  owner.on('error', () => {});
  const at = world.server.now();
  world.server.wipe('past');
  await world.time.advance(5_000);
  await setEach(world, owner, 'bull');
  const history = await world.result(owner.history('regime'));
  t.deepEqual(valuesOf(history), ['bull']);
  t.true(history.knownFrom! >= at - 1);
});

test('a large turn is in it', async (t) => {
  const { world, owner } = await begun({ maxChanges: 10_000, maxAgeMs: 3_600_000 });
  for (let n = 0; n < 3_000; n += 1) owner.set(`bot/${n}`, n);
  const at = Math.floor(world.server.now());
  await world.time.advance(2_000);
  owner.set('bot/7', 'after');
  await world.time.advance(2_000);
  for (const n of [0, 2_999]) {
    const history = await world.result(owner.history(`bot/${n}`));
    t.deepEqual(
      history.map(({ value, changedAt }) => [value, changedAt]),
      [[n, at]],
    );
  }
  t.deepEqual(valuesOf(await world.result(owner.history('bot/7'))), ['after', 7]);
});

test('a value that the schema of today refuses comes with its JSON and the error', async (t) => {
  const { world, process, owner } = await begun();
  await setEach(world, owner, 'bull');
  await world.result(process.tandem.stop());
  const narrow = defineSpace('past', { regime: z.enum(['bear']) });
  const follower = world.process('api').tandem.follow(narrow);
  follower.on('error', () => {});
  await world.time.advance(1_000);
  const [change] = await world.result(follower.history('regime'));
  t.like(change, { value: undefined, deleted: false, raw: '"bull"' });
  t.truthy(change!.error);
});

test('bad options are named', async (t) => {
  const { world, owner } = await begun();
  const refused = (name: string, query: object) =>
    t.throwsAsync(() => world.result(owner.history('regime', query)), {
      code: 'INVALID_OPTION',
      message: new RegExp(`^${name}`),
    });
  await refused('limit', { limit: 0 });
  await refused('from', { from: -1 });
  await refused('to', { to: 'now' });
  await refused('from, to', { from: 2, to: 1 });
  await t.throwsAsync(() => owner.history('unknown' as 'regime'), { code: 'UNKNOWN_KEY' });
  const { tandem } = world.process('other');
  for (const history of [{ maxChanges: 0 }, { maxAgeMs: 1 }, { maxChanges: '9' }, 7])
    t.throws(() => tandem.own(SPACE, { history: history as HistoryOptions }), {
      code: 'INVALID_OPTION',
      message: /^history/,
    });
});
