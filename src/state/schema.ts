/**
 * Schemas of values: any synchronous Standard Schema (https://standardschema.dev), or `json()`, which accepts
 * all.
 */
import { InvalidValueError, show } from '../base/errors.ts';
import type { Codec } from './codec.ts';
import type { StandardSchemaV1 } from './standard-schema.ts';

export type { StandardJSONSchemaV1 } from './standard-schema.ts';

/** Any Standard Schema: zod, valibot, arktype… (https://standardschema.dev). */
export type Schema = StandardSchemaV1;

/** A schema that accepts every JSON value and checks nothing; `json<Tick>()` gives it a type. */
export function json<T = unknown>(): StandardSchemaV1<T, T> {
  return { '~standard': { version: 1, vendor: 'tandem-sync', validate: accept as Validate<T> } };
}

type Validate<T> = StandardSchemaV1<T, T>['~standard']['validate'];
/** Marks the validation of `json()`, also to another copy of this package in the same process. */
const BRAND = Symbol.for('tandem-sync.json');
const accept = Object.assign((value: unknown): { value: unknown } => ({ value }), { [BRAND]: true });

/** The schema of a process that passes values on: each one stays the JSON text that it came as. */
export const jsonText: StandardSchemaV1<unknown, unknown> = {
  '~standard': { version: 1, vendor: 'tandem-sync', validate: (value: unknown) => ({ value }) },
};

/**
 * Whether the schema is one of `json()`, also of another copy of this package: validation by it changes nothing,
 * and can be left out.
 */
export function acceptsAll(schema: Schema): boolean {
  const validation = schema['~standard'].validate;
  return validation === accept || BRAND in validation;
}

/**
 * The value that the schema makes of `value`.
 * @param describe turns the schema's own message, which may quote the value, into that of the error. Default:
 *   as it is
 * @throws InvalidValueError `INVALID_VALUE`, also for a schema that throws, is asynchronous, or gives
 *   `undefined`
 */
export function validate(
  schema: Schema,
  key: string,
  value: unknown,
  describe: (message: string) => string = (message) => message,
): unknown {
  let result: StandardSchemaV1.Result<unknown> | Promise<StandardSchemaV1.Result<unknown>>;
  try {
    result = schema['~standard'].validate(value);
  } catch (error) {
    throw invalid(key, describe(`its schema threw: ${messageOf(error)}`));
  }
  if (result instanceof Promise) {
    result.catch(() => {});
    throw invalid(key, 'its schema is asynchronous; expected a synchronous one');
  }
  if (typeof result !== 'object' || result === null || (result.issues && !Array.isArray(result.issues)))
    throw invalid(key, 'its schema gave no result; expected one of a Standard Schema');
  if (result.issues) {
    const issues = result.issues.map(({ path, message }) => ({
      path: printPath(path),
      message: describe(message),
    }));
    throw new InvalidValueError('INVALID_VALUE', key, issues);
  }
  if (result.value === undefined) throw invalid(key, 'its schema gives undefined, which means deleted');
  return result.value;
}

/**
 * What a codec makes of a value that is set.
 * @throws InvalidValueError `INVALID_VALUE`, also for a codec that throws or is asynchronous
 */
export function encode(codec: Codec, key: string, value: unknown): unknown {
  let result: ReturnType<Codec['safeEncode']>;
  try {
    result = codec.safeEncode(value);
  } catch (error) {
    throw invalid(key, `its schema threw: ${messageOf(error)}`);
  }
  if (result.success) return result.data;
  const issues = result.error.issues.map(({ path, message }) => ({ path: printPath(path), message }));
  throw new InvalidValueError('INVALID_VALUE', key, issues);
}

function invalid(key: string, message: string): InvalidValueError {
  return new InvalidValueError('INVALID_VALUE', key, [{ path: '', message }]);
}

function printPath(path: StandardSchemaV1.Issue['path'] = []): string {
  return path.map((step) => `.${String(typeof step === 'object' ? step.key : step)}`).join('');
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : show(error);
}
