/**
 * Plain JSON: which values may be set, and which texts may be read back.
 *
 * `JSON.stringify` silently turns NaN into null, drops functions and calls `toJSON`. Readers would then see
 * another value than the owner set. So `findFlaw` refuses, by its path, every part that would not come back
 * unchanged.
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
  /** True where a field is `undefined`: JSON leaves such a field out. */
  omits?: boolean;
}

/** The first part of `value` that JSON cannot carry; `undefined` when JSON can carry all of it. */
export function findFlaw(value: unknown, found: Found = {}, depth = 0): Flaw | undefined {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return undefined;
    case 'number':
      return Number.isFinite(value) ? undefined : flaw(`expected a finite number, got ${value}`);
    case 'object':
      break;
    default:
      return flaw(`expected plain JSON, got ${typeof value}`);
  }
  if (value === null) return undefined;
  if (depth >= MAX_DEPTH) return flaw(`expected at most ${MAX_DEPTH} levels, got more, or a cycle`);
  return Array.isArray(value) ? flawInArray(value, found, depth) : flawInObject(value, found, depth);
}

function flawInArray(array: readonly unknown[], found: Found, depth: number): Flaw | undefined {
  if (Object.getPrototypeOf(array) !== Array.prototype) return flaw('expected a plain array');
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
    return flaw(`expected a plain object, got ${object.constructor?.name ?? 'an object of a class'}`);
  }
  if ('toJSON' in object && typeof object.toJSON === 'function')
    return { path: '.toJSON', message: 'it is not called' };
  for (const name of Object.keys(object)) {
    const field: unknown = (object as Record<string, unknown>)[name];
    if (name === '__proto__') return { path: `.${name}`, message: 'a field of this name is refused' };
    // Most fields of most values are one of these, and need no further look.
    if (typeof field === 'string' || typeof field === 'boolean' || Number.isFinite(field)) continue;
    // To JSON as to TypeScript, a field that is undefined is an optional field left out.
    if (field === undefined) {
      found.omits = true;
      continue;
    }
    const inside = findFlaw(field, found, depth + 1);
    if (inside) return { path: `.${name}${inside.path}`, message: inside.message };
  }
  return undefined;
}

function flaw(message: string): Flaw {
  return { path: '', message };
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

/**
 * Freezes a value at every depth, since all readers of a key get the same object. It goes on below an object
 * that is frozen already, since a schema may have frozen the top alone. A typed array cannot be frozen, and
 * stays as it is.
 * @throws RangeError for a value nested deeper than 64 levels
 */
export function deepFreeze<T>(value: T, depth = 0): T {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  if (depth > MAX_DEPTH) throw new RangeError(`expected at most ${MAX_DEPTH} levels, got more, or a cycle`);
  for (const name of Object.keys(value)) {
    const field = (value as Record<string, unknown>)[name];
    if (typeof field === 'object') deepFreeze(field, depth + 1);
  }
  return Object.freeze(value);
}
