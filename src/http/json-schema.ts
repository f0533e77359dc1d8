/**
 * The JSON Schema of a Standard Schema, where its library can give one: by Standard JSON Schema, or by the
 * methods of zod and ArkType. No library is imported. Where none can give one, the result is `{}`, which
 * allows everything.
 */
import type { Schema, StandardJSONSchemaV1 } from '../state/schema.ts';

export type JsonSchema = Record<string, unknown>;

/** The dialect of OpenAPI 3.1. */
const TARGET = 'draft-2020-12';

/** The methods of schemas that convert themselves: `toJSONSchema` (zod) and `toJsonSchema` (ArkType). */
interface Converting {
  readonly toJSONSchema?: unknown;
  readonly toJsonSchema?: unknown;
}

/**
 * The JSON Schema of a schema's output, which is the value that readers get.
 * @param place its place in the document, as in `#/components/schemas/x`; its own references are made
 *   relative to it
 */
export function jsonSchemaOf(schema: Schema, place: string): JsonSchema {
  for (const convert of convertersOf(schema)) {
    try {
      const made: unknown = convert();
      if (isObject(made)) return within(made, place);
    } catch {
      // The schema has parts that JSON Schema, or this dialect of it, cannot express.
    }
  }
  return {};
}

function convertersOf(schema: Schema): (() => unknown)[] {
  const standard: Partial<StandardJSONSchemaV1.Props> = schema['~standard'];
  const { toJSONSchema, toJsonSchema } = schema as Converting;
  const converters: (() => unknown)[] = [];
  if (typeof standard.jsonSchema?.output === 'function')
    converters.push(() => standard.jsonSchema!.output({ target: TARGET }));
  if (typeof toJSONSchema === 'function')
    converters.push(() => toJSONSchema.call(schema, { target: TARGET, io: 'output' }) as unknown);
  if (typeof toJsonSchema === 'function') converters.push(() => toJsonSchema.call(schema) as unknown);
  return converters;
}

/** Keywords whose value is data, even if it looks like a schema. */
const DATA = new Set(['const', 'enum', 'default', 'examples', 'example']);

/** Makes a schema that was a document of its own a part of another document. */
function within(schema: JsonSchema, place: string): JsonSchema {
  const { $schema: _, $id: __, ...rest } = schema;
  return moved(rest, place) as JsonSchema;
}

function moved(value: unknown, place: string, isNames = false): unknown {
  if (Array.isArray(value)) return value.map((one) => moved(one, place));
  if (!isObject(value)) return value;
  const entries = Object.entries(value).map(([name, inner]): [string, unknown] => {
    // A property may have the name of a keyword.
    if (isNames) return [name, moved(inner, place)];
    if (DATA.has(name)) return [name, inner];
    if (name === '$ref' && typeof inner === 'string' && inner.startsWith('#'))
      return [name, `${place}${inner.slice(1)}`];
    return [name, moved(inner, place, NAMED.has(name))];
  });
  return Object.fromEntries(entries);
}

/** Keywords whose value maps names to schemas. */
const NAMED = new Set(['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas']);

function isObject(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
