/** The types of a space: the keys that its definition allows, and the input and output type of each key. */
import type { HasCodec } from './codec.ts';
import type { Frozen } from './frozen.ts';
import type { Schema } from './schema.ts';
import type { StandardSchemaV1 } from './standard-schema.ts';

/** Keys and families of keys (`'strategy/*'`), each with the schema of its values. */
export type Definition = Readonly<Record<string, Schema>>;

/** The keys that a definition allows: `'strategy/*'` allows every `strategy/…`. */
export type KeyOf<D extends Definition> = {
  [P in keyof D & string]: P extends '*' ? string : P extends `${infer F}/*` ? `${F}/${string}` : P;
}[keyof D & string];

/** The prefixes of a key or family that end in a slash, each with a `*` behind it. */
type PrefixesOf<P extends string> = P extends `${infer F}/${infer Rest}`
  ? `${F}/*` | `${F}/${PrefixesOf<Rest>}`
  : never;

/**
 * The patterns that may be watched: a key, `'*'` for all keys, or a prefix that ends in `/*`: that of a family,
 * one below a family, or one above keys and families.
 */
export type PatternOf<D extends Definition> =
  KeyOf<D> | (keyof D & string) | PrefixesOf<keyof D & string> | '*';

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

/** The closest of several families, as at run time: the one that has no other of them below it. */
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

/** The keys and families that a key with this prefix may be of: those below it, and the closest above it. */
export type DefinedUnder<D extends Definition, Prefix extends string> =
  | ClosestOf<FamiliesOf<D, Prefix>>
  | {
      [P in keyof D & string]: string extends P ? P : StemOf<P> extends `${Prefix}${string}` ? P : never;
    }[keyof D & string];

/** A key as it is, and a family without its `*`. */
type StemOf<P extends string> = P extends '*' ? '' : P extends `${infer F}/*` ? `${F}/` : P;

/** The keys with this prefix that one key or family of a definition allows. */
export type KeyUnder<P extends string, Prefix extends string> = P extends `${string}*`
  ? StemOf<P> extends `${Prefix}${string}`
    ? `${StemOf<P>}${string}`
    : `${Prefix}${string}`
  : P;

/**
 * The type of a value that is set: the input of the key's schema, or its output where the schema has a codec,
 * which encodes it.
 */
export type InputOf<D extends Definition, K extends string> = SettableOf<D[DefinitionOf<D, K>]>;

type SettableOf<S extends Schema> = S extends Schema
  ? HasCodec<S> extends true
    ? StandardSchemaV1.InferOutput<S>
    : StandardSchemaV1.InferInput<S>
  : never;

/** The type that a reading of a key has: the output of the key's schema, read-only at every depth. */
export type ValueOf<D extends Definition, K extends string> = Frozen<
  StandardSchemaV1.InferOutput<D[DefinitionOf<D, K>]>
>;
