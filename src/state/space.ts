/**
 * A space: a named set of keys, each with the schema of its values. Its owner and its followers share one
 * definition.
 *
 * Invariant: a key has the schema defined for the key itself, else that of the closest family; else it is
 * unknown.
 */
import { detached } from '../base/detached.ts';
import { listed, show, TandemError } from '../base/errors.ts';
import type { Definition } from './definition.ts';
import { familyLength, keyProblem } from './key.ts';
import type { Schema } from './schema.ts';
import { EXPECTED_NAME, isSpaceName } from './space-name.ts';
import { captureValue, readValue } from './value.ts';

/** The greatest number of keys of families whose schema a space remembers. Then it begins anew. */
const MAX_SEEN = 100_000;

/** Marks a space, also to another copy of this package in the same process. */
const BRAND = Symbol.for('tandem-sync.space');

/** A space, as `defineSpace` returns it: a named set of keys, each with the schema of its values. */
export class Space<D extends Definition = Definition> {
  /** The name, as it was given. */
  readonly name: string;
  /** The keys and families with their schemas, as they were given. */
  readonly definition: D;
  /** What the space defines, for an error message. */
  readonly #names: string;
  readonly #keys = new Map<string, Schema>();
  /** By prefix, as in `strategy/`; that of `'*'` is empty. */
  readonly #families = new Map<string, Schema>();
  /** The keys of families that were seen before: a look-up here costs less than checking a key again. */
  readonly #seen = new Map<string, Schema>();

  constructor(name: string, definition: D) {
    if (!isSpaceName(name)) throw new TandemError('INVALID_SPACE', `${EXPECTED_NAME}, got ${show(name)}`);
    if (typeof definition !== 'object' || definition === null) {
      throw new TandemError(
        'INVALID_SPACE',
        `space "${name}": expected keys and their schemas, got ${show(definition)}`,
      );
    }
    this.name = name;
    this.definition = definition;
    this.#names = listed(Object.keys(definition));
    for (const [pattern, schema] of Object.entries(definition)) this.#define(pattern, schema);
  }

  /** @internal */
  get [BRAND](): true {
    return true;
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
    if (prefix === undefined) this.#keys.set(pattern, schema);
    else this.#families.set(prefix, schema);
  }

  /**
   * The schema of a key, or `undefined` when the space does not define the key.
   * @internal
   */
  schemaOf(key: string): Schema | undefined {
    return this.#seen.get(key) ?? this.#keys.get(key) ?? this.#schemaOfNew(key);
  }

  #schemaOfNew(key: string): Schema | undefined {
    // No key may hold a '*': it marks a family.
    if (typeof key !== 'string' || key.includes('*') || keyProblem(key) !== undefined) return undefined;
    const schema = closestFamily(this.#families, key);
    if (schema === undefined) return undefined;
    // Where keys come and go, the ones in use are soon seen again.
    if (this.#seen.size >= MAX_SEEN) this.#seen.clear();
    this.#seen.set(detached(key), schema);
    return schema;
  }

  /**
   * The schema of a key.
   * @throws TandemError `UNKNOWN_KEY`
   * @internal
   */
  requireSchema(key: string): Schema {
    const schema = this.schemaOf(key);
    if (schema !== undefined) return schema;
    throw new TandemError(
      'UNKNOWN_KEY',
      `space "${this.name}" defines no key ${show(key)}; it defines: ${this.#names}`,
    );
  }

  /**
   * @throws TandemError `UNKNOWN_KEY` unless the pattern is a key, `'*'`, or a prefix that ends in `/*` and that
   *   keys may have
   * @internal
   */
  requirePattern(pattern: string): void {
    if (pattern === '*' || Object.hasOwn(this.definition, pattern)) return;
    if (typeof pattern === 'string' && pattern.endsWith('/*') && this.#mayHave(pattern.slice(0, -1))) return;
    this.requireSchema(pattern);
  }

  /** Whether a key may begin with a prefix that ends in a slash. */
  #mayHave(prefix: string): boolean {
    if (prefix.includes('*') || keyProblem(prefix) !== undefined) return false;
    if (closestFamily(this.#families, `${prefix}name`) !== undefined) return true;
    return [...this.#keys.keys(), ...this.#families.keys()].some((name) => name.startsWith(prefix));
  }

  /**
   * Validates a value and captures it as JSON text; later changes of the object change nothing.
   * @throws TandemError `UNKNOWN_KEY`
   * @throws InvalidValueError `INVALID_VALUE`, `NOT_JSON` or `TOO_LARGE`
   * @internal
   */
  capture(key: string, value: unknown): string {
    return captureValue(this.requireSchema(key), key, value);
  }

  /**
   * Reads JSON text that this or another process captured: the value that the key's schema makes of it,
   * frozen.
   * @throws TandemError `UNKNOWN_KEY`
   * @throws InvalidValueError `INVALID_VALUE`, `NOT_JSON` or `TOO_LARGE`
   * @internal
   */
  read(key: string, json: string): unknown {
    return readValue(this.requireSchema(key), key, json);
  }
}

function closestFamily(families: ReadonlyMap<string, Schema>, key: string): Schema | undefined {
  let { length } = key;
  do {
    length = familyLength(key, length);
    const schema = families.get(key.slice(0, length));
    if (schema !== undefined) return schema;
  } while (length > 0);
  return undefined;
}

/** A space of any copy of this package: the types of two copies do not know each other's private fields. */
export type AnySpace<D extends Definition> = Pick<Space<D>, Known>;

/** What another copy of any version has, too. */
type Known = 'name' | 'definition' | 'schemaOf';

/**
 * A space that `defineSpace` has made, as one of this copy of the package: another copy, of any version, may have
 * made it.
 * @throws TandemError `INVALID_SPACE` for anything else
 */
export function requireSpace<D extends Definition>(given: AnySpace<D>): Space<D> {
  if (given instanceof Space) return given;
  if (typeof given === 'object' && given !== null && BRAND in given)
    return new Space(given.name, given.definition);
  throw new TandemError('INVALID_SPACE', 'expected a space made by defineSpace');
}

/**
 * Defines a space, to be shared by its owner and its followers.
 *
 * @param name 1 to 64 letters, digits, `.`, `_`, `:` or `-`; the first is a letter or a digit
 * @param definition keys and families of keys (`'strategy/*'`), each with any synchronous Standard Schema. A
 *   value travels as it was set; each process reads it through the schema.
 * @throws TandemError `INVALID_SPACE`
 */
export function defineSpace<const D extends Definition>(name: string, definition: D): Space<D> {
  return new Space(name, definition);
}
