/**
 * Values as plain JSON: what may be set, and what may be read back.
 *
 * `JSON.stringify` turns NaN into null, drops functions and calls `toJSON` without a word. A state that
 * changes on its way is a lie, so whatever would not come back as it went in is refused by name.
 */

/** Deeper is taken for a cycle, and refused. */
const MAX_DEPTH = 64;

export interface Flaw {
  /** Where in the value, as in `.legs[2].price`; empty for the value itself. */
  readonly path: string;
  readonly message: string;
}

/** What else was found in a value on the way through it. */
export interface Found {
  /** It has a field that is `undefined`: JSON leaves it out. */
  omits?: boolean;
}

/** The first thing in `value` that JSON cannot carry, or `undefined` when it can carry all of it. */
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
    // Most fields of most values, and nothing to look into.
    if (typeof field === 'string' || typeof field === 'boolean' || Number.isFinite(field)) continue;
    // A field that is undefined is an optional field left out, to JSON as to TypeScript.
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

/** Numbers so large that parsing may make Infinity of them. */
const LARGE_EXPONENT = /\d[eE]\+?\d{2}/;
const LONG_NUMBER = /\d{309}/;

/**
 * What may hold a flaw that only the value itself shows: the name, or an escape that hides it; a number that is too large.
 * Each is looked for by itself: as one expression they cost more than the parsing.
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
 * Parses JSON that came from outside.
 * @throws SyntaxError, also for a `__proto__` field at any depth (it is never applied, in no disguise), and for a
 * number that is not finite
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
 * Parses JSON that came from outside, and freezes what it says, all the way down. As `parseJson`, but that flaws are looked for in the value
 * and not in its text: one walk does both.
 * @throws SyntaxError as `parseJson`, and RangeError for what is nested too deep
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
    // What somebody has put on every object is none of it.
    if (!Object.hasOwn(object, name)) continue;
    if (name === '__proto__') throw new SyntaxError('a field named __proto__');
    const field = object[name];
    if (typeof field === 'object' || typeof field === 'number') frozen(field, depth + 1);
  }
}

/**
 * Freezes a value all the way down: everyone who reads a key is given the same object. Also below what is frozen
 * already, as a schema may do at the top alone. What cannot be frozen (a typed array) is left.
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
