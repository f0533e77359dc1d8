/**
 * Readings of several keys: one type for each key and family that a definition has, in a union. So a look at
 * `key` narrows the type of `value`.
 */
import type { Definition, DefinedUnder, KeyUnder, ValueOf } from './definition.ts';
import type { Reading } from './reading.ts';

/** The reading of a key; for several keys a union, each with its own value. */
export type ReadingOf<D extends Definition, K extends string> = K extends string
  ? Reading<K, ValueOf<D, K>>
  : never;

/** The reading of any key with a prefix; default any key at all. */
export type AnyReading<
  D extends Definition,
  Prefix extends string = '',
  P extends string = DefinedUnder<D, Prefix>,
> = P extends string ? Reading<KeyUnder<P, Prefix>, ValueOf<D, P>> : never;

/** The reading that a watch of a pattern is called with. */
export type WatchedBy<D extends Definition, P extends string> = P extends `${infer Prefix}*`
  ? AnyReading<D, Prefix>
  : ReadingOf<D, P>;
