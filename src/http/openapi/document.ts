/**
 * The OpenAPI 3.1 document of the routes, made anew for each request from the spaces of this process.
 *
 * Paths are relative to the router's mount. Each value has the JSON Schema of its own schema, where that has
 * one.
 */
import type { Context } from 'koa';
import type { Space } from '../../state/space.ts';
import type { Tandem } from '../../tandem.ts';
import { addressOf } from '../address.ts';
import type { JsonSchema } from '../json-schema.ts';
import { jsonSchemaOf } from '../json-schema.ts';
import { describeCors, describeRefusals } from './access.ts';
import {
  changesPath,
  clockPath,
  fleetPath,
  historyPath,
  KEY,
  keyPath,
  listPath,
  pagePaths,
  plainPath,
  readyPath,
  spaceParameter,
  spacePath,
} from './operations.ts';
import { ref, RESPONSES, SCHEMAS } from './schemas.ts';

/** The version of these routes, not of the package. */
const VERSION = '1.0.0';

type Json = Record<string, unknown>;

export interface DocumentOptions {
  readonly hasPage: boolean;
  /** The names of the spaces that the client may read. */
  readonly shown: readonly string[];
  /** Whether the application says who may read a space. */
  readonly isGuarded: boolean;
  readonly hasCors: boolean;
}

export function answerOpenApi(ctx: Context, tandem: Tandem, options: DocumentOptions): void {
  // The document lies at the root of the router, so its own path without the last step is the router's mount.
  const { path } = addressOf(ctx);
  const base = path.slice(0, path.lastIndexOf('/')) || '/';
  ctx.set('Cache-Control', 'no-cache');
  ctx.body = openApi(tandem, base, options);
}

export function openApi(
  tandem: Tandem,
  base: string,
  { hasPage, shown: names, isGuarded, hasCors }: DocumentOptions,
): Json {
  // A fleet of spaces has one definition, and would have a path each: the paths for any space serve them.
  const byName = tandem.spacesByName.filter((name) => !isGuarded || names.includes(name));
  const spaces = byName.flatMap((name) => tandem.get(name)?.space ?? []);
  const values = spaces.flatMap((space) => valueSchemas(space));
  const document = {
    openapi: '3.1.0',
    info: {
      title: `Tandem: the state in ${tandem.name}`,
      version: VERSION,
      description:
        'Every answer but that of `/fleet` comes from memory, and shows how current it is. Each route takes GET and HEAD; OPTIONS lists the ' +
        'methods, and any other is a 405 with `Allow`.',
    },
    servers: [{ url: base }],
    paths: {
      '/spaces': listPath(),
      '/spaces/{space}': spacePath(ref('SpaceState'), names),
      '/spaces/{space}/changes': changesPath(names),
      '/spaces/{space}/clock': clockPath(names),
      '/spaces/{space}/history': historyPath(names),
      '/spaces/{space}/state/{key}': keyPath(ref('AnyReading'), [spaceParameter(names), KEY]),
      ...Object.assign({}, ...spaces.map(pathsOf)),
      '/fleet': fleetPath(),
      '/livez': plainPath('livez', 'Whether this process should be restarted', 'Alive'),
      '/readyz': readyPath(),
      '/openapi.json': plainPath('openapi', 'This document', 'Document'),
      ...(hasPage && pagePaths(names)),
    },
    components: {
      schemas: { ...SCHEMAS, ...Object.fromEntries(values.map(({ name, schema }) => [name, schema])) },
      responses: RESPONSES,
    },
  };
  if (isGuarded) describeRefusals(document);
  return hasCors ? describeCors(document) : document;
}

/** Two schemas for each key and family of a space: that of its value, and that of a reading of it. */
function valueSchemas(space: Space): { name: string; schema: JsonSchema }[] {
  return Object.entries(space.definition).flatMap(([pattern, schema]) => {
    const name = nameOf(space, pattern);
    const value = { name, schema: jsonSchemaOf(schema, `#/components/schemas/${name}`) };
    const reading = {
      name: `${name}.reading`,
      schema: {
        allOf: [ref('Reading'), { type: 'object', properties: { value: ref(name) } }],
        description: `A reading of ${pattern}`,
      },
    };
    return [value, reading];
  });
}

/**
 * The name of a component may have letters, digits, '.', '_' and '-': every other character becomes its code
 * point.
 */
function nameOf({ name }: Space, pattern: string): string {
  const plain = (text: string): string =>
    text.replaceAll(/[^A-Za-z0-9]/gu, (one) => (one === '/' ? '.' : `_${one.codePointAt(0)!.toString(16)}`));
  return `value.${plain(name)}.${plain(pattern)}`;
}

/** The paths of one space, with its own name and the schemas of its values. */
function pathsOf(space: Space): Json {
  const root = `/spaces/${encodeURIComponent(space.name)}`;
  const paths: Json = { [root]: spacePath(stateSchema(space)) };
  for (const pattern of Object.keys(space.definition)) {
    const isFamily = pattern === '*' || pattern.endsWith('/*');
    const fixed = isFamily ? pattern.slice(0, -1) : pattern;
    // In an OpenAPI path, braces mark a parameter.
    if (/[{}]/.test(fixed)) continue;
    const path = `${root}/state/${fixed.split('/').map(encodeURIComponent).join('/')}${isFamily ? '{key}' : ''}`;
    const key = isFamily
      ? [{ ...KEY, description: `The part of the key after "${fixed}"; it may contain slashes.` }]
      : [];
    paths[path] = keyPath(ref(`${nameOf(space, pattern)}.reading`), key);
  }
  return paths;
}

function stateSchema(space: Space): JsonSchema {
  const held = (pattern: string): JsonSchema => ({
    allOf: [ref('Held'), { type: 'object', properties: { value: ref(nameOf(space, pattern)) } }],
  });
  const patterns = Object.keys(space.definition);
  const isFamily = (pattern: string): boolean => pattern.endsWith('*');
  return {
    allOf: [
      ref('SpaceState'),
      {
        type: 'object',
        properties: {
          state: {
            type: 'object',
            properties: Object.fromEntries(
              patterns.filter((one) => !isFamily(one)).map((one) => [one, held(one)]),
            ),
            // A key has the schema of its closest family alone, so the pattern of an outer family excludes
            // the inner.
            patternProperties: Object.fromEntries(
              patterns.filter(isFamily).map((one) => [familyPattern(one, patterns), held(one)]),
            ),
          },
        },
      },
    ],
  };
}

/** A pattern for the keys of a family that belong to no closer family and have no definition of their own. */
function familyPattern(family: string, patterns: readonly string[]): string {
  const prefix = family.slice(0, -1);
  const closer = patterns.filter((one) => one !== family && one.startsWith(prefix));
  const others = closer.map((one) =>
    one.endsWith('*') ? `(?!${escaped(one.slice(0, -1))}.)` : `(?!${escaped(one)}$)`,
  );
  return `^${others.join('')}${escaped(prefix)}.`;
}

function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, '\\$&').replaceAll('\\-', '[-]');
}
