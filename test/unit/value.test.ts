/** Values that a schema makes and that cannot be frozen: each reader gets one of its own. */
import assert from 'node:assert/strict';
import test from 'ava';
import { z } from 'zod';
import type { Proof } from '../../src/state/reading.ts';
import { readingOf, Row } from '../../src/state/reading.ts';
import { isChanged, Replica } from '../../src/state/replica.ts';
import { RevisionMap } from '../../src/state/revision-map.ts';
import type { Schema } from '../../src/state/schema.ts';
import { isSameValue, opened, readValue, Unfrozen } from '../../src/state/value.ts';
import { swap } from '../_swap.ts';

const proof: Proof = {
  source: 'redis',
  staleMs: () => 0,
  freshness: () => 'live',
  ownerAlive: () => true,
  owner: () => 'alive',
  staleFrom: () => Infinity,
  lostFrom: () => Infinity,
  leaseMs: () => 1,
};

interface Kind {
  readonly schema: Schema;
  readonly json: string;
  /** Writes into a value, as a careless reader does. */
  readonly poison: (value: never) => void;
}

const text = z.string();
const kinds: Record<string, Kind> = {
  'a Date': {
    schema: text.transform((at) => new Date(at)),
    json: '"2026-01-01T00:00:00.000Z"',
    poison: (at: Date) => at.setTime(0),
  },
  'a Date deep inside': {
    schema: z.object({ legs: z.array(z.object({ at: z.coerce.date() })) }),
    json: '{"legs":[{"at":0}]}',
    poison: ({ legs }: { legs: [{ at: Date }] }) => legs[0].at.setTime(1),
  },
  'a Map': {
    schema: z.record(text, z.number()).transform((record) => new Map(Object.entries(record))),
    json: '{"a":1}',
    poison: (map: Map<string, number>) => map.set('a', 2),
  },
  'a Set': {
    schema: z.array(text).transform((all) => new Set(all)),
    json: '["a"]',
    poison: (set: Set<string>) => set.clear(),
  },
  'a typed array': {
    schema: z.array(z.number()).transform((all) => Float64Array.from(all)),
    json: '[1,2]',
    poison: (array: Float64Array) => array.fill(9),
  },
  'a Buffer': {
    schema: text.transform((one) => Buffer.from(one, 'base64')),
    json: '"AAAA"',
    poison: (buffer: Buffer) => buffer.fill(9),
  },
  'a URL': {
    schema: text.transform((one) => new URL(one)),
    json: '"http://a/"',
    poison: (url: URL) => (url.host = 'evil'),
  },
};

for (const [what, { schema, json, poison }] of Object.entries(kinds)) {
  test(`${what} that one reader changes is shown unchanged to the next`, (t) => {
    const held = readValue(schema, 'k', json);
    const pristine = opened(readValue(schema, 'k', json));
    const map = new RevisionMap<unknown>();
    map.set('k', held, 1, 1);
    const entry = map.get('k')!;
    const first = readingOf('k', entry, held, () => undefined, proof).value;
    assert.deepEqual(first, pristine);
    poison(first as never);
    poison(new Row('k', entry, held, () => undefined, proof).value as never);
    assert.notDeepEqual(first, pristine);
    assert.deepEqual(readingOf('k', entry, held, () => undefined, proof).value, pristine);
    assert.deepEqual(new Row('k', entry, held, () => undefined, proof).reading.value, pristine);
    t.pass();
  });
}

test('plain values, and instances of classes, are frozen and shared', (t) => {
  class Price {
    readonly amount: number;
    constructor(amount: number) {
      this.amount = amount;
    }
  }
  const schema = z.object({ price: z.number().transform((amount) => new Price(amount)) });
  const held = readValue(schema, 'k', '{"price":1}') as { price: Price };
  t.false(held instanceof Unfrozen);
  t.true(Object.isFrozen(held));
  t.true(Object.isFrozen(held.price));
});

test('values are compared by content: -0 and 0, dates, maps and big integers', (t) => {
  const big = text.transform(BigInt);
  const date = z.coerce.date();
  const read = (schema: Schema, json: string): unknown => readValue(schema, 'k', json);
  t.true(isSameValue(read(date, '1'), read(date, '1')));
  t.false(isSameValue(read(date, '1'), read(date, '2')));
  t.true(isSameValue(read(big, '"1"'), read(big, '"1"')));
  t.false(isSameValue(read(big, '"1"'), read(big, '"2"')));
  t.false(isSameValue(-0, 0));
  t.true(isSameValue({ a: [1] }, { a: [1] }));
});

test('a full sync takes big integers, and sees a -0 that became 0', (t) => {
  const replica = new Replica();
  const to = { epoch: 1, base: { epoch: 0, revision: 0 }, revision: 2 };
  const change = (key: string, revision: number, value: unknown) => ({ key, revision, value, hash: 0 });
  swap(replica, to, [change('big', 1, 1n), change('zero', 2, -0)]);
  const old = swap(replica, to, [change('big', 1, 1n), change('zero', 2, 0)]);
  const changed = [...replica.entries()].filter(({ key, revision, value }) =>
    isChanged(old.get(key), revision, value),
  );
  t.deepEqual(
    changed.map(({ key }) => key),
    ['zero'],
  );
});

test('a schema that refuses what it accepted before leaves the value as it was', (t) => {
  let isOpen = true;
  const schema = text.refine(() => isOpen).transform((at) => new Date(at));
  const held = readValue(schema, 'k', '"2026-01-01"');
  isOpen = false;
  t.deepEqual(opened(held), new Date('2026-01-01'));
});
