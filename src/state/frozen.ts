/**
 * The type of a value as readers get it: read-only at every depth, as it is frozen at run time. An object with
 * methods stays as it is, such as a `Date`, a `Map` or what a schema makes of a class of yours.
 */
export type Frozen<T> = T extends string | number | boolean | bigint | symbol | null | undefined
  ? T
  : T extends readonly unknown[]
    ? { readonly [I in keyof T]: Frozen<T[I]> }
    : T extends object
      ? HasMethods<T> extends true
        ? T
        : { readonly [F in keyof T]: Frozen<T[F]> }
      : T;

type AnyFunction = (...parameters: never) => unknown;
type IsAny<T> = 0 extends 1 & T ? true : false;

/** A field of type `any` is no method. */
type HasMethods<T> = T extends AnyFunction
  ? true
  : true extends {
        [F in keyof T]: IsAny<T[F]> extends true ? false : T[F] extends AnyFunction ? true : false;
      }[keyof T]
    ? true
    : false;
