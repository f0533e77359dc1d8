/** Spaces: their keys, the values that those accept, and the values that are captured and read. */
import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { type } from 'arktype';
import test from 'ava';
import * as fc from 'fast-check';
import * as v from 'valibot';
import { z } from 'zod';
import { InvalidValueError, TandemError } from '../../src/base/errors.ts';
import type { Schema } from '../../src/state/schema.ts';
import { defineSpace, Space } from '../../src/state/space.ts';
import { json } from '../../src/state/schema.ts';
import type { StandardSchemaV1 } from '../../src/state/standard-schema.ts';
import { keyProblem, MAX_KEY_LENGTH } from '../../src/state/key.ts';
import { MAX_VALUE_LENGTH } from '../../src/state/value.ts';
import { check } from '../_check.ts';

const anything = defineSpace('anything', { '*': json() });

const LIBRARIES: Record<string, Schema> = {
  zod: z.object({ side: z.enum(['buy', 'sell']), price: z.number().positive() }),
  valibot: v.object({ side: v.picklist(['buy', 'sell']), price: v.pipe(v.number(), v.minValue(0.01)) }),
  arktype: type({ side: "'buy' | 'sell'", price: 'number > 0' }),
};

for (const [library, schema] of Object.entries(LIBRARIES)) {
  const space = defineSpace('orders', { 'order/*': schema });

  test(`a schema of ${library} accepts valid values, and reads them back`, (t) => {
    const text = space.capture('order/1', { side: 'buy', price: 10 });
    t.is(text, '{"side":"buy","price":10}');
    t.deepEqual(space.read('order/1', text), { side: 'buy', price: 10 });
  });

  test(`a schema of ${library} refuses invalid values, at set and on arrival, and names their path`, (t) => {
    for (const refuse of [
      () => space.capture('order/1', { side: 'hold', price: 10 }),
      () => space.read('order/1', '{"side":"hold","price":10}'),
    ]) {
      const error = t.throws(refuse, { instanceOf: InvalidValueError, code: 'INVALID_VALUE' });
      t.is(error.key, 'order/1');
      t.deepEqual(
        error.issues.map(({ path }) => path),
        ['.side'],
      );
      t.regex(error.message, /^value of "order\/1" is refused: \.side: /);
    }
  });
}

for (const [library, schema] of Object.entries({ ...LIBRARIES, 'no library': json() })) {
  test(`the error for an unreadable value contains nothing of the value: ${library}`, (t) => {
    const space = defineSpace('orders', { 'order/*': schema });
    const texts = ['secret and no JSON', '{"side":"secret","price":10', '{"__proto__":"secret"}'];
    if (library !== 'no library') texts.push('{"side":"secret","price":10}', '"secret"');
    for (const text of texts) {
      const error = t.throws(() => space.read('order/1', text), { instanceOf: InvalidValueError }, text);
      t.notRegex(inspect(error, { depth: 9, showHidden: true }), /secret/, text);
    }
  });
}

test('a captured value does not change with the object', (t) => {
  const value = { legs: [1] };
  const text = anything.capture('a', value);
  value.legs.push(2);
  t.is(text, '{"legs":[1]}');
});

test('a value that is read is frozen all the way down', (t) => {
  const read = anything.read('a', '{"legs":[{"price":1}]}') as { legs: { price: number }[] };
  t.true([read, read.legs, read.legs[0]].every(Object.isFrozen));
});

test('a value travels unchanged, and is read through the schema', (t) => {
  const schema = z.object({
    at: z.string().transform((text) => text.length),
    side: z.string().default('buy'),
  });
  const space = defineSpace('orders', { order: schema });
  const text = space.capture('order', { at: 'noon' });
  t.is(text, '{"at":"noon"}');
  t.deepEqual(space.read('order', text), { at: 4, side: 'buy' });
});

class Trade {
  price = 1;
}
const cycle: Record<string, unknown> = {};
cycle.self = cycle;

for (const [what, value, path] of [
  ['NaN', { price: NaN }, '.price'],
  ['Infinity', { price: Infinity }, '.price'],
  ['a BigInt', { price: 1n }, '.price'],
  ['a function', { run: () => 1 }, '.run'],
  ['a symbol', { tag: Symbol('x') }, '.tag'],
  ['a cycle', cycle, '.self'.repeat(64)],
  ['a Date', { at: new Date(0) }, '.at'],
  ['a Map', { book: new Map() }, '.book'],
  ['an instance of a class', { trade: new Trade() }, '.trade'],
  ['undefined', undefined, ''],
  ['undefined in an array', { legs: [1, undefined] }, '.legs[1]'],
  ['an own __proto__ field', JSON.parse('{"__proto__":{"admin":true}}'), '.__proto__'],
] as const) {
  test(`${what} is NOT_JSON, whatever the schema says`, (t) => {
    const error = t.throws(() => anything.capture('a', value), {
      instanceOf: InvalidValueError,
      code: 'NOT_JSON',
    });
    t.is(error.issues[0]?.path, path);
  });
}

test('a value at the size limit is accepted, and one over it is TOO_LARGE', (t) => {
  const largest = 'x'.repeat(MAX_VALUE_LENGTH - 2);
  const text = anything.capture('a', largest);
  t.is(text.length, MAX_VALUE_LENGTH);
  t.is(anything.read('a', text), largest);
  t.throws(() => anything.capture('a', `${largest}x`), { instanceOf: InvalidValueError, code: 'TOO_LARGE' });
  t.throws(() => anything.read('a', `"${largest}x"`), { instanceOf: InvalidValueError, code: 'TOO_LARGE' });
});

test('an asynchronous schema is refused, and its later rejection is handled', (t) => {
  const schema: StandardSchemaV1 = {
    '~standard': { version: 1, vendor: 'test', validate: () => Promise.reject(new Error('later')) },
  };
  const space = defineSpace('later', { a: schema, b: z.string().refine(() => Promise.resolve(true)) });
  const expected = { instanceOf: InvalidValueError, code: 'INVALID_VALUE', message: /asynchronous/ } as const;
  t.throws(() => space.capture('a', 'x'), expected);
  t.throws(() => space.capture('b', 'x'), expected);
  t.throws(() => space.read('a', '"x"'), expected);
});

for (const text of ['', 'nonsense', '{"a":', '{"__proto__":{}}', '{"\\u005f_proto__":{}}', '{"a":1}\n{}']) {
  test(`${JSON.stringify(text)} is read as NOT_JSON`, (t) => {
    t.throws(() => anything.read('a', text), { instanceOf: InvalidValueError, code: 'NOT_JSON' });
  });
}

test('a value that its schema turns into undefined cannot be read, since undefined means deleted', (t) => {
  const space = defineSpace('gone', { a: z.string().transform(() => undefined) });
  t.throws(() => space.read('a', '"x"'), { instanceOf: InvalidValueError, code: 'INVALID_VALUE' });
});

test('every JSON value is captured, and read back the same', (t) =>
  check(
    t,
    fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
      if (JSON.stringify(value).includes('__proto__')) return;
      // Also -0 comes back as -0.
      assert.deepEqual(anything.read('a', anything.capture('a', value)), value);
    }),
  ));

test('capture either captures a value completely or throws an InvalidValueError', (t) =>
  check(
    t,
    fc.property(fc.anything({ withBigInt: true, withDate: true, withMap: true, withSet: true }), (value) => {
      try {
        assert.equal(typeof anything.capture('a', value), 'string');
      } catch (error) {
        assert.ok(error instanceof InvalidValueError, String(error));
      }
    }),
    { numRuns: 1_000 },
  ));

test('any text that arrives is either read or refused by an InvalidValueError', (t) =>
  check(
    t,
    fc.property(
      fc.oneof(
        fc.json(),
        fc.string(),
        fc.json().map((text) => text.slice(1)),
      ),
      (text) => {
        try {
          anything.read('a', text);
        } catch (error) {
          assert.ok(error instanceof InvalidValueError, String(error));
        }
      },
    ),
  ));

// ---- keys ----

test('the exact key decides, then the closest family', (t) => {
  const of = (name: string): Schema => ({ ...json(), '~standard': { ...json()['~standard'], vendor: name } });
  const space = defineSpace('keys', {
    '*': of('all'),
    'a/*': of('a'),
    'a/b/*': of('ab'),
    'a/b': of('exact'),
  });
  const vendor = (key: string): string | undefined => space.schemaOf(key)?.['~standard'].vendor;
  t.is(vendor('a/b'), 'exact');
  t.is(vendor('a/b/c'), 'ab');
  t.is(vendor('a/c'), 'a');
  t.is(vendor('a/c/d'), 'a');
  t.is(vendor('a'), 'all');
  t.is(vendor('a/'), 'all', 'a family is not its own prefix');
});

test('a key that the space does not define is UNKNOWN_KEY, and the error names the defined ones', (t) => {
  const space = defineSpace('keys', { market_regime: json(), 'strategy/*': json() });
  for (const key of [
    'market',
    'strategy',
    'strategy/',
    'strategyx',
    'toString',
    '__proto__',
    '',
    'strategy/\n',
  ]) {
    const expected = {
      instanceOf: TandemError,
      code: 'UNKNOWN_KEY',
      message: /market_regime, strategy\/\*/,
    } as const;
    t.throws(() => space.capture(key, 1), expected, key);
    t.throws(() => space.read(key, '1'), expected, key);
    t.throws(() => space.requireSchema(key), expected, key);
  }
});

test('a watch takes a key, a star, or a prefix that keys may have, and nothing else', (t) => {
  const space = defineSpace('keys', {
    market_regime: json(),
    'strategy/*': json(),
    'a/b/c': json(),
    'd/e/*': json(),
  });
  const taken = [
    'strategy/*',
    'strategy/eu/*',
    'strategy/eu/fr/*',
    'a/*',
    'a/b/*',
    'd/*',
    'd/e/*',
    'd/e/f/*',
  ];
  for (const pattern of ['market_regime', 'strategy/a', '*', ...taken]) {
    t.notThrows(() => space.requirePattern(pattern), pattern);
  }
  for (const pattern of [
    'market',
    'strat*',
    'other/*',
    'toString',
    '',
    '/*',
    'a/b/c/*',
    'strategy/*/*',
    'd/f/*',
    'strategy/\n/*',
  ])
    t.throws(() => space.requirePattern(pattern), { code: 'UNKNOWN_KEY' }, pattern);
});

test('a key is 1 to 512 characters of well-formed Unicode, none of them a control character', (t) => {
  for (const key of ['a', 'strategy/€/😀', '__proto__', ' ', 'a b', 'k'.repeat(MAX_KEY_LENGTH), '\u2028'])
    t.is(keyProblem(key), undefined, key);
  for (const key of ['', 'a\nb', 'a\0', '\u007f', 'a\ud800b', 'k'.repeat(MAX_KEY_LENGTH + 1)])
    t.is(typeof keyProblem(key), 'string', key);
});

// ---- definitions ----

for (const name of ['', ' ', 'a b', 'a{b}', 'ä', '-a', 'a'.repeat(65), 5, undefined, null]) {
  test(`${JSON.stringify(name) ?? 'undefined'} is not the name of a space`, (t) => {
    t.throws(() => defineSpace(name as string, {}), { code: 'INVALID_SPACE', message: /space name/ });
  });
}

for (const pattern of ['', 'a*', '*a', 'a/*/b', '**', 'a/**', 'a\nb', 'k'.repeat(513)]) {
  test(`${JSON.stringify(pattern).slice(0, 20)} cannot be defined as a key`, (t) => {
    t.throws(() => defineSpace('keys', { [pattern]: json() }), { code: 'INVALID_SPACE' });
  });
}

for (const schema of [undefined, null, {}, 'string', () => true, { '~standard': {} }]) {
  test(`${typeof schema} ${JSON.stringify(schema) ?? ''} is not a schema`, (t) => {
    t.throws(() => defineSpace('keys', { a: schema as never }), {
      code: 'INVALID_SPACE',
      message: /expected a Standard Schema/,
    });
  });
}

test('a space may have no keys', (t) => {
  const space = defineSpace('trading.eu:live_2-a', {});
  t.true(space instanceof Space);
  t.throws(() => space.requireSchema('a'), { code: 'UNKNOWN_KEY' });
});

for (const [library, schema, value] of [
  ['arktype', type({ stop: 'number | undefined' }), { stop: undefined }],
  ['valibot', v.object({ stop: v.union([v.number(), v.undefined()]) }), { stop: undefined }],
] as const) {
  test(`a schema of ${library} accepts on arrival what it accepts at set`, (t) => {
    const space = defineSpace('orders', { order: schema });
    let text: string;
    try {
      text = space.capture('order', value);
    } catch (error) {
      t.true(error instanceof InvalidValueError, 'refused at set, which is as good');
      return;
    }
    t.notThrows(() => space.read('order', text));
  });
}

test('a value that its schema turns into undefined is refused at set', (t) => {
  const space = defineSpace('gone', { a: z.string().transform(() => undefined) });
  t.throws(() => space.capture('a', 'x'), { instanceOf: InvalidValueError });
});

test('a value of a readonly zod schema is frozen all the way down', (t) => {
  const space = defineSpace('orders', { order: z.object({ legs: z.array(z.number()) }).readonly() });
  const read = space.read('order', '{"legs":[1]}') as { legs: readonly number[] };
  t.true(Object.isFrozen(read.legs));
});

test('a text nested 100,000 levels deep is refused by an InvalidValueError', (t) => {
  t.throws(() => anything.read('a', '['.repeat(100_000) + ']'.repeat(100_000)), {
    instanceOf: InvalidValueError,
  });
});

test('a value that its schema turns into a typed array is read, or refused by an InvalidValueError', (t) => {
  const space = defineSpace('bytes', { a: z.string().transform((text) => new TextEncoder().encode(text)) });
  t.notThrows(() => {
    try {
      space.read('a', '"x"');
    } catch (error) {
      if (!(error instanceof InvalidValueError)) throw error;
    }
  });
});

test('a key that is a BigInt is UNKNOWN_KEY', (t) => {
  t.throws(() => anything.requireSchema(5n as never), { code: 'UNKNOWN_KEY' });
});

test('the pattern of a family is not a key of that family', (t) => {
  const space = defineSpace('keys', { 'strategy/*': json() });
  t.throws(() => space.capture('strategy/*', 1), { code: 'UNKNOWN_KEY' });
});

test('the closest family decides, however many there are and in whichever order they were defined', (t) => {
  const text = z.string();
  const definition: Record<string, Schema> = {
    '*': text,
    'a/b/*': json(),
    'a/*': z.number(),
    'a/b/own': z.boolean(),
  };
  for (let n = 0; n < 10_000; n += 1) definition[`family${n}/*`] = z.literal(n);
  const space = defineSpace('many', definition);
  t.is(space.schemaOf('a/b/c'), definition['a/b/*']);
  t.is(space.schemaOf('a/b/'), definition['a/*'], 'a key is longer than the prefix of its family');
  t.is(space.schemaOf('a/b/own'), definition['a/b/own']);
  t.is(space.schemaOf('a/c'), definition['a/*']);
  t.is(space.schemaOf('a'), text);
  t.is(space.schemaOf('/'), text);
  t.is(space.schemaOf('family9999/x/y'), definition['family9999/*']);
  t.is(space.schemaOf('family99990/x'), text);
});

test('a key of the last of 10,000 families is found in the same time as one of a single family', (t) => {
  const families = Object.fromEntries(Array.from({ length: 10_000 }, (_, n) => [`family${n}/*`, json()]));
  const space = defineSpace('many', families);
  const startedAt = performance.now();
  for (let n = 0; n < 150_000; n += 1) space.requireSchema(`family9999/${n}`);
  // It takes some 50 ms. A walk through the list takes over ten seconds.
  t.true(performance.now() - startedAt < 2_000);
});

test('the error for an unknown key names ten of the defined keys, and counts the others', (t) => {
  const families = Object.fromEntries(Array.from({ length: 10_000 }, (_, n) => [`family${n}/*`, json()]));
  const space = defineSpace('many', { ['long'.repeat(100)]: json(), ...families });
  const { message } = t.throws(() => space.requireSchema('no/key'), { code: 'UNKNOWN_KEY' });
  t.regex(message, /family8\/\* and 9991 others$/);
  t.true(message.length < 1_000);
  const one = defineSpace('one', { a: json() });
  t.regex(t.throws(() => one.requireSchema('b')).message, /it defines: a$/);
  t.regex(t.throws(() => defineSpace('none', {}).requireSchema('b')).message, /it defines: none$/);
});

test('the error for a value with thousands of flaws names ten of them, and lists all', (t) => {
  const space = defineSpace('numbers', { list: z.array(z.number()) });
  const set = (): string =>
    space.capture(
      'list',
      Array.from({ length: 5_000 }, () => 'x'),
    );
  const error = t.throws(set, { instanceOf: InvalidValueError });
  t.is(error.issues.length, 5_000);
  t.regex(error.message, /and 4990 more$/);
  t.true(error.message.length < 2_000);
});
