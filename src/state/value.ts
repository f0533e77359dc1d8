/**
 * Values: captured as JSON text, which travels, and read back from it.
 *
 * `captureValue` runs once, at `set`. `readValue` runs once in each process. Both validate by the same
 * schema. One with a codec in it encodes at `set`, and decodes in each process.
 */
import { isDeepStrictEqual } from '../base/node.ts';
import { detached } from '../base/detached.ts';
import { InvalidValueError } from '../base/errors.ts';
import { codecOf } from './codec.ts';
import type { Found } from './json.ts';
import { deepFreeze, findFlaw, parseFrozen, parseJson, printExactly } from './json.ts';
import type { Schema } from './schema.ts';
import { acceptsAll, encode, jsonText, messageOf, validate } from './schema.ts';

/** The longest value as JSON text, UTF-16 code units. */
export const MAX_VALUE_LENGTH = 1024 * 1024;

/**
 * Validates a value and captures it as JSON text.
 * @throws InvalidValueError `INVALID_VALUE`, `NOT_JSON` or `TOO_LARGE`
 */
export function captureValue(schema: Schema, key: string, value: unknown): string {
  const found: Found = {};
  const codec = acceptsAll(schema) ? undefined : codecOf(schema);
  const json = textOf(key, codec === undefined ? value : encode(codec, key, value), found);
  // Fields that JSON leaves out are left out for the schema too: that is the value which readers will get.
  if (codec === undefined && !acceptsAll(schema))
    validate(schema, key, found.isRead ? JSON.parse(json) : value);
  if (json.length > MAX_VALUE_LENGTH) {
    throw new InvalidValueError('TOO_LARGE', key, [
      { path: '', message: `expected at most ${MAX_VALUE_LENGTH} characters of JSON, got ${json.length}` },
    ]);
  }
  return json;
}

/**
 * Reads JSON text that some process captured: the value that its schema makes of it, frozen, or as `Unfrozen`
 * where that is not possible. An error names
 * the place of a flaw and quotes nothing of the value, since errors end up in logs.
 * @throws InvalidValueError `INVALID_VALUE`, `NOT_JSON` or `TOO_LARGE`
 */
export function readValue(schema: Schema, key: string, json: string): unknown {
  if (json.length > MAX_VALUE_LENGTH) {
    throw new InvalidValueError('TOO_LARGE', key, [{ path: '', message: `${json.length} characters` }]);
  }
  if (schema === jsonText) return detached(json);
  if (acceptsAll(schema)) return parsed(key, json, parseFrozen);
  const value = readThrough(schema, key, json);
  try {
    const found: { isMutable?: boolean } = {};
    deepFreeze(value, found);
    return found.isMutable ? new Unfrozen(schema, key, json, value) : value;
  } catch (error) {
    throw new InvalidValueError('NOT_JSON', key, [{ path: '', message: (error as Error).message }]);
  }
}

function readThrough(schema: Schema, key: string, json: string): unknown {
  return validate(schema, key, parsed(key, json, parseJson), () => 'its schema does not accept it');
}

/**
 * A value that cannot be frozen, as a schema may make one: with a `Date`, a `Map` or a typed array in it.
 * Each reading gets one of its own, read from the text anew, so that no reader changes what another one is
 * shown.
 */
export class Unfrozen {
  readonly #schema: Schema;
  readonly #key: string;
  readonly #json: string;
  /** The value that was read first. No reader gets this one, as long as the schema goes on to accept it. */
  readonly first: unknown;

  constructor(schema: Schema, key: string, json: string, first: unknown) {
    this.#schema = schema;
    this.#key = key;
    this.#json = detached(json);
    this.first = first;
  }

  /** A value that nobody else has. A schema that now refuses what it has accepted gives the first value. */
  fresh(): unknown {
    try {
      return readThrough(this.#schema, this.#key, this.#json);
    } catch {
      return this.first;
    }
  }
}

/** The value that a reader gets of what `readValue` has returned. */
export function opened(held: unknown): unknown {
  return held instanceof Unfrozen ? held.fresh() : held;
}

/** Whether two values that `readValue` has returned are the same: also -0 and 0 differ. */
export function isSameValue(a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(a instanceof Unfrozen ? a.first : a, b instanceof Unfrozen ? b.first : b);
}

/** A value as JSON text. A getter of the value may throw anything. */
function textOf(key: string, value: unknown, found: Found): string {
  let flaw: { path: string; message: string } | undefined;
  try {
    flaw = findFlaw(value, found);
    if (flaw === undefined) return found.hasNegativeZero ? printExactly(value) : JSON.stringify(value);
  } catch (error) {
    flaw = { path: '', message: `it cannot be read: ${messageOf(error)}` };
  }
  throw new InvalidValueError('NOT_JSON', key, [flaw]);
}

function parsed(key: string, json: string, parse: (text: string) => unknown): unknown {
  try {
    return parse(json);
  } catch (error) {
    const isDeep = error instanceof RangeError;
    const message = isDeep
      ? error.message
      : `expected plain JSON, got ${json.length} characters that are not`;
    throw new InvalidValueError('NOT_JSON', key, [{ path: '', message }]);
  }
}
