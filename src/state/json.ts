/**
 * Plain JSON: which values may be set, and which texts may be read back.
 *
 * `JSON.stringify` silently turns NaN into null, drops functions and calls `toJSON`. Readers would then see
 * another value than the owner set. So `findFlaw` refuses, by its path, every part that would not come back
 * unchanged. Left out are fields that are `undefined`, and fields that `structuredClone` leaves out too:
 * those with a symbol for a name, and those that are not enumerable. Looking for symbols costs 90 ns an
 * object.
 */

/** A value nested deeper is refused: it may be a cycle. */
const MAX_DEPTH = 64;

export interface Flaw {
  /** The place in the value, as in `.legs[2].price`; empty for the value itself. */
  readonly path: string;
  readonly message: string;
}

/** Further findings of the walk through a value. */
export interface Found {
  /**
   * True where the text says less than the value, since JSON leaves out a field that is `undefined`; and
   * where the value is of another realm. Its schema then gets the value that is read back from the text.
   */
  isRead?: boolean;
  /** True where a number is -0, which `JSON.stringify` prints as 0. */
  hasNegativeZero?: boolean;
}

/** The first part of `value` that JSON cannot carry; `undefined` when JSON can carry all of it. */
export function findFlaw(value: unknown, found: Found = {}, depth = 0): Flaw | undefined {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return undefined;
    case 'number':
      if (value === 0) noteZero(value, found);
      return Number.isFinite(value) ? undefined : flaw(`expected a finite number, got ${value}`);
    case 'object':
      break;
    default:
      return flaw(`expected plain JSON, got ${typeof value}${remedy(typeof value)}`);
  }
  if (value === null) return undefined;
  if (depth >= MAX_DEPTH) return flaw(`expected at most ${MAX_DEPTH} levels, got more, or a cycle`);
  return Array.isArray(value) ? flawInArray(value, found, depth) : flawInObject(value, found, depth);
}

function noteZero(zero: number, found: Found): void {
  if (Object.is(zero, -0)) found.hasNegativeZero = true;
}

function flawInArray(array: readonly unknown[], found: Found, depth: number): Flaw | undefined {
  if (Object.getPrototypeOf(array) !== Array.prototype) {
    if (!isOfAnotherRealm(array, 'Array')) return flaw(`expected a plain array, got ${nameOf(array)}`);
    found.isRead = true;
  }
  if ('toJSON' in array) return flaw('toJSON is not called');
  if (Object.keys(array).length > array.length)
    return flaw('expected an array of items alone, got other fields beside them');
  for (let index = 0; index < array.length; index += 1) {
    const inside = findFlaw(array[index], found, depth + 1);
    if (inside) return { path: `[${index}]${inside.path}`, message: inside.message };
  }
  return undefined;
}

function flawInObject(object: object, found: Found, depth: number): Flaw | undefined {
  const prototype: unknown = Object.getPrototypeOf(object);
  if (prototype !== Object.prototype && prototype !== null) {
    if (!isOfAnotherRealm(object, 'Object'))
      return flaw(`expected a plain object, got ${nameOf(object)}${remedy(nameOf(object))}`);
    found.isRead = true;
  }
  if ('toJSON' in object && typeof object.toJSON === 'function')
    return { path: '.toJSON', message: 'it is not called' };
  for (const name of Object.keys(object)) {
    const field: unknown = (object as Record<string, unknown>)[name];
    if (name === '__proto__') return { path: `.${name}`, message: 'a field of this name is refused' };
    // Most fields of most values are one of these, and need no further look.
    if (typeof field === 'string' || typeof field === 'boolean') continue;
    if (field !== 0 && Number.isFinite(field)) continue;
    // To JSON as to TypeScript, a field that is undefined is an optional field left out.
    if (field === undefined) {
      found.isRead = true;
      continue;
    }
    const inside = findFlaw(field, found, depth + 1);
    if (inside) return { path: `.${name}${inside.path}`, message: inside.message };
  }
  return undefined;
}

/** The text of `Object` and `Array`, in every realm: no class and no bound function has it. */
const NATIVE = {
  Object: Function.prototype.toString.call(Object),
  Array: Function.prototype.toString.call(Array),
};

/**
 * Whether the prototype is `Object.prototype` or `Array.prototype` of another realm: of `node:vm`, Jest or
 * jsdom. It is known by its shape, since each realm has its own.
 */
function isOfAnotherRealm(object: object, name: 'Object' | 'Array'): boolean {
  const prototype = Object.getPrototypeOf(object) as object | null;
  if (prototype === null || !Object.hasOwn(prototype, 'constructor')) return false;
  const { constructor } = prototype;
  return (
    typeof constructor === 'function' &&
    constructor.prototype === prototype &&
    Function.prototype.toString.call(constructor) === NATIVE[name]
  );
}

/** The name of an object's class, for an error message. */
function nameOf(object: object): string {
  const { constructor } = object;
  const name: unknown = typeof constructor === 'function' ? constructor.name : undefined;
  if (typeof name !== 'string' || name === '' || name === 'Object')
    return 'an object with a prototype of its own';
  return name.slice(0, 60);
}

/** What to set in place of values of well-known kinds. */
const INSTEAD: Readonly<Record<string, string>> = {
  Date: 'its toISOString()',
  Map: 'an object, as of Object.fromEntries()',
  Set: 'an array of its items',
  bigint: 'its text',
  Buffer: 'its text in base64',
  Uint8Array: 'its text in base64',
  URL: 'its text',
};

function remedy(kind: string): string {
  if (!Object.hasOwn(INSTEAD, kind)) return '';
  return `: set ${INSTEAD[kind]}, or give the key a schema that encodes it, such as z.codec() of zod`;
}

function flaw(message: string): Flaw {
  return { path: '', message };
}

/**
 * A value without a flaw as JSON text. Unlike `JSON.stringify`, it prints -0 as `-0`, which is JSON too, and
 * which `JSON.parse` reads as -0.
 */
export function printJson(value: unknown): string {
  return hasNegativeZero(value) ? printExactly(value) : JSON.stringify(value);
}

function hasNegativeZero(value: unknown): boolean {
  if (typeof value === 'number') return Object.is(value, -0);
  if (typeof value !== 'object' || value === null) return false;
  return Array.isArray(value) ? value.some(hasNegativeZero) : Object.values(value).some(hasNegativeZero);
}

/** Like `JSON.stringify`, and slower, for a value that has a -0. */
export function printExactly(value: unknown): string {
  if (Object.is(value, -0)) return '-0';
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(printExactly).join(',')}]`;
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${printExactly(field)}`).join(',')}}`;
}

/** Numbers so large that JSON.parse may turn them into Infinity. */
const LARGE_EXPONENT = /\d[eE]\+?\d{2}/;
const LONG_NUMBER = /\d{309}/;

/**
 * Whether the value of this text may have a flaw: the name `__proto__`, an escape that may hide the name, or
 * a number that is too large. Four separate searches: one regular expression for all costs more than the
 * parsing itself.
 */
function isSuspicious(text: string): boolean {
  return (
    text.includes('__proto__') ||
    text.includes('\\u') ||
    LARGE_EXPONENT.test(text) ||
    (text.length > 308 && LONG_NUMBER.test(text))
  );
}

/**
 * Parses JSON from outside.
 * @throws SyntaxError for invalid JSON, for a `__proto__` field at any depth and in any spelling (none is
 *   ever applied), and for a number that is not finite
 */
export function parseJson(text: string): unknown {
  const value: unknown = JSON.parse(text);
  if (isSuspicious(text)) {
    const found = findFlaw(value);
    if (found) throw new SyntaxError(`${found.path}: ${found.message}`);
  }
  return value;
}

/**
 * Parses JSON from outside, and freezes the value at every depth. One walk over the value both freezes it and
 * finds its flaws, so the text needs no search of its own.
 * @throws SyntaxError as `parseJson`; RangeError for a value nested deeper than 64 levels
 */
export function parseFrozen(text: string): unknown {
  return frozen(JSON.parse(text), 0);
}

function frozen(value: unknown, depth: number): unknown {
  if (typeof value === 'number' && !Number.isFinite(value))
    throw new SyntaxError('a number that is too large');
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= MAX_DEPTH) throw new RangeError(`expected at most ${MAX_DEPTH} levels, got more`);
  if (Array.isArray(value)) for (const item of value) frozen(item, depth + 1);
  else freezeFields(value as Record<string, unknown>, depth);
  return Object.freeze(value);
}

function freezeFields(object: Record<string, unknown>, depth: number): void {
  for (const name in object) {
    // A field that somebody has put on Object.prototype is no part of the value.
    if (!Object.hasOwn(object, name)) continue;
    if (name === '__proto__') throw new SyntaxError('a field named __proto__');
    const field = object[name];
    if (typeof field === 'object' || typeof field === 'number') frozen(field, depth + 1);
  }
}

/** Objects that stay mutable when they are frozen: their content is in no field. */
const MUTABLE = new Set(
  ['Date', 'Map', 'Set', 'ArrayBuffer', 'SharedArrayBuffer', 'URL', 'URLSearchParams'].map(
    (name) => `[object ${name}]`,
  ),
);

function isMutable(object: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(object);
  if (prototype === Object.prototype || prototype === Array.prototype || prototype === null) return false;
  return ArrayBuffer.isView(object) || MUTABLE.has(Object.prototype.toString.call(object));
}

/**
 * Freezes a value at every depth, since all readers of a key get the same object. It goes on below an object
 * that is frozen already, since a schema may have frozen the top alone.
 * @param found gets `isMutable` where a part of the value cannot be frozen, and stays as it is
 * @throws RangeError for a value nested deeper than 64 levels
 */
export function deepFreeze<T>(value: T, found: { isMutable?: boolean } = {}, depth = 0): T {
  if (typeof value !== 'object' || value === null) return value;
  if (isMutable(value)) {
    found.isMutable = true;
    return value;
  }
  if (depth > MAX_DEPTH) throw new RangeError(`expected at most ${MAX_DEPTH} levels, got more, or a cycle`);
  for (const name of Object.keys(value)) {
    const field = (value as Record<string, unknown>)[name];
    if (typeof field === 'object') deepFreeze(field, found, depth + 1);
  }
  return Object.freeze(value);
}
