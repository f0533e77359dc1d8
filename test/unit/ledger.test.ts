/**
 * The owner's ledger: it holds every value that was set, its revisions only grow, and a batch is all or
 * nothing.
 */
import assert from 'node:assert/strict';
import test from 'ava';
import * as fc from 'fast-check';
import type { Change } from '../../src/state/change.ts';
import { hashOf } from '../../src/state/digest.ts';
import { Ledger } from '../../src/state/ledger.ts';
import { ZERO } from '../../src/state/position.ts';
import { check } from '../_check.ts';
import { resume, startOver } from '../_ledger.ts';

const FIRST = { epoch: 5, base: { epoch: 3, revision: 20 } };

const change = (key: string, revision: number, json = ''): Change => ({ key, revision, json });

/** The state of a ledger as a plain object. */
function stateOf(ledger: Ledger): Record<string, string> {
  return Object.fromEntries([...ledger.entries()].map(({ key, value }) => [key, value?.json ?? 'nothing']));
}

/** A ledger that has taken over an empty store. */
function loaded(): Ledger {
  const ledger = new Ledger();
  resume(ledger, { epoch: 1, base: ZERO }, 0, 0, []);
  return ledger;
}

test('revisions count from one until the store is known', (t) => {
  const ledger = new Ledger();
  t.deepEqual(ledger.head, ZERO);
  ledger.set('a', '1');
  ledger.set('b', '2');
  t.deepEqual(ledger.head, { epoch: 0, revision: 2 });
  t.false(ledger.isLoaded);
});

test('resume puts the values set here on top of the stored ones', (t) => {
  const ledger = new Ledger();
  ledger.set('a', '"here"');
  ledger.delete('b');
  ledger.delete('nowhere');
  resume(
    ledger,
    FIRST,
    20,
    0,
    [change('a', 4, '"there"'), change('b', 7, '1'), change('c', 20, '2'), change('d', 9)].sort(
      (x, y) => x.revision - y.revision,
    ),
  );
  t.deepEqual(stateOf(ledger), { a: '"here"', c: '2' });
  t.deepEqual(ledger.head, { epoch: 5, revision: 22 });
  t.deepEqual(ledger.changesSince(20), [change('a', 21, '"here"'), change('b', 22)]);
  t.is(ledger.get('c')?.epoch, 3, 'changed in the epoch before');
  t.is(ledger.get('a')?.epoch, 5);
  t.true(ledger.isLoaded);
});

test('resume takes over the horizon of the store', (t) => {
  const ledger = new Ledger();
  resume(ledger, FIRST, 20, 8, [change('a', 9, '1')]);
  t.is(ledger.horizon, 8);
  t.is(ledger.changesSince(7), undefined, 'the map does not remember deletes that far back');
  t.deepEqual(ledger.changesSince(8), [change('a', 9, '1')]);
});

test("startOver keeps only the values set here, and goes on from the store's revision", (t) => {
  const ledger = new Ledger();
  ledger.set('a', '1');
  startOver(ledger, { epoch: 5, base: ZERO }, 20);
  t.deepEqual(stateOf(ledger), { a: '1' });
  t.deepEqual(ledger.head, { epoch: 5, revision: 21 });
  t.is(ledger.changesSince(19), undefined, "the store's earlier contents are unknown");
});

test('a new epoch changes no revision', (t) => {
  const ledger = loaded();
  ledger.set('a', '1');
  ledger.continueIn({ epoch: 9, base: ledger.head });
  t.deepEqual(ledger.line, { epoch: 9, base: { epoch: 1, revision: 1 } });
  t.deepEqual(ledger.head, { epoch: 9, revision: 1 });
  t.is(ledger.get('a')?.epoch, 1);
  ledger.set('b', '2');
  t.is(ledger.get('b')?.epoch, 9);
});

test('delete returns whether the key had a value, and takes no revision if it had none', (t) => {
  const ledger = loaded();
  ledger.set('a', '1');
  t.true(ledger.delete('a'));
  t.false(ledger.delete('a'));
  t.false(ledger.delete('b'));
  t.is(ledger.head.revision, 2);
});

test('before the store is known, deleting an absent key is remembered too', (t) => {
  const ledger = new Ledger();
  t.false(ledger.delete('a'));
  resume(ledger, FIRST, 20, 0, [change('a', 4, '1')]);
  t.deepEqual(stateOf(ledger), {});
});

test('a batch sees its own changes, and they appear outside all at once', (t) => {
  const ledger = loaded();
  ledger.set('a', '1');
  const result = ledger.batch(() => {
    ledger.set('a', '2');
    ledger.set('b', '3');
    t.is(ledger.get('a')?.value?.json, '2');
    t.true(ledger.delete('b'));
    t.is(ledger.get('b')?.value, undefined);
    t.is(ledger.head.revision, 1, 'the book is still empty');
    return 'done';
  });
  t.is(result, 'done');
  t.deepEqual(stateOf(ledger), { a: '2' });
});

test('a batch that throws leaves no trace, and the error reaches the caller', (t) => {
  const ledger = loaded();
  ledger.set('a', '1');
  const thrown = new Error('halfway');
  const error = t.throws(() =>
    ledger.batch(() => {
      ledger.set('a', '2');
      ledger.delete('a');
      ledger.set('b', '3');
      throw thrown;
    }),
  );
  t.is(error, thrown);
  t.deepEqual(stateOf(ledger), { a: '1' });
  t.is(ledger.head.revision, 1);
  ledger.set('c', '4');
  t.deepEqual(stateOf(ledger), { a: '1', c: '4' });
});

test('a batch with an asynchronous function throws, and sets nothing', (t) => {
  const ledger = loaded();
  const error = t.throws(
    () =>
      ledger.batch(async () => {
        ledger.set('a', '1');
        await Promise.reject(new Error('later'));
      }),
    { code: 'INVALID_BATCH' },
  );
  t.regex(error.message, /synchronous/);
  t.deepEqual(stateOf(ledger), {});
});

test('a nested batch belongs to the outer one', (t) => {
  const ledger = loaded();
  t.throws(() =>
    ledger.batch(() => {
      ledger.batch(() => ledger.set('a', '1'));
      throw new Error('the outer one fails');
    }),
  );
  t.deepEqual(stateOf(ledger), {});
});

type Step = { readonly key: string; readonly json: string | undefined };
const step: fc.Arbitrary<Step> = fc.record({
  key: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
  json: fc.option(fc.nat(99).map(String), { nil: undefined }),
});
const action = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('step' as const), steps: fc.tuple(step) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('batch' as const), steps: fc.array(step) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('failed batch' as const), steps: fc.array(step) }) },
);

/** Carries out an action on a ledger. Returns whether its changes count. */
function act(ledger: Ledger, { do: what, steps }: { do: string; steps: readonly Step[] }): boolean {
  const run = (): void => {
    for (const { key, json } of steps) {
      if (json === undefined) ledger.delete(key);
      else ledger.set(key, json);
    }
    if (what === 'failed batch') throw new Error('on purpose');
  };
  try {
    if (what === 'step') run();
    else ledger.batch(run);
  } catch {
    return false;
  }
  return true;
}

test('a ledger equals a map, and gives the changes since any revision', (t) =>
  check(
    t,
    fc.property(fc.array(action, { maxLength: 40 }), (actions) => {
      const ledger = loaded();
      const model = new Map<string, string>();
      const past: { revision: number; state: Record<string, string> }[] = [{ revision: 0, state: {} }];
      for (const one of actions) {
        const before = ledger.head.revision;
        if (act(ledger, one)) {
          for (const { key, json } of one.steps) {
            if (json === undefined) model.delete(key);
            else model.set(key, json);
          }
        } else {
          assert.equal(ledger.head.revision, before);
        }
        assert.deepEqual(stateOf(ledger), Object.fromEntries(model));
        assert.equal(ledger.size, model.size);
        assert.ok(ledger.head.revision >= before);
        past.push({ revision: ledger.head.revision, state: Object.fromEntries(model) });
      }
      // From every past revision, the changes since then lead to the present state.
      for (const { revision, state } of past) {
        const followed = { ...state };
        for (const { key, json } of ledger.changesSince(revision) ?? []) {
          if (json === '') delete followed[key];
          else followed[key] = json;
        }
        assert.deepEqual(followed, Object.fromEntries(model));
      }
    }),
  ));

test('every value set before the store was known is on top of it afterwards', (t) =>
  check(
    t,
    fc.property(
      fc.array(action, { maxLength: 20 }),
      fc.array(step, { maxLength: 20 }),
      fc.boolean(),
      (actions, stored, isReset) => {
        const ledger = new Ledger();
        const latest = new Map(
          stored.map(({ key, json }, index) => [key, change(key, index + 1, json ?? '')]),
        );
        const model = new Map(isReset ? [] : [...latest].map(([key, { json }]) => [key, json]));
        for (const one of actions) {
          if (act(ledger, one)) for (const { key, json } of one.steps) model.set(key, json ?? '');
        }
        const revision = stored.length;
        const inOrder = [...latest.values()].sort((a, b) => a.revision - b.revision);
        if (isReset) startOver(ledger, FIRST, revision);
        else resume(ledger, FIRST, revision, 0, inOrder);
        assert.deepEqual(stateOf(ledger), Object.fromEntries([...model].filter(([, json]) => json !== '')));
        // Applied to the store, the changes make it equal to the ledger.
        const cut = ledger.changesSince(revision);
        assert.ok(cut !== undefined);
        if (isReset) return;
        for (const one of cut) latest.set(one.key, one);
        const there = [...latest.values()]
          .filter(({ json }) => json !== '')
          .map(({ key, json }) => [key, json]);
        assert.deepEqual(
          Object.fromEntries(there),
          Object.fromEntries([...model].filter(([, json]) => json !== '')),
        );
      },
    ),
  ));

/** Sets and deletes this many new keys. */
function churn(ledger: Ledger, count: number, name = 'order'): void {
  for (let index = 0; index < count; index += 1) {
    ledger.set(`${name}/${index}`, '1');
    ledger.delete(`${name}/${index}`);
  }
}

test('each dropped tombstone is named once, so that the store can forget it', (t) => {
  const ledger = loaded();
  churn(ledger, 20_200);
  t.true(ledger.droppedCount >= 10_000);
  t.deepEqual(ledger.dropped(2), ['order/0', 'order/1']);
  ledger.forgetDropped(2, false);
  t.deepEqual(ledger.dropped(2), ['order/2', 'order/3']);
  t.is(ledger.changesSince(ledger.horizon - 1), undefined);
  t.is(ledger.changesSince(ledger.horizon)?.length, 20_200 - 2 - ledger.droppedCount);
});

test('a key that came back is not named as dropped', (t) => {
  const ledger = loaded();
  churn(ledger, 20_001);
  ledger.set('order/0', '2');
  ledger.set('order/1', '2');
  ledger.delete('order/1');
  t.deepEqual(ledger.dropped(3), ['order/2']);
});

test('the memory of an owner is bounded, however long Redis is out', (t) => {
  const ledger = loaded();
  for (let round = 0; round < 15; round += 1) {
    churn(ledger, 10_000, `round ${round}`);
    t.true(ledger.droppedCount <= 100_000, `${ledger.droppedCount} names are remembered`);
  }
  t.is(ledger.changesSince(ledger.head.revision), undefined, 'then only the whole state will do');
  t.true([...ledger.whole()].length <= 20_000);
});

test('a delete from before the store was known is never forgotten', (t) => {
  const ledger = new Ledger();
  const stored = Array.from({ length: 20_001 }, (_, index) => change(`order/${index}`, index + 1, '1'));
  for (const { key } of stored) ledger.delete(key);
  resume(ledger, FIRST, stored.length, 0, stored);
  t.is(ledger.size, 0);
});

test('a nested batch that throws leaves none of its own changes', (t) => {
  const ledger = loaded();
  ledger.batch(() => {
    ledger.set('a', '1');
    t.throws(() =>
      ledger.batch(() => {
        ledger.set('b', '2');
        throw new Error('the inner one fails');
      }),
    );
  });
  t.deepEqual(stateOf(ledger), { a: '1' });
});

test('entries and get agree inside a batch', (t) => {
  const ledger = loaded();
  ledger.set('a', '1');
  ledger.batch(() => {
    ledger.set('a', '2');
    ledger.set('b', '3');
    t.deepEqual(stateOf(ledger), { a: ledger.get('a')?.value?.json, b: ledger.get('b')?.value?.json });
  });
});

test('deletes that are forgotten are named among what changed, until the store knows of them', (t) => {
  const ledger = new Ledger();
  resume(ledger, { epoch: 1, base: ZERO }, 0, 0, [], 1);
  for (const key of ['a', 'b', 'c', 'd', 'e']) ledger.set(key, '1');
  for (const key of ['a', 'b', 'c', 'd', 'e']) ledger.delete(key);
  ledger.set('b', '2');
  t.true(ledger.droppedCount > 1, 'some deletes are forgotten');
  const changed = (after: number): string[] =>
    [...ledger.changedSince(after)].map(
      ({ key, revision, value }) => `${key} ${revision} ${value?.json ?? ''}`,
    );
  t.deepEqual(changed(5), ['a 6 ', 'c 8 ', 'd 9 ', 'e 10 ', 'b 11 2']);
  t.deepEqual(changed(8), ['d 9 ', 'e 10 ', 'b 11 2']);
  ledger.forgetDropped(ledger.droppedCount, true);
  t.false(changed(5).includes('a 6 '));
});

test('a cut is walked as it was, while its keys are set and deleted, and its digest is of that state', (t) => {
  const [ledger, still] = [loaded(), loaded()];
  for (const one of [ledger, still]) {
    for (const key of ['a', 'b', 'c', 'gone']) one.set(key, '0');
    one.digestAt(4);
    for (const key of ['b', 'c', 'd']) one.set(key, '1');
    one.delete('gone');
  }
  const cut = ledger.cut(4, 8);
  const walked: Change[] = [];
  for (const change of cut) {
    walked.push(change);
    if (change.key === 'b') for (const key of ['d', 'b', 'new', 'gone']) ledger.set(key, '2');
    if (change.key === 'c') ledger.delete('d');
  }
  t.deepEqual(walked, still.changesSince(4)!);
  t.is(cut.digest, still.digestAt(8)!);
  for (const key of ['d', 'b', 'new', 'gone']) still.set(key, '2');
  still.delete('d');
  t.is(ledger.digestAt(13), still.digestAt(13)!, 'later digests are right as well');
});

test('the digest of a cut is not known where a later one was asked for, or the walk was given up', (t) => {
  const ledger = loaded();
  for (const key of ['a', 'b', 'c']) ledger.set(key, '1');
  const asked = ledger.cut(0, 3);
  for (const { key } of asked)
    if (key === 'a') {
      ledger.set('d', '1');
      ledger.digestAt(4);
    }
  t.is(asked.digest, undefined);
  for (const key of ['e', 'f']) ledger.set(key, '1');
  const [first] = ledger.cut(4, 6);
  t.is(first!.key, 'e');
  const expected = ['a', 'b', 'c', 'd', 'e', 'f'].reduce((sum, key, at) => sum + hashOf(key, at + 1, '1'), 0);
  t.is(ledger.digestAt(6), expected >>> 0);
});

test('a digest that is asked for behind the last change of a cut is not taken for that of the cut', (t) => {
  const ledger = loaded();
  for (const key of ['a', 'b']) ledger.set(key, '1');
  ledger.digestAt(2);
  const cut = ledger.cut(0, 2);
  const walk = cut[Symbol.iterator]();
  walk.next();
  walk.next();
  ledger.set('a', '2');
  const later = ledger.digestAt(3);
  t.true(walk.next().done);
  t.is(cut.digest, undefined);
  t.is(ledger.digestAt(3), later);
});

test('the extent of changes is counted up to a revision, and up to a limit', (t) => {
  const ledger = loaded();
  for (const key of ['a', 'b', 'ą', 'd']) ledger.set(key, '10');
  ledger.delete('d');
  const most = { changes: 9, bytes: 99 };
  t.deepEqual(ledger.extentOf(1, 3, most), { changes: 2, bytes: 7 });
  t.deepEqual(ledger.extentOf(1, 9, most), { changes: 3, bytes: 8 });
  t.is(ledger.extentOf(1, 9, { ...most, changes: 2 }), undefined);
  t.is(ledger.extentOf(1, 9, { ...most, bytes: 7 }), undefined);
});
