/**
 * A space: a named set of keys, each with the schema of its values. Both processes share its definition.
 *
 * A value is captured once, at `set`: validated, checked and turned into JSON text, which is what travels.
 * It is read once in each process: parsed, validated by the same schema, frozen.
 */
import type { StandardSchemaV1 } from '@standard-schema/spec';

export type { StandardJSONSchemaV1 } from '@standard-schema/spec';
import { InvalidValueError, show, TandemError } from '../base/errors.ts';
import type { Found } from './json.ts';
import { deepFreeze, findFlaw, parseFrozen, parseJson } from './json.ts';
import { detached } from '../base/detached.ts';

/** Any Standard Schema: zod, valibot, arktype… (https://standardschema.dev). */
export type Schema = StandardSchemaV1;

/** Keys and families of keys (`'strategy/*'`), each with the schema of its values. */
export type Definition = Readonly<Record<string, Schema>>;

/** The keys that a definition allows: `'strategy/*'` allows every `strategy/…`. */
export type KeyOf<D extends Definition> = {
  [P in keyof D & string]: P extends '*' ? string : P extends `${infer F}/*` ? `${F}/${string}` : P;
}[keyof D & string];

/** What may be watched: a key, a family as it was defined, or `'*'` for all. */
export type PatternOf<D extends Definition> = KeyOf<D> | (keyof D & string) | '*';

/** The families that a key belongs to. */
type FamiliesOf<D extends Definition, K extends string> = {
  [P in keyof D & string]: P extends '*'
    ? P
    : P extends `${infer F}/*`
      ? K extends `${F}/${string}`
        ? P
        : never
      : never;
}[keyof D & string];

/** Of several families the closest, as at run time: the one below which none of the others lies. */
type ClosestOf<All extends string, P extends string = All> = P extends '*'
  ? [All] extends ['*']
    ? P
    : never
  : P extends `${infer F}/*`
    ? [Extract<Exclude<All, P>, `${F}/${string}`>] extends [never]
      ? P
      : never
    : never;

type DefinitionOf<D extends Definition, K extends string> = K extends keyof D
  ? K
  : ClosestOf<FamiliesOf<D, K>>;

/** What is given to `set` for a key. */
export type InputOf<D extends Definition, K extends string> = StandardSchemaV1.InferInput<
  D[DefinitionOf<D, K>]
>;

/** What is read back for a key. */
export type ValueOf<D extends Definition, K extends string> = StandardSchemaV1.InferOutput<
  D[DefinitionOf<D, K>]
>;

/** The most a value may take as JSON, in UTF-16 code units. */
export const MAX_VALUE_LENGTH = 1024 * 1024;
/** The most a key may take, in UTF-16 code units. */
export const MAX_KEY_LENGTH = 512;

/** Keys that a space remembers to be good ones. */
const MAX_KNOWN = 100_000;

const SPACE_NAME = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/;
// eslint-disable-next-line no-control-regex -- control characters are what it looks for
const CONTROL = /[\u0000-\u001f\u007f]/;

export class Space<D extends Definition = Definition> {
  readonly name: string;
  readonly definition: D;
  /**
   * Keys by name, and those of families that were asked for before: checking a key costs more than looking it
   * up.
   */
  readonly #known = new Map<string, Schema>();
  /** Longest prefix first, so that the closest family decides. */
  readonly #families: { readonly prefix: string; readonly schema: Schema }[] = [];

  constructor(name: string, definition: D) {
    if (typeof name !== 'string' || !SPACE_NAME.test(name)) {
      throw new TandemError(
        'INVALID_SPACE',
        `expected a space name of 1 to 64 letters, digits, '.', '_', ':' or '-', got ${show(name)}`,
      );
    }
    if (typeof definition !== 'object' || definition === null) {
      throw new TandemError(
        'INVALID_SPACE',
        `space "${name}": expected keys and their schemas, got ${show(definition)}`,
      );
    }
    this.name = name;
    this.definition = definition;
    for (const [pattern, schema] of Object.entries(definition)) this.#define(pattern, schema);
    this.#families.sort((a, b) => b.prefix.length - a.prefix.length);
  }

  #define(pattern: string, schema: Schema): void {
    const prefix = pattern.endsWith('/*') || pattern === '*' ? pattern.slice(0, -1) : undefined;
    const problem =
      keyProblem(pattern) ??
      ((prefix ?? pattern).includes('*') ? "'*' may only end a family, as in 'strategy/*'" : undefined);
    if (problem)
      throw new TandemError('INVALID_SPACE', `key ${show(pattern)} of space "${this.name}": ${problem}`);
    if (typeof schema?.['~standard']?.validate !== 'function') {
      throw new TandemError(
        'INVALID_SPACE',
        `key "${pattern}" of space "${this.name}": expected a Standard Schema (zod, valibot, arktype…), got ${typeof schema}`,
      );
    }
    if (prefix === undefined) this.#known.set(pattern, schema);
    else this.#families.push({ prefix, schema });
  }

  /** The schema of a key, or `undefined` when the space does not define the key. */
  schemaOf(key: string): Schema | undefined {
    return this.#known.get(key) ?? this.#schemaOfNew(key);
  }

  #schemaOfNew(key: string): Schema | undefined {
    // A '*' names a family, never a key.
    if (typeof key !== 'string' || key.includes('*') || keyProblem(key) !== undefined) return undefined;
    const family = this.#families.find(({ prefix }) => key.length > prefix.length && key.startsWith(prefix));
    if (family && this.#known.size < MAX_KNOWN) this.#known.set(detached(key), family.schema);
    return family?.schema;
  }

  /** @throws TandemError `UNKNOWN_KEY` */
  requireSchema(key: string): Schema {
    const schema = this.schemaOf(key);
    if (schema !== undefined) return schema;
    const known = Object.keys(this.definition).join(', ');
    throw new TandemError(
      'UNKNOWN_KEY',
      `space "${this.name}" defines no key ${show(key)}; it defines: ${known}`,
    );
  }

  /** @throws TandemError `UNKNOWN_KEY` for what is neither a key, nor a family, nor `'*'`. */
  requirePattern(pattern: string): void {
    if (pattern !== '*' && !Object.hasOwn(this.definition, pattern)) this.requireSchema(pattern);
  }

  /**
   * Validates a value and captures it as JSON text; later changes of the object change nothing.
   * @throws TandemError `UNKNOWN_KEY`
   * @throws InvalidValueError `INVALID_VALUE`, `NOT_JSON` or `TOO_LARGE`
   */
  capture(key: string, value: unknown): string {
    const schema = this.requireSchema(key);
    const found: Found = {};
    const json = textOf(key, value, found);
    if (!takesAll(schema)) {
      // What is left out on the way must be left out for the schema too: it is how others will see it.
      const read = validate(schema, key, found.omits ? JSON.parse(json) : value);
      if (read === undefined) throw undefinedError(key);
    }
    if (json.length > MAX_VALUE_LENGTH) {
      throw new InvalidValueError('TOO_LARGE', key, [
        { path: '', message: `expected at most ${MAX_VALUE_LENGTH} characters of JSON, got ${json.length}` },
      ]);
    }
    return json;
  }

  /**
   * Reads JSON text that this or another process captured: the value as its schema gives it, frozen. What is
   * thrown says where it is wrong, and quotes nothing of it: it is reported, and ends in logs.
   * @throws TandemError `UNKNOWN_KEY`
   * @throws InvalidValueError `INVALID_VALUE`, `NOT_JSON` or `TOO_LARGE`
   */
  read(key: string, json: string): unknown {
    const schema = this.requireSchema(key);
    if (json.length > MAX_VALUE_LENGTH) {
      throw new InvalidValueError('TOO_LARGE', key, [{ path: '', message: `${json.length} characters` }]);
    }
    if (takesAll(schema)) return parsed(key, json, parseFrozen);
    const value = parsed(key, json, parseJson);
    const read = validate(schema, key, value, () => 'its schema does not take it');
    if (read === undefined) throw undefinedError(key);
    try {
      return deepFreeze(read);
    } catch (error) {
      throw new InvalidValueError('NOT_JSON', key, [{ path: '', message: (error as Error).message }]);
    }
  }
}

/**
 * Defines a space, to be shared by its owner and its followers.
 *
 * @param name 1 to 64 letters, digits, `.`, `_`, `:` or `-`.
 * @param definition keys and families of keys (`'strategy/*'`), each with any synchronous Standard Schema.
 * A value travels as it was given, and each process reads it through the schema.
 * @throws TandemError `INVALID_SPACE`
 */
export function defineSpace<const D extends Definition>(name: string, definition: D): Space<D> {
  return new Space(name, definition);
}

/** A schema that takes every JSON value and checks nothing; `json<Tick>()` gives it a type. */
export function json<T = unknown>(): StandardSchemaV1<T, T> {
  return { '~standard': { version: 1, vendor: 'tandem-sync', validate: take as Validate<T> } };
}

type Validate<T> = StandardSchemaV1<T, T>['~standard']['validate'];
const take = (value: unknown): { value: unknown } => ({ value });

/** Whether asking a schema is a waste: it is one of ours, that takes whatever JSON can carry. */
function takesAll(schema: Schema): boolean {
  return schema['~standard'].validate === take;
}

/** What is wrong with a key, whatever the space; `undefined` when nothing is. */
export function keyProblem(key: string): string | undefined {
  if (key.length === 0) return 'it is empty';
  if (key.length > MAX_KEY_LENGTH) return `it is longer than ${MAX_KEY_LENGTH} characters`;
  if (CONTROL.test(key)) return 'it holds control characters';
  if (!key.isWellFormed()) return 'it is not well-formed Unicode';
  return undefined;
}

function undefinedError(key: string): InvalidValueError {
  return new InvalidValueError('INVALID_VALUE', key, [
    { path: '', message: 'its schema gives undefined, which means deleted' },
  ]);
}

/**
 * A value as JSON text, and what was found on the way through it. A getter of it may throw whatever it likes.
 */
function textOf(key: string, value: unknown, found: Found): string {
  let flaw: { path: string; message: string } | undefined;
  try {
    flaw = findFlaw(value, found);
    if (flaw === undefined) return JSON.stringify(value);
  } catch (error) {
    flaw = { path: '', message: `it cannot be read: ${said(error)}` };
  }
  throw new InvalidValueError('NOT_JSON', key, [flaw]);
}

/** What was thrown, in words: anything can be. */
function said(error: unknown): string {
  return error instanceof Error ? error.message : show(error);
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

/** @param inWords what is said of what a schema says, which may quote the value */
function validate(
  schema: Schema,
  key: string,
  value: unknown,
  inWords: (said: string) => string = (said) => said,
): unknown {
  let result: StandardSchemaV1.Result<unknown> | Promise<StandardSchemaV1.Result<unknown>>;
  try {
    result = schema['~standard'].validate(value);
  } catch (error) {
    throw new InvalidValueError('INVALID_VALUE', key, [
      { path: '', message: inWords(`its schema threw: ${said(error)}`) },
    ]);
  }
  if (result instanceof Promise) {
    result.catch(() => {});
    throw new InvalidValueError('INVALID_VALUE', key, [
      { path: '', message: 'its schema is asynchronous; expected a synchronous one' },
    ]);
  }
  if (typeof result !== 'object' || result === null || (result.issues && !Array.isArray(result.issues)))
    throw new InvalidValueError('INVALID_VALUE', key, [
      { path: '', message: 'its schema gave no result; expected one of a Standard Schema' },
    ]);
  if (!result.issues) return result.value;
  const issues = result.issues.map(({ path, message }) => ({
    path: printPath(path),
    message: inWords(message),
  }));
  throw new InvalidValueError('INVALID_VALUE', key, issues);
}

function printPath(path: StandardSchemaV1.Issue['path'] = []): string {
  return path.map((step) => `.${String(typeof step === 'object' ? step.key : step)}`).join('');
}
