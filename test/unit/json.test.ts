/** Plain JSON values: a value that would not survive JSON is found, together with the path to its flaw. */
import assert from 'node:assert/strict';
import test from 'ava';
import * as fc from 'fast-check';
import { runInNewContext } from 'node:vm';
import { deserialize, serialize } from 'node:v8';
import { deepFreeze, findFlaw, parseJson, printExactly, printJson } from '../../src/state/json.ts';
import { check } from '../_check.ts';

class Trade {
  price = 1;
}

const cycle: Record<string, unknown> = { legs: [] };
(cycle.legs as unknown[]).push(cycle);

const sharedValue = { price: 1 };

for (const [what, value, path, message] of [
  ['NaN', { a: NaN }, '.a', /finite number, got NaN/],
  ['Infinity', [Infinity], '[0]', /finite number, got Infinity/],
  ['-Infinity', -Infinity, '', /finite number, got -Infinity/],
  ['a BigInt', { a: [1, 2n] }, '.a[1]', /got bigint/],
  ['a function', { run: () => 1 }, '.run', /got function/],
  ['a symbol', { a: Symbol('s') }, '.a', /got symbol/],
  ['undefined itself', undefined, '', /got undefined/],
  ['undefined in an array', [1, undefined], '[1]', /got undefined/],
  ['a hole in an array', Array<number>(2), '[0]', /got undefined/],
  ['a cycle', cycle, '', /levels/],
  ['a Date', { at: new Date(0) }, '.at', /plain object, got Date/],
  ['a Map', new Map([[1, 2]]), '', /plain object, got Map/],
  ['a Set', { seen: new Set([1]) }, '.seen', /plain object, got Set/],
  ['a RegExp', [/x/], '[0]', /plain object, got RegExp/],
  ['a typed array', new Uint8Array(2), '', /plain object, got Uint8Array/],
  ['an instance of a class', { legs: [new Trade()] }, '.legs[0]', /plain object, got Trade/],
  ['an object with a prototype of its own', Object.create({ a: 1 }), '', /plain object/],
  ['a boxed number', Object(5), '', /plain object, got Number/],
  ['an own __proto__', JSON.parse('{"a":{"__proto__":{"admin":true}}}'), '.a.__proto__', /refused/],
  ['a toJSON function', { toJSON: () => 1 }, '.toJSON', /not called/],
] as const) {
  test(`the path to ${what} is found`, (t) => {
    const found = findFlaw(value);
    t.regex(found?.message ?? 'nothing found', message);
    // A cycle is reported at its deepest place.
    if (what === 'a cycle') t.true(found?.path.startsWith('.legs[0].legs[0]'));
    else t.is(found?.path, path);
  });
}

for (const [what, value] of [
  ['null', null],
  ['an empty object', {}],
  ['an empty array', []],
  ['an object without a prototype', Object.assign(Object.create(null), { a: 1 })],
  ['an object with an undefined field', { a: 1, b: undefined }],
  ['the same object twice', [sharedValue, sharedValue]],
  ['a toJSON field that is not a function', { toJSON: 'text' }],
  ['text with half a character', 'a\ud800'],
  ['a field called constructor', { constructor: 1, prototype: 2 }],
] as const) {
  test(`${what} has no flaw`, (t) => {
    t.is(findFlaw(value), undefined);
  });
}

test('64 levels of nesting are accepted, and 65 are not', (t) => {
  const nested = (levels: number): unknown => JSON.parse('['.repeat(levels) + ']'.repeat(levels));
  t.is(findFlaw(nested(64)), undefined);
  t.regex(findFlaw(nested(65))?.message ?? '', /at most 64 levels/);
});

test('a value without a flaw survives JSON unchanged', (t) =>
  check(
    t,
    fc.property(fc.anything({ withNullPrototype: false, maxDepth: 5 }), (value) => {
      if (findFlaw(value) !== undefined) return;
      const back: unknown = JSON.parse(JSON.stringify(value));
      // JSON leaves out undefined fields and turns -0 into 0. Nothing else may differ.
      assert.deepEqual(back, normal(value));
    }),
    { numRuns: 2_000 },
  ));

test('every value that JSON can write has no flaw', (t) =>
  check(
    t,
    fc.property(fc.jsonValue({ maxDepth: 8 }), (value) => {
      if (JSON.stringify(value).includes('__proto__')) return;
      assert.equal(findFlaw(value), undefined);
    }),
  ));

for (const text of [
  '{"__proto__":{"admin":true}}',
  '{"a":[{"__proto__":1}]}',
  '{"\\u005f_proto__":1}',
  '{"\\u005F\\u005fproto\\u005f_":1}',
  '{"a":{"__pr\\u006fto__":{}}}',
]) {
  test(`${text} is not parsed`, (t) => {
    t.throws(() => parseJson(text), { instanceOf: SyntaxError, message: /__proto__: a field of this name/ });
  });
}

test('__proto__ as a text is only a text, escaped or not', (t) => {
  t.deepEqual(parseJson('["__proto__","\\u005f_proto__"]'), ['__proto__', '__proto__']);
});

test('parsing accepts and refuses the same texts as JSON.parse', (t) =>
  check(
    t,
    fc.property(fc.oneof(fc.json(), fc.string()), (text) => {
      let expected: unknown;
      try {
        expected = JSON.parse(text);
      } catch {
        assert.throws(() => parseJson(text), SyntaxError);
        return;
      }
      if (!JSON.stringify(expected).includes('__proto__')) assert.deepEqual(parseJson(text), expected);
    }),
  ));

test('deepFreeze freezes a value all the way down, and returns it', (t) => {
  const value = { legs: [{ price: { amount: 1 } }], empty: {} };
  t.is(deepFreeze(value), value);
  t.true([value, value.legs, value.legs[0], value.legs[0]?.price, value.empty].every(Object.isFrozen));
  t.throws(() => value.legs.push({ price: { amount: 2 } }), { instanceOf: TypeError });
  for (const one of [1, 'text', null, undefined, true]) t.is(deepFreeze(one), one);
});

test('a value that is frozen only at the top is frozen below it as well', (t) => {
  const value = Object.freeze({ legs: [{ price: 1 }] });
  deepFreeze(value);
  t.true(Object.isFrozen(value.legs));
  t.true(Object.isFrozen(value.legs[0]));
});

test('a value deeper than the limit is not frozen, and does not overflow the stack', (t) => {
  const nested = (levels: number): unknown => parseJson('['.repeat(levels) + ']'.repeat(levels));
  t.notThrows(() => deepFreeze(nested(64)));
  for (const levels of [100, 100_000])
    t.throws(() => deepFreeze(nested(levels)), { instanceOf: RangeError, message: /at most 64 levels/ });
});

test('a number of many digits and a small exponent is refused if it would be Infinity', (t) => {
  t.throws(() => parseJson(`{"price":1${'0'.repeat(250)}e99}`));
});

test('an array that would not survive JSON has a flaw', (t) => {
  class Prices extends Array<number> {}
  t.truthy(findFlaw(Object.assign([1, 2], { toJSON: () => 'something else' })), 'toJSON');
  t.truthy(findFlaw(Object.assign([1, 2], { currency: 'EUR' })), 'a field beside the items');
  t.truthy(findFlaw(Prices.of(1, 2)), 'an instance of a class');
});

test('a toJSON that is not enumerable is found', (t) => {
  t.truthy(findFlaw(Object.defineProperty({ a: 1 }, 'toJSON', { value: () => 'something else' })));
});

test('a number that JSON.parse turns into Infinity is refused', (t) => {
  t.throws(() => parseJson('{"price":1e999}'));
});

/** The value as JSON has it: without undefined fields, -0 and symbols. */
function normal(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(normal);
  if (typeof value === 'object' && value !== null) {
    const fields = Object.entries(value).filter(([, field]) => field !== undefined);
    return Object.fromEntries(fields.map(([name, field]) => [name, normal(field)]));
  }
  return Object.is(value, -0) ? 0 : value;
}

for (const [what, script] of [
  ['an object', '({ a: { b: [1] } })'],
  ['an array', '[{ a: 1 }, [2]]'],
  ['what JSON.parse gives', 'JSON.parse(\'{"a":[{}]}\')'],
  ['an object without a prototype', 'Object.assign(Object.create(null), { a: [1] })'],
  ['an object in a class-like shape', '({ constructor: 1, prototype: 2 })'],
] as const) {
  test(`${what} of another realm has no flaw, and is read back for its schema`, (t) => {
    const found: { isRead?: boolean } = {};
    t.is(findFlaw(runInNewContext(script), found), undefined);
    t.true(found.isRead);
  });
}

for (const [what, script, message] of [
  ['an instance of a class', '(class Trade {}, new (class Trade {})())', /got Trade/],
  ['an instance of a class called Object', 'new (class Object { a = 1 })()', /a prototype of its own/],
  [
    'an instance of a class that extends null',
    'Object.create((class Nothing extends null {}).prototype)',
    /got Nothing/,
  ],
  ['an object with a prototype of its own', 'Object.create({ a: 1 })', /a prototype of its own/],
  ['an object on one without a prototype', 'Object.create(Object.create(null))', /a prototype of its own/],
  ['a Date', 'new Date(0)', /got Date/],
  ['a Map', 'new Map()', /got Map/],
  ['a boxed text', 'new String("x")', /got String/],
  ['an array of a class', 'new (class Legs extends Array {})()', /plain array, got Legs/],
  ['an error', 'new TypeError("x")', /got TypeError/],
] as const) {
  test(`${what} is found in another realm too, and named`, (t) => {
    t.regex(findFlaw(runInNewContext(script))?.message ?? 'nothing found', message);
  });
}

test('what structuredClone and node:v8 give has no flaw', (t) => {
  t.is(findFlaw(structuredClone({ a: [{ b: 1 }] })), undefined);
  t.is(findFlaw(deserialize(serialize({ a: [{ b: 1 }] }))), undefined);
});

for (const [value, text] of [
  [-0, '-0'],
  [{ a: -0, b: 0, c: '-0' }, '{"a":-0,"b":0,"c":"-0"}'],
  [[[-0], { a: [0, -0] }], '[[-0],{"a":[0,-0]}]'],
  [{ a: undefined, b: -0, c: null, d: true }, '{"b":-0,"c":null,"d":true}'],
  [{ '\ud800"': '\u2028\n', 9: 1.5e300, 8: -0 }, '{"8":-0,"9":1.5e+300,"\\ud800\\"":"\u2028\\n"}'],
] as const) {
  test(`-0 is printed as -0: ${text}`, (t) => {
    t.is(printJson(value), text);
    const found: { hasNegativeZero?: boolean } = {};
    findFlaw(value, found);
    t.true(found.hasNegativeZero);
  });
}

test('a value is printed exactly as JSON.stringify prints it, but for -0', (t) =>
  check(
    t,
    fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
      const text = printExactly(value);
      assert.deepEqual(JSON.parse(text), value);
      if (!/-0(?![.\d])/.test(text)) assert.equal(text, JSON.stringify(value));
      assert.equal(printJson(value), text);
    }),
  ));
