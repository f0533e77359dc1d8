/** The types of a space: the keys that its definition allows, and the input and output type of each key. */
import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Schema } from './schema.ts';

/** Keys and families of keys (`'strategy/*'`), each with the schema of its values. */
export type Definition = Readonly<Record<string, Schema>>;

/** The keys that a definition allows: `'strategy/*'` allows every `strategy/…`. */
export type KeyOf<D extends Definition> = {
  [P in keyof D & string]: P extends '*' ? string : P extends `${infer F}/*` ? `${F}/${string}` : P;
}[keyof D & string];

/** The patterns that may be watched: a key, a family as it was defined, or `'*'` for all keys. */
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

/** The type of a value that is set: the input of the key's schema. */
export type InputOf<D extends Definition, K extends string> = StandardSchemaV1.InferInput<
  D[DefinitionOf<D, K>]
>;

/** The type that a reading of a key has: the output of the key's schema. */
export type ValueOf<D extends Definition, K extends string> = StandardSchemaV1.InferOutput<
  D[DefinitionOf<D, K>]
>;
