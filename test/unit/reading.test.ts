/** A reading is a frozen plain object: complete in every copy, and no reader's to change. */
import test from 'ava';
import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { deserialize, serialize } from 'node:v8';
import type { Proof, Reading } from '../../src/state/reading.ts';
import { newReading, readingOf, Row } from '../../src/state/reading.ts';
import { RevisionMap } from '../../src/state/revision-map.ts';

function proofAt(staleMs: number): Proof & { age: number } {
  const proof = {
    age: staleMs,
    source: 'redis' as const,
    staleMs: () => proof.age,
    freshness: () => (proof.age <= 750 ? ('live' as const) : ('stale' as const)),
    ownerAlive: () => proof.age < 3_000,
    owner: () => (proof.age < 3_000 ? ('alive' as const) : ('lost' as const)),
    staleFrom: () => 750 - proof.age,
    lostFrom: () => 3_000 - proof.age,
    leaseMs: () => 3_000 - proof.age,
  };
  return proof;
}

const entry = { key: 'k', value: 1, epoch: 7, revision: 3 };
const value = Object.freeze({ price: 1 });
const whole = {
  key: 'k',
  value,
  position: '7-3',
  changedAt: 9,
  freshness: 'live',
  staleMs: 5,
  source: 'redis',
  ownerAlive: true,
  owner: 'alive',
};

const copies: Record<string, (reading: Reading) => unknown> = {
  spread: (reading) => ({ ...reading }),
  'Object.assign': (reading) => Object.assign({}, reading),
  'structuredClone, as with postMessage': (reading) => structuredClone(reading),
  'node:v8': (reading) => deserialize(serialize(reading)) as unknown,
  JSON: (reading) => JSON.parse(JSON.stringify(reading)) as unknown,
  'Object.entries': (reading) => Object.fromEntries(Object.entries(reading)),
  'destructuring the rest': ({ key, ...rest }) => ({ key, ...rest }),
  'Object.create and its descriptors': (reading) => ({
    ...(Object.create(null, Object.getOwnPropertyDescriptors(whole)) as object),
    ...reading,
  }),
};

for (const [name, copy] of Object.entries(copies)) {
  test(`a copy has every field: ${name}`, (t) => {
    assert.deepEqual(copy(newReading('k', entry, value, 9, proofAt(5))), whole);
    t.pass();
  });
}

test('a reading equals a plain object with its fields, in strict comparison too', (t) => {
  assert.deepEqual(newReading('k', entry, value, 9, proofAt(5)), whole);
  t.deepEqual(Object.keys(newReading('k', entry, value, 9, proofAt(5))), Object.keys(whole));
});

test('a log shows every field as of now, at any depth', (t) => {
  const reading = newReading('k', entry, value, 9, proofAt(5));
  for (const text of [inspect(reading), inspect([{ reading }], { depth: 5 })]) {
    t.regex(text, /freshness: 'live'/);
    t.regex(text, /staleMs: 5/);
    t.notRegex(text, /Getter|Symbol/);
  }
});

test('nobody can write into a reading', (t) => {
  const reading = newReading('k', entry, value, 9, proofAt(5)) as Reading & Record<string, unknown>;
  t.true(Object.isFrozen(reading));
  for (const name of [...Object.keys(whole), 'other']) {
    t.throws(() => Object.assign(reading, { [name]: 'POISON' }), { instanceOf: TypeError }, name);
    t.false(Reflect.set(reading, name, 'POISON'), name);
    t.false(Reflect.defineProperty(reading, name, { value: 'POISON' }), name);
  }
  t.false(Reflect.setPrototypeOf(reading, { value: 'POISON' }));
  t.throws(() => delete (reading as { value?: unknown }).value, { instanceOf: TypeError });
  assert.deepEqual(reading, whole);
});

test('freshness, staleMs, ownerAlive and owner are computed when they are read', (t) => {
  const proof = proofAt(5);
  const reading = newReading('k', entry, value, 9, proof);
  const copy = { ...reading };
  proof.age = 5_000;
  t.like(reading, { freshness: 'stale', staleMs: 5_000, ownerAlive: false, owner: 'lost' });
  t.like(copy, { freshness: 'live', staleMs: 5, ownerAlive: true, owner: 'alive' });
});

test('a reading is made once for an entry and a proof', (t) => {
  const map = new RevisionMap<unknown>();
  map.set('k', value, 3, 7);
  const read = (proof: Proof): Reading => readingOf('k', map.get('k'), map.get('k')?.value, () => 9, proof);
  const [one, two] = [proofAt(5), proofAt(6)];
  const first = read(one);
  t.is(read(one), first);
  t.not(read(two), first);
  t.is(first.staleMs, 5);
  const before = read(two);
  map.set('k', value, 4, 7);
  t.not(read(two), before);
  t.is(read(two).position, '7-4');
});

test('a reading is made anew once the time of its key is known', (t) => {
  const map = new RevisionMap<unknown>();
  map.set('k', value, 3, 7);
  let time: number | undefined;
  const proof = proofAt(5);
  const read = (): Reading => readingOf('k', map.get('k'), map.get('k')?.value, () => time, proof);
  const first = read();
  t.is(first.changedAt, undefined);
  t.is(read(), first);
  time = 9;
  t.is(read().changedAt, 9);
  t.is(read(), read());
});

test('a key that never changed reads as undefined at 0-0', (t) => {
  const reading = newReading('k', undefined, undefined, undefined, proofAt(Infinity));
  assert.deepEqual(reading, {
    ...whole,
    value: undefined,
    position: '0-0',
    changedAt: undefined,
    freshness: 'stale',
    staleMs: Infinity,
    ownerAlive: false,
    owner: 'lost',
  });
  t.is((JSON.parse(JSON.stringify(reading)) as { staleMs: unknown }).staleMs, null);
});

test('a row gives the same reading', (t) => {
  const proof = proofAt(5);
  const row = new Row('k', entry, value, () => 9, proof);
  assert.deepEqual(row.reading, whole);
  t.is(row.position, '7-3');
});
