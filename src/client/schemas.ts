/** The schemas of a space, as a client needs them. A key has its own schema, else that of its closest family. */
import type { Definition } from '../state/definition.ts';
import type { Schema } from '../state/schema.ts';
import type { StandardSchemaV1 } from '../state/standard-schema.ts';

/** Accepts whatever JSON has. */
const ANY = { '~standard': { validate: (value: unknown) => ({ value }) } } as Schema;

/**
 * The schema of a key; `undefined` for a key that the definition does not have.
 * @param definition default: every key may be there, with any value
 */
export function schemaOf(definition: Definition | undefined, key: string): Schema | undefined {
  if (definition === undefined) return ANY;
  if (Object.hasOwn(definition, key)) return definition[key];
  // No key is the prefix of its family alone.
  let prefix = key.slice(0, -1);
  do {
    prefix = prefix.slice(0, prefix.lastIndexOf('/') + 1);
    if (Object.hasOwn(definition, `${prefix}*`)) return definition[`${prefix}*`];
    prefix = prefix.slice(0, -1);
  } while (prefix !== '');
  return undefined;
}

/**
 * The value that a schema makes of JSON, frozen.
 * @throws what stands in the way
 */
export function readValue(schema: Schema, json: unknown): unknown {
  const result = schema['~standard'].validate(json) as StandardSchemaV1.Result<unknown>;
  // An asynchronous schema gives neither a value nor issues.
  if (!result.issues && 'value' in result) return frozen(result.value);
  throw new Error(result.issues?.[0]?.message);
}

/** What a schema made of a class stays as it is. */
function frozen(value: unknown): unknown {
  if (Object.isFrozen(value)) return value;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && !Array.isArray(value)) return value;
  Object.values(value as object).forEach(frozen);
  return Object.freeze(value);
}
