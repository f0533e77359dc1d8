/**
 * Values: captured as JSON text, which travels, and read back from it.
 *
 * `captureValue` runs once, at `set`. `readValue` runs once in each process. Both validate by the same
 * schema.
 */
import { InvalidValueError } from '../base/errors.ts';
import type { Found } from './json.ts';
import { deepFreeze, findFlaw, parseFrozen, parseJson } from './json.ts';
import type { Schema } from './schema.ts';
import { acceptsAll, messageOf, validate } from './schema.ts';

/** The longest value as JSON text, UTF-16 code units. */
export const MAX_VALUE_LENGTH = 1024 * 1024;

/**
 * Validates a value and captures it as JSON text.
 * @throws InvalidValueError `INVALID_VALUE`, `NOT_JSON` or `TOO_LARGE`
 */
export function captureValue(schema: Schema, key: string, value: unknown): string {
  const found: Found = {};
  const json = textOf(key, value, found);
  // Fields that JSON leaves out are left out for the schema too: that is the value which readers will get.
  if (!acceptsAll(schema)) validate(schema, key, found.omits ? JSON.parse(json) : value);
  if (json.length > MAX_VALUE_LENGTH) {
    throw new InvalidValueError('TOO_LARGE', key, [
      { path: '', message: `expected at most ${MAX_VALUE_LENGTH} characters of JSON, got ${json.length}` },
    ]);
  }
  return json;
}

/**
 * Reads JSON text that some process captured: the value that its schema makes of it, frozen. An error names
 * the place of a flaw and quotes nothing of the value, since errors end up in logs.
 * @throws InvalidValueError `INVALID_VALUE`, `NOT_JSON` or `TOO_LARGE`
 */
export function readValue(schema: Schema, key: string, json: string): unknown {
  if (json.length > MAX_VALUE_LENGTH) {
    throw new InvalidValueError('TOO_LARGE', key, [{ path: '', message: `${json.length} characters` }]);
  }
  if (acceptsAll(schema)) return parsed(key, json, parseFrozen);
  const value = parsed(key, json, parseJson);
  const read = validate(schema, key, value, () => 'its schema does not accept it');
  try {
    return deepFreeze(read);
  } catch (error) {
    throw new InvalidValueError('NOT_JSON', key, [{ path: '', message: (error as Error).message }]);
  }
}

/** A value as JSON text. A getter of the value may throw anything. */
function textOf(key: string, value: unknown, found: Found): string {
  let flaw: { path: string; message: string } | undefined;
  try {
    flaw = findFlaw(value, found);
    if (flaw === undefined) return JSON.stringify(value);
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
