/** Loading: a state is made beside the ledger, in slices, and put in place in one step. */
import assert from 'node:assert/strict';
import test from 'ava';
import * as fc from 'fast-check';
import { finish } from '../../src/base/slices.ts';
import { Ledger } from '../../src/state/ledger.ts';
import { Loading } from '../../src/state/loading.ts';
import { check } from '../_check.ts';

const LINE = { epoch: 5, base: { epoch: 3, revision: 20 } };

/** The state of a ledger as a plain object. */
function stateOf(ledger: Ledger): Record<string, string> {
  return Object.fromEntries([...ledger.entries()].map(({ key, value }) => [key, value?.json ?? 'nothing']));
}

/** A state of two keys that a store had, ready for new changes. */
function loaded(): Loading {
  const loading = new Loading(LINE);
  loading.put('a', { json: '1' }, 7);
  loading.put('b', { json: '2' }, 20);
  loading.goOn(LINE, 20, 4);
  return loading;
}

test('nothing of it is seen before it is adopted, and then all of it at once', (t) => {
  const ledger = new Ledger();
  ledger.set('c', '3');
  const loading = loaded();
  finish(ledger.overlay(loading));
  t.deepEqual(stateOf(ledger), { c: '3' });
  t.false(ledger.isLoaded);
  ledger.adopt(loading);
  t.deepEqual(stateOf(ledger), { a: '1', b: '2', c: '3' });
  t.deepEqual(ledger.head, { epoch: 5, revision: 21 });
  t.is(ledger.horizon, 4);
});

test('a page that is taken again changes nothing, and a key that comes again has its last value', (t) => {
  const loading = new Loading(LINE);
  for (const revision of [7, 8, 7, 8]) loading.put(`key ${revision}`, { json: '1' }, revision);
  loading.put('key 7', { json: '2' }, 9);
  const ledger = new Ledger();
  loading.goOn(LINE, 20, 0);
  ledger.adopt(loading);
  t.deepEqual(ledger.changesSince(0), [
    { key: 'key 8', revision: 8, json: '1' },
    { key: 'key 7', revision: 9, json: '2' },
  ]);
});

test('a value that must not become visible is deleted under a new revision', (t) => {
  const loading = loaded();
  loading.delete('a', 0);
  const ledger = new Ledger();
  ledger.adopt(loading);
  t.deepEqual(stateOf(ledger), { b: '2' });
  t.deepEqual(ledger.changesSince(20), [{ key: 'a', revision: 21, json: '' }]);
});

test('the digest is that of a ledger in which all was set one by one', (t) => {
  const ledger = new Ledger();
  ledger.set('a', '"here"');
  ledger.set('c', '3');
  const loading = loaded();
  finish(ledger.overlay(loading));
  ledger.set('d', '4');
  ledger.adopt(loading);
  const again = new Loading(LINE);
  for (const { key, revision, json } of ledger.whole()) again.put(key, { json }, revision);
  t.is(ledger.digestAt(ledger.head.revision), again.map.digest);
});

test('a change keeps the time at which the first of those before the claim was set', (t) => {
  const ledger = new Ledger();
  ledger.stamp(100, undefined);
  ledger.set('a', '1');
  const loading = loaded();
  finish(ledger.overlay(loading));
  ledger.stamp(200, undefined);
  ledger.set('c', '1');
  ledger.adopt(loading);
  t.is(ledger.setAtSince(20), 100);
  t.is(ledger.setAtSince(21), 100);
});

test('many changes that are made meanwhile go on top in rounds, and the last few in one step', (t) => {
  const ledger = new Ledger();
  for (let index = 0; index < 1_000; index += 1) ledger.set(`early/${index}`, '1');
  const loading = loaded();
  const overlay = ledger.overlay(loading);
  let steps = 0;
  while (overlay.next().done !== true) {
    steps += 1;
    // An application that sets faster than the slices follow, for a while.
    if (steps <= 2_000) ledger.set(`late/${steps}`, '1');
  }
  t.true(ledger.head.revision - loading.overlaidUpTo <= 500);
  ledger.adopt(loading);
  t.is(ledger.size, 3_002);
});

const step = fc.record({
  key: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
  json: fc.option(fc.nat(99).map(String), { nil: undefined }),
});

test('whatever is set between two slices is on top afterwards, each key with its last value', (t) =>
  check(
    t,
    fc.property(fc.array(step), fc.array(step), fc.array(fc.array(step)), (before, last, during) => {
      const ledger = new Ledger();
      const model: Record<string, string> = { a: '1', b: '2' };
      const set = ({ key, json }: { key: string; json: string | undefined }): void => {
        if (json === undefined) ledger.delete(key);
        else ledger.set(key, json);
        if (json === undefined) delete model[key];
        else model[key] = json;
      };
      before.forEach(set);
      const loading = loaded();
      const overlay = ledger.overlay(loading);
      for (const turn of during) {
        overlay.next();
        turn.forEach(set);
      }
      finish(overlay);
      last.forEach(set);
      ledger.adopt(loading);
      assert.deepEqual(stateOf(ledger), model);
      // Applied to the store, the changes make it equal to the ledger.
      const store: Record<string, string> = { a: '1', b: '2' };
      for (const { key, json } of ledger.changesSince(20) ?? []) {
        if (json === '') delete store[key];
        else store[key] = json;
      }
      assert.deepEqual(store, model);
    }),
  ));
