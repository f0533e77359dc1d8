/**
 * Codecs: schemas that encode as well as decode, as `z.codec` of zod 4.1 makes them, anywhere in a schema. With
 * one, `set` takes what readers get, such as a `Date`. What it encodes to travels, and each reader decodes it.
 *
 * A schema with a transform that goes one way besides cannot encode. Then `set` takes what is decoded, as for
 * any schema without a codec.
 */

/** A schema that can encode. */
export interface Codec {
  safeEncode(value: unknown):
    | { readonly success: true; readonly data: unknown }
    | {
        readonly success: false;
        readonly error: { readonly issues: readonly { path: readonly PropertyKey[]; message: string }[] };
      };
}

/** How zod describes a schema to libraries. */
interface Described {
  readonly _zod: { readonly def: Readonly<Record<string, unknown>> };
}

/** `null` for a schema that has none. */
const found = new WeakMap<object, Codec | null>();

/** The schema as a codec; `undefined` where it has none in it, or cannot encode. */
export function codecOf(schema: object): Codec | undefined {
  let codec = found.get(schema);
  if (codec === undefined) {
    codec = canEncode(schema) && hasCodec(schema) ? schema : null;
    found.set(schema, codec);
  }
  return codec ?? undefined;
}

function canEncode(schema: unknown): schema is Codec & Described {
  return isDescribed(schema) && 'safeEncode' in schema && typeof schema.safeEncode === 'function';
}

function isDescribed(value: unknown): value is Described {
  return typeof value === 'object' && value !== null && '_zod' in value;
}

/** Whether there is a codec among a schema and its parts, and nothing that goes one way. */
function hasCodec(schema: Described): boolean {
  const seen = new Set<Described>([schema]);
  let isFound = false;
  for (const { _zod } of seen) {
    const { def } = _zod;
    if (def.type === 'transform') return false;
    isFound ||= typeof def.reverseTransform === 'function';
    for (const part of partsOf(def)) seen.add(part);
  }
  return isFound;
}

function partsOf(def: Described['_zod']['def']): Described[] {
  const fields = Object.values(def);
  if (def.type === 'lazy' && typeof def.getter === 'function') fields.push(def.getter());
  return fields.flatMap((field) => {
    if (isDescribed(field)) return field;
    return typeof field === 'object' && field !== null ? Object.values(field).filter(isDescribed) : [];
  });
}

/** The types of the schemas that a schema is made of. */
type PartOf<Def> =
  | (Def extends { shape: infer Shape } ? Shape[keyof Shape] : never)
  | (Def extends { element: infer S } ? S : never)
  | (Def extends { innerType: infer S } ? S : never)
  | (Def extends { keyType: infer S } ? S : never)
  | (Def extends { valueType: infer S } ? S : never)
  | (Def extends { in: infer S } ? S : never)
  | (Def extends { out: infer S } ? S : never)
  | (Def extends { left: infer S } ? S : never)
  | (Def extends { right: infer S } ? S : never)
  | (Def extends { options: readonly (infer S)[] } ? S : never)
  | (Def extends { items: readonly (infer S)[] } ? S : never)
  | (Def extends { rest: infer S } ? S : never)
  | (Def extends { getter: () => infer S } ? S : never);

/** What there is among a schema and its parts, eight levels deep: a schema may have itself as a part. */
type Ways<S, Depth extends 0[] = []> = Depth['length'] extends 8
  ? never
  : S extends { _zod: { def: infer Def } }
    ? Def extends { type: 'transform' }
      ? 'one'
      : | (Def extends { reverseTransform: (...values: never) => unknown } ? 'both' : never)
        | Ways<PartOf<Def>, [...Depth, 0]>
    : never;

/** Whether a schema encodes, as `codecOf` finds it. */
export type HasCodec<S> = 'both' extends Ways<S> ? ('one' extends Ways<S> ? false : true) : false;
