/** The state in order of last change, compared with a model that keeps the whole log. */
import assert from 'node:assert/strict';
import test from 'ava';
import * as fc from 'fast-check';
import { finish } from '../../src/base/slices.ts';
import { RevisionMap } from '../../src/state/revision-map.ts';
import { check } from '../_check.ts';

interface Operation {
  readonly key: string;
  /** `undefined` deletes. */
  readonly value: number | undefined;
  /** By how much the revision grows. */
  readonly step: number;
}

const operation: fc.Arbitrary<Operation> = fc.record({
  key: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j'),
  value: fc.option(fc.nat(9), { nil: undefined }),
  step: fc.integer({ min: 1, max: 3 }),
});
const operations = fc.array(operation, { maxLength: 120 });

interface Logged {
  readonly key: string;
  readonly value: number | undefined;
  readonly revision: number;
  readonly epoch: number;
}

/** Carries out operations on a map, and keeps their log. Calls back after each. */
function play(
  map: RevisionMap<number>,
  played: readonly Operation[],
  after: (log: readonly Logged[]) => void = () => {},
): Logged[] {
  const log: Logged[] = [];
  let revision = 0;
  for (const { key, value, step } of played) {
    revision += step;
    const epoch = 1 + Math.floor(revision / 10);
    map.set(key, value, revision, epoch);
    log.push({ key, value, revision, epoch });
    after(log);
  }
  return log;
}

/** The latest change of each key, in order of revision. */
function latest(log: readonly Logged[]): Logged[] {
  return [...new Map(log.map((one) => [one.key, one])).values()].sort((a, b) => a.revision - b.revision);
}

const plain = ({ key, value, revision, epoch }: Logged): Logged => ({ key, value, revision, epoch });

test('a new map is empty, at revision 0, and has forgotten nothing', (t) => {
  const map = new RevisionMap<number>();
  t.deepEqual([map.size, map.revision, map.horizon, map.tombstones], [0, 0, 0, 0]);
  t.deepEqual(map.since(0), []);
  t.deepEqual([...map.entries()], []);
  t.is(map.get('a'), undefined);
});

test('a change moves its key to the end, and since() gives the latest change of each key once', (t) => {
  const map = new RevisionMap<number>();
  map.set('a', 1, 1, 1);
  map.set('b', 2, 2, 1);
  map.set('a', 3, 3, 1);
  t.deepEqual(map.since(0).map(plain), [
    { key: 'b', value: 2, revision: 2, epoch: 1 },
    { key: 'a', value: 3, revision: 3, epoch: 1 },
  ]);
  t.deepEqual(
    map.since(2).map(({ key }) => key),
    ['a'],
  );
  t.deepEqual(map.since(3), []);
});

test('a delete leaves a tombstone, which a later value replaces', (t) => {
  const map = new RevisionMap<number>();
  map.set('a', 1, 1, 1);
  map.set('a', undefined, 2, 1);
  t.deepEqual([map.size, map.tombstones, map.revision], [0, 1, 2]);
  t.deepEqual(map.since(1).map(plain), [{ key: 'a', value: undefined, revision: 2, epoch: 1 }]);
  t.deepEqual([...map.entries()], []);
  map.set('a', 5, 3, 1);
  t.deepEqual([map.size, map.tombstones], [1, 0]);
});

test('a falsy value is a value', (t) => {
  const map = new RevisionMap<unknown>();
  for (const [index, value] of [0, '', false, null].entries()) map.set(`key ${index}`, value, index + 1, 1);
  t.is(map.size, 4);
  t.is(map.tombstones, 0);
});

test('the changes since any revision match the whole log, however keys come and go', (t) =>
  check(
    t,
    fc.property(operations, (played) => {
      const map = new RevisionMap<number>();
      play(map, played, (log) => {
        const expected = latest(log);
        const end = log.at(-1)?.revision ?? 0;
        assert.equal(map.revision, end);
        for (let revision = 0; revision <= end + 1; revision += 1) {
          const found = map.since(revision).map(plain);
          assert.deepEqual(
            found,
            expected.filter((one) => one.revision > revision),
          );
        }
        assert.equal(map.size, expected.filter(({ value }) => value !== undefined).length);
        assert.equal(map.tombstones, expected.filter(({ value }) => value === undefined).length);
        for (const one of expected) assert.deepEqual(plain(map.get(one.key) as Logged), one);
      });
    }),
  ));

test('entries are the keys that hold a value, in the order in which they first came', (t) =>
  check(
    t,
    fc.property(operations, (played) => {
      const map = new RevisionMap<number>();
      const log = play(map, played);
      const held = new Map(log.map(({ key, value }) => [key, value]));
      const expected = [...held].filter(([, value]) => value !== undefined);
      assert.deepEqual(
        [...map.entries()].map(({ key, value }) => [key, value]),
        expected,
      );
    }),
  ));

test('tombstones are dropped oldest first and reported once, and nothing after the horizon is missing', (t) =>
  check(
    t,
    fc.property(operations, fc.nat(4), (played, limit) => {
      const dropped: string[] = [];
      const map = new RevisionMap<number>(limit, ({ key }) => dropped.push(key));
      let horizon = 0;
      let told = 0;
      play(map, played, (log) => {
        const expected = latest(log);
        const dead = expected.filter(({ value }) => value === undefined);
        const gone = dead.filter(({ key }) => map.get(key) === undefined);
        const keep = Math.max(limit, map.size);

        assert.ok(map.tombstones <= 2 * keep, `${map.tombstones} tombstones, ${keep} are to be kept`);
        assert.ok(map.tombstones >= Math.min(keep, dead.length - gone.length));
        assert.ok(map.horizon >= horizon, 'the horizon went back');
        // Every dropped key is at or below the horizon, and every other above it.
        assert.deepEqual(
          gone,
          dead.filter(({ revision }) => revision <= map.horizon),
        );
        if (map.horizon > horizon)
          assert.equal(log.find((one) => one.revision === map.horizon)?.value, undefined);
        assert.equal(map.tombstones, dead.length - gone.length);
        for (let p = map.horizon; p <= (log.at(-1)?.revision ?? 0); p += 1)
          assert.deepEqual(
            map.since(p).map(plain),
            expected.filter(({ revision }) => revision > p),
          );
        // A key with a value is never dropped.
        const alive = expected.filter(({ value }) => value !== undefined);
        assert.deepEqual(
          map
            .since(0)
            .filter(({ value }) => value !== undefined)
            .map(plain),
          alive,
        );
        // Each drop is reported once, when it happens.
        for (const key of dropped.slice(told)) assert.equal(map.get(key), undefined, key);
        assert.equal(new Set(dropped.slice(told)).size, dropped.length - told);
        assert.equal(dropped.length > told, map.horizon > horizon);
        told = dropped.length;
        horizon = map.horizon;
      });
    }),
  ));

test('by default, 10,000 deletes are remembered, and hardly ever more than twice as many', (t) => {
  const map = new RevisionMap<number>();
  for (let index = 0; index < 20_000; index += 1) map.set(`key ${index}`, undefined, index + 1, 1);
  t.deepEqual([map.tombstones, map.horizon], [20_000, 0]);
  for (let index = 0; index < 200; index += 1) {
    const { tombstones } = map;
    map.set(`more ${index}`, undefined, 20_001 + index, 1);
    t.true(tombstones - map.tombstones <= 64, 'no delete drops many');
  }
  t.true(map.tombstones >= 10_000 && map.tombstones < 10_200, `${map.tombstones} are left`);
  t.is(map.horizon, 20_200 - map.tombstones);
});

test('while old tombstones are dropped, a key in the way may come back', (t) => {
  const map = new RevisionMap<number>();
  for (let index = 1; index <= 20_001; index += 1) map.set(`key ${index}`, undefined, index, 1);
  const { horizon } = map;
  // The walk stands at the next one.
  map.set(`key ${horizon + 1}`, 1, 20_002, 1);
  for (let index = 0; index < 200; index += 1) map.set(`more ${index}`, undefined, 20_003 + index, 1);
  t.is(map.get(`key ${horizon + 1}`)?.value, 1);
  t.is(map.get(`key ${horizon + 2}`), undefined);
  t.true(map.tombstones < 10_200);
});

test('if there are more live keys than that, as many deletes are remembered', (t) => {
  const map = new RevisionMap<number>(2);
  let revision = 0;
  for (let index = 0; index < 10; index += 1) map.set(`live ${index}`, index, (revision += 1), 1);
  for (let index = 0; index < 20; index += 1) map.set(`dead ${index}`, undefined, (revision += 1), 1);
  t.deepEqual([map.tombstones, map.horizon], [20, 0]);
  map.set('one more', undefined, (revision += 1), 1);
  t.deepEqual([map.tombstones, map.horizon], [10, 21]);
});

test('a stated horizon moves the horizon on, and never back', (t) => {
  const map = new RevisionMap<number>();
  map.forgetUpTo(7);
  t.is(map.horizon, 7);
  map.forgetUpTo(3);
  t.is(map.horizon, 7);
});

test('dropping a tombstone does not move the horizon back', (t) => {
  const map = new RevisionMap<number>(1);
  map.forgetUpTo(100);
  for (const revision of [10, 20, 30]) map.set(`dead ${revision}`, undefined, revision, 1);
  t.is(map.tombstones, 1, 'two were dropped');
  t.is(map.horizon, 100);
});

test('a snapshot shows the entries as they were, in order, whatever changes while it is walked', async (t) => {
  await check(
    t,
    fc.property(operations, operations, fc.nat(40), fc.nat(5), (before, during, from, pace) => {
      // The limit makes prunes drop tombstones during the walk, too.
      const map = new RevisionMap<number>(1);
      play(map, before);
      const expected = map.since(from).map(({ key, value, revision }) => ({ key, value, revision }));
      const snapshot = map.snapshot(from);
      const seen: object[] = [];
      const walk = (steps: number): void => {
        for (let step = 0; step < steps; step += 1) {
          const { value: entry } = snapshot.next();
          if (entry) seen.push({ key: entry.key, value: entry.value, revision: entry.revision });
        }
      };
      let { revision } = map;
      for (const { key, value, step } of during) {
        walk(pace);
        map.set(key, value, (revision += step), 1);
      }
      walk(before.length + 1);
      assert.deepEqual(seen, expected);
    }),
  );
});

test('a snapshot that is closed has no more entries, and keeps nothing', (t) => {
  const map = new RevisionMap<number>();
  map.set('a', 1, 1, 1);
  map.set('b', 1, 2, 1);
  const snapshot = map.snapshot();
  t.is(snapshot.next().value?.key, 'a');
  snapshot.return();
  map.set('b', 2, 3, 1);
  t.true(snapshot.next().done);
});

test('the changes since any revision are found from wherever was looked before, also from a place of its own', (t) =>
  check(
    t,
    fc.property(operations, fc.array(fc.nat(250), { minLength: 1 }), (played, looks) => {
      const map = new RevisionMap<number>(3);
      const place = map.place();
      let at = 0;
      play(map, played, (log) => {
        const expected = latest(log).filter(({ key }) => map.get(key) !== undefined);
        for (const where of [undefined, place]) {
          const from = looks[(at += 1) % looks.length]!;
          assert.deepEqual(
            map.since(from, Infinity, where).map(plain),
            expected.filter(({ revision }) => revision > from),
          );
        }
      });
    }),
  ));

test('what is woven into a map is as it was at the beginning, in revision order, though its own map changes', (t) => {
  const shown = new RevisionMap<string>();
  const next = new RevisionMap<string>();
  shown.set('kept', 'old', 2, 1);
  shown.set('later', 'old', 4, 1);
  next.set('a', 'a', 1, 1);
  next.set('b', 'b', 3, 1);
  next.set('c', 'c', 5, 1);
  const weaving = next.weave(shown, ({ revision }) => revision <= 5);
  let revision = 6;
  for (let step = weaving.next(); !step.done; step = weaving.next(), revision += 2) {
    shown.set('kept', 'new', revision, 1);
    shown.set('later', 'new', revision + 1, 1);
  }
  t.deepEqual(
    next.since(0).map(({ key, value, revision }) => [key, value, revision]),
    [
      ['a', 'a', 1],
      ['kept', 'old', 2],
      ['b', 'b', 3],
      ['later', 'old', 4],
      ['c', 'c', 5],
    ],
  );
});

test('whatever seats are taken and given up between changes, they are keys that never changed', (t) =>
  check(
    t,
    fc.property(operations, operations, fc.array(fc.nat(2), { maxLength: 30 }), (first, wanted, moves) => {
      const others = new RevisionMap<number>();
      play(others, wanted);
      const bare = new RevisionMap<number>(Infinity);
      const seated = new RevisionMap<number>(Infinity);
      let at = 0;
      const move = (): void => {
        const choice = moves[at++ % Math.max(1, moves.length)];
        if (choice === 1) finish(seated.seat(others));
        if (choice === 2) finish(seated.unseat(others));
      };
      let revision = 0;
      for (const { key, value, step } of first) {
        move();
        revision += step;
        const before = bare.set(key, value, revision, 1, NaN, revision);
        t.is(seated.set(key, value, revision, 1, NaN, revision), before);
        t.deepEqual(shown(seated), shown(bare));
      }
    }),
  ));

test('a key takes its seat, and only seats that nobody took are given up', (t) => {
  const map = new RevisionMap<number>();
  map.set('a', 1, 1, 1);
  const more = new RevisionMap<number>();
  for (const [at, key] of ['a', 'b', 'c'].entries()) more.set(key, at, at + 1, 1);
  finish(map.seat(more));
  map.set('b', 2, 2, 1);
  finish(map.unseat(more));
  t.deepEqual([map.get('a')?.value, map.get('b')?.value, map.get('c')], [1, 2, undefined]);
  t.is(map.set('c', 3, 3, 1), 0);
  t.deepEqual([map.size, map.tombstones], [3, 0]);
});

/** All that anybody sees of a map, but for the order of `entries`. */
function shown(map: RevisionMap<number>): unknown {
  const { size, tombstones, digest, revision, horizon } = map;
  const { value, revision: at = 0, epoch = 0 } = map.get('a') ?? {};
  const values = [...map.entries()].map(plain).sort((a, b) => a.revision - b.revision);
  return { size, tombstones, digest, revision, horizon, a: [value, at, epoch], values };
}
