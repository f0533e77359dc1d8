/**
 * The JSON Schema of a Standard Schema, where its library can give one: by Standard JSON Schema, or by a method that
 * is known of zod and ArkType. No library is imported; where none can say, everything is allowed: `{}`.
 */
import type { Schema, StandardJSONSchemaV1 } from '../state/schema.ts';

export type JsonSchema = Record<string, unknown>;

/** OpenAPI 3.1 speaks this dialect. */
const TARGET = 'draft-2020-12';

/** What one that converts by itself offers: `toJSONSchema` (zod) or `toJsonSchema` (ArkType). */
interface Converting {
  readonly toJSONSchema?: unknown;
  readonly toJsonSchema?: unknown;
}

/**
 * The schema of what is read: what comes out of a transformation, not what goes in.
 * @param place where it will lie, as in `#/components/schemas/x`: references within it are made to lead there
 */
export function jsonSchemaOf(schema: Schema, place: string): JsonSchema {
  for (const convert of convertersOf(schema)) {
    try {
      const made: unknown = convert();
      if (isObject(made)) return within(made, place);
    } catch {
      // It has parts that JSON Schema cannot say, or not in this dialect.
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

/** Data that may look like a schema, and is none. */
const DATA = new Set(['const', 'enum', 'default', 'examples', 'example']);

/** A schema that was a document of its own, as a part of another. */
function within(schema: JsonSchema, place: string): JsonSchema {
  const { $schema: _, $id: __, ...rest } = schema;
  return moved(rest, place) as JsonSchema;
}

function moved(value: unknown, place: string, isNames = false): unknown {
  if (Array.isArray(value)) return value.map((one) => moved(one, place));
  if (!isObject(value)) return value;
  const entries = Object.entries(value).map(([name, inner]): [string, unknown] => {
    // Names of properties are names, whatever they are.
    if (isNames) return [name, moved(inner, place)];
    if (DATA.has(name)) return [name, inner];
    if (name === '$ref' && typeof inner === 'string' && inner.startsWith('#'))
      return [name, `${place}${inner.slice(1)}`];
    return [name, moved(inner, place, NAMED.has(name))];
  });
  return Object.fromEntries(entries);
}

/** Keywords whose value is schemas by name. */
const NAMED = new Set(['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas']);

function isObject(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
