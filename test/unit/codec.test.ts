/** Schemas that encode and decode: what is set is what readers get, and what travels is JSON. */
import test from 'ava';
import { z } from 'zod';
import * as mini from 'zod/mini';
import { defineSpace } from '../../src/index.ts';
import { codecOf } from '../../src/state/codec.ts';
import { MemoryWorld } from '../_memory-world.ts';

const at = z.codec(z.iso.datetime(), z.date(), {
  decode: (text) => new Date(text),
  encode: (date) => date.toISOString(),
});
const legs = z.codec(z.array(z.tuple([z.string(), z.number()])), z.map(z.string(), z.number()), {
  decode: (entries) => new Map(entries),
  encode: (map) => [...map],
});
const Branch = z.object({
  name: z.string(),
  at: at.optional(),
  get branches() {
    return z.array(Branch);
  },
});

test('a codec is found wherever it is in a schema', (t) => {
  const parts = {
    itself: at,
    object: z.object({ at }),
    array: z.array(at),
    record: z.record(z.string(), at),
    tuple: z.tuple([z.string(), at]),
    rest: z.tuple([z.string()], at),
    union: z.union([z.string(), at]),
    intersection: z.intersection(z.object({ a: z.string() }), z.object({ at })),
    optional: z.object({ at: at.optional() }),
    nullable: at.nullable(),
    readonly: at.readonly(),
    'with a default': z.object({ at: at.default(new Date(0)) }),
    lazy: z.lazy(() => at),
    recursive: Branch,
    refined: z.object({ at }).refine(() => true),
  };
  for (const [name, schema] of Object.entries(parts)) t.truthy(codecOf(schema), name);
  const others = {
    none: z.object({ a: z.string() }),
    'one way': z.iso.datetime().transform((text) => new Date(text)),
    'one way beside a codec': z.object({ at, count: z.string().transform(Number) }),
    coerced: z.coerce.date(),
    mini: mini.object({ a: mini.string() }),
    foreign: {},
  };
  for (const [name, schema] of Object.entries(others)) t.is(codecOf(schema), undefined, name);
});

const space = defineSpace('coded', { at, 'deep/*': z.object({ legs, at: at.nullable() }), tree: Branch });
const date = new Date('2026-11-30T14:00:00Z');

test('set encodes, and owner, follower and standby read what was set', async (t) => {
  const world = new MemoryWorld();
  const owner = world.process('owner').tandem.own(space);
  await world.result(owner.ready());
  const follower = world.process('follower').tandem.follow(space);
  const standby = world.process('standby').tandem.own(space, { standby: true });
  await world.result(follower.ready());
  owner.set('at', date);
  owner.set('deep/a', { legs: new Map([['x', 1]]), at: null });
  owner.set('tree', { name: 'root', branches: [{ name: 'leaf', at: date, branches: [] }] });
  owner.update('at', (value) => new Date(value!.getTime() + 1));
  await world.time.until(() => standby.get('tree').value !== undefined, 'the standby follows');
  for (const participant of [owner, follower, standby]) {
    t.deepEqual(participant.get('at').value, new Date(date.getTime() + 1));
    t.deepEqual(participant.get('deep/a').value, { legs: new Map([['x', 1]]), at: null });
    t.deepEqual(participant.get('tree').value!.branches[0]!.at, date);
  }
  t.is(
    space.capture('deep/a', { legs: new Map([['x', 1]]), at: date }),
    '{"legs":[["x",1]],"at":"2026-11-30T14:00:00.000Z"}',
  );
  await world.result(owner.stop());
  await world.result(standby.ready());
  t.deepEqual(standby.get('at').value, new Date(date.getTime() + 1), 'also after a takeover');
});

test('what a codec refuses, throws on or encodes to no JSON is refused by its place', (t) => {
  const odd = defineSpace('odd', {
    at,
    deep: z.object({ legs: z.array(at) }),
    throws: z.codec(z.string(), z.number(), {
      decode: Number,
      encode: () => {
        throw new Error('mine');
      },
    }),
    slow: z.codec(z.string(), z.number(), { decode: Number, encode: async (n) => String(n) }),
    noJson: z.codec(z.bigint(), z.string(), { decode: String, encode: BigInt }),
  });
  t.throws(() => odd.capture('at', '2026-11-30T14:00:00Z'), { code: 'INVALID_VALUE' });
  t.throws(() => odd.capture('deep', { legs: [date, 'x'] }), {
    code: 'INVALID_VALUE',
    message: /\.legs\.1: /,
  });
  t.throws(() => odd.capture('throws', 1), { code: 'INVALID_VALUE', message: /its schema threw: mine/ });
  t.throws(() => odd.capture('slow', 1), { code: 'INVALID_VALUE' });
  t.throws(() => odd.capture('noJson', '5'), { code: 'NOT_JSON', message: /got bigint/ });
});

test('a refused Date says what to do instead', (t) => {
  const plain = defineSpace('plain', { date: z.date(), any: z.any() });
  for (const value of [date, { at: date }])
    t.throws(() => plain.capture('any', value), {
      code: 'NOT_JSON',
      message: /got Date: set its toISOString\(\), or .*codec/,
    });
  t.throws(() => plain.capture('any', new Map()), { message: /got Map: set an object.*codec/ });
  t.throws(() => plain.capture('any', 5n), { message: /got bigint: set its text.*codec/ });
  t.throws(() => plain.capture('any', Object.create({ constructor: function Order() {} })), {
    message: /got Order$/,
  });
});
