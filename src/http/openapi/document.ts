/**
 * The routes, described: OpenAPI 3.1, made anew for each request from the spaces that are here now. Paths are
 * relative to where the router is mounted; values are described by their own schemas, where these can say.
 */
import type { Context } from 'koa';
import type { Space } from '../../state/space.ts';
import type { Tandem } from '../../tandem.ts';
import type { JsonSchema } from '../json-schema.ts';
import { jsonSchemaOf } from '../json-schema.ts';
import { RESPONSES, SCHEMAS } from './schemas.ts';

/** Of these routes, not of the package. */
const VERSION = '1.0.0';

type Json = Record<string, unknown>;

export function answerOpenApi(ctx: Context, tandem: Tandem, hasPage: boolean): void {
  // Up to where this router is mounted: the document lies at its root.
  const [path = ''] = ctx.originalUrl.split('?');
  const base = path.slice(0, path.lastIndexOf('/')) || '/';
  ctx.set('Cache-Control', 'no-cache');
  ctx.body = openApi(tandem, base, hasPage);
}

export function openApi(tandem: Tandem, base: string, hasPage: boolean): Json {
  const spaces = tandem.spaces.flatMap((name) => tandem.get(name)?.space ?? []);
  const values = spaces.flatMap((space) => valueSchemas(space));
  return {
    openapi: '3.1.0',
    info: {
      title: `Tandem: the state in ${tandem.name}`,
      version: VERSION,
      description: 'Everything is answered from memory, and every answer says how true it is.',
    },
    servers: [{ url: base }],
    paths: {
      '/spaces': listPath(),
      '/spaces/{space}': spacePath(
        '#/components/schemas/SpaceState',
        spaces.map(({ name }) => name),
      ),
      '/spaces/{space}/changes': changesPath(spaces.map(({ name }) => name)),
      '/spaces/{space}/state/{key}': keyPath('#/components/schemas/AnyReading', [
        spaceParameter(spaces.map(({ name }) => name)),
        KEY,
      ]),
      ...Object.assign({}, ...spaces.map(pathsOf)),
      '/livez': { get: operation('livez', 'Whether this process should be restarted', 'Alive', [], {}) },
      '/readyz': readyPath(),
      '/openapi.json': {
        get: operation('openapi', 'This document', 'Document', [], {}),
      },
      ...(hasPage && pagePaths()),
    },
    components: {
      schemas: { ...SCHEMAS, ...Object.fromEntries(values.map(({ name, schema }) => [name, schema])) },
      responses: RESPONSES,
    },
  };
}

/** The schema of each key and family of a space, and of its readings. */
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

/** Letters, digits, '.', '_' and '-' are what a component may be called; everything else is spelled out. */
function nameOf({ name }: Space, pattern: string): string {
  const plain = (text: string): string =>
    text.replaceAll(/[^A-Za-z0-9]/gu, (one) => (one === '/' ? '.' : `_${one.codePointAt(0)!.toString(16)}`));
  return `value.${plain(name)}.${plain(pattern)}`;
}

/** The paths of a space by its name, with its values described. */
function pathsOf(space: Space): Json {
  const root = `/spaces/${encodeURIComponent(space.name)}`;
  const paths: Json = { [root]: spacePath(undefined, undefined, stateSchema(space)) };
  for (const pattern of Object.keys(space.definition)) {
    const isFamily = pattern === '*' || pattern.endsWith('/*');
    const fixed = isFamily ? pattern.slice(0, -1) : pattern;
    // Braces would be taken for a parameter.
    if (/[{}]/.test(fixed)) continue;
    const path = `${root}/state/${fixed.split('/').map(encodeURIComponent).join('/')}${isFamily ? '{key}' : ''}`;
    const key = isFamily
      ? [{ ...KEY, description: `What comes after "${fixed}"; it may hold slashes.` }]
      : [];
    paths[path] = keyPath(`#/components/schemas/${nameOf(space, pattern)}.reading`, key);
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
            // The closest family decides, so that an outer one says nothing of what an inner one holds.
            patternProperties: Object.fromEntries(
              patterns.filter(isFamily).map((one) => [familyPattern(one, patterns), held(one)]),
            ),
          },
        },
      },
    ],
  };
}

/** Keys of the family that are of no closer one, and are not defined by themselves. */
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

// ---- paths ----

const KEY = {
  name: 'key',
  in: 'path',
  required: true,
  description: 'The key; it may hold slashes.',
  schema: { type: 'string', minLength: 1 },
};

const MAX_STALE = query('maxStaleMs', 'Answer 503 when the state is staler, ms.', {
  type: 'integer',
  minimum: 0,
});
const AT_LEAST = query('atLeast', 'Wait for this position; 504 when it does not come.', ref('Position'));
const TIMEOUT = query('timeoutMs', 'How long to wait for it, ms.', {
  type: 'integer',
  minimum: 0,
  maximum: 30_000,
  default: 1_000,
});
const PREFIX = query('prefix', 'Only keys that begin so.', { type: 'string' });
const IF_NONE_MATCH = {
  name: 'If-None-Match',
  in: 'header',
  description: 'The ETag of an answer, which is its position: 304 when nothing changed and all is well.',
  schema: { type: 'string' },
};

function listPath(): Json {
  const problems = problem(400, 503);
  return {
    get: operation('spaces', 'The spaces of this process', 'Spaces', [MAX_STALE, IF_NONE_MATCH], {
      ...NOT_MODIFIED,
      ...problems,
    }),
  };
}

function spacePath(schema: string | undefined, names?: readonly string[], inline?: JsonSchema): Json {
  const parameters = [PREFIX, MAX_STALE, AT_LEAST, TIMEOUT, IF_NONE_MATCH];
  return {
    ...(names && { parameters: [spaceParameter(names)] }),
    get: {
      summary: 'The state of a space, as of one position',
      parameters,
      responses: {
        200: stamped(inline ?? { $ref: schema }),
        ...NOT_MODIFIED,
        ...problem(400, 404, 503, 504),
      },
    },
  };
}

function keyPath(schema: string, parameters: readonly unknown[]): Json {
  return {
    ...(parameters.length > 0 && { parameters }),
    get: {
      summary: 'One reading',
      parameters: [MAX_STALE, AT_LEAST, TIMEOUT, IF_NONE_MATCH],
      responses: {
        200: stamped({ $ref: schema }),
        ...NOT_MODIFIED,
        ...problem(400, 404, 503, 504),
      },
    },
  };
}

function changesPath(names: readonly string[]): Json {
  const from = query('from', 'The position from which to go on.', ref('Position'));
  const last = {
    name: 'Last-Event-ID',
    in: 'header',
    description: 'The `id` of the last event that was received; comes before `from`.',
    schema: ref('Position'),
  };
  const description =
    'Server-sent events. `state` (as of SpaceState) first, or where one cannot go on; then `change` (Change) for ' +
    'what changed, with the position as its `id`; `status` (Status) for how true it is; `goodbye` before the end.';
  return {
    parameters: [spaceParameter(names)],
    get: {
      operationId: 'changes',
      summary: 'What changes in a space, as it changes',
      description,
      parameters: [from, last],
      responses: {
        200: { description: 'The events', content: { 'text/event-stream': { schema: { type: 'string' } } } },
        ...problem(400, 404, 503),
      },
    },
  };
}

function readyPath(): Json {
  const verbose = {
    ...query('verbose', 'Say why, for each space.', { type: 'string' }),
    allowEmptyValue: true,
  };
  return {
    get: {
      operationId: 'readyz',
      summary: 'Whether this process should be sent requests',
      parameters: [verbose],
      responses: { 200: answer('Ready', ref('Readiness')), 503: answer('Not ready', ref('Readiness')) },
    },
  };
}

function pagePaths(): Json {
  const html = { schema: { type: 'string' } };
  const file = { name: 'file', in: 'path', required: true, schema: { type: 'string' } };
  return {
    '/': {
      get: {
        operationId: 'page',
        summary: 'The live page, for people',
        responses: { 200: { description: 'The page', content: { 'text/html': html } } },
      },
    },
    '/page/{file}': {
      parameters: [file],
      get: {
        operationId: 'pageFile',
        summary: 'A file of the page',
        responses: {
          200: { description: 'The file', content: { 'text/javascript': html, 'text/css': html } },
          ...problem(404),
        },
      },
    },
    '/events': {
      get: {
        operationId: 'events',
        summary: 'What the page reads; it may change from version to version',
        responses: {
          200: { description: 'The events', content: { 'text/event-stream': html } },
          ...problem(503),
        },
      },
    },
  };
}

// ---- parts ----

const NOT_MODIFIED = { 304: { $ref: '#/components/responses/NotModified' } };

function operation(
  operationId: string,
  summary: string,
  schema: string,
  parameters: readonly unknown[],
  responses: Json,
): Json {
  return { operationId, summary, parameters, responses: { 200: answer(summary, ref(schema)), ...responses } };
}

function answer(description: string, schema: JsonSchema): Json {
  return { description, content: { 'application/json': { schema } } };
}

/** An answer whose headers say how true it is. */
function stamped(schema: JsonSchema): Json {
  const header = (description: string, schema: JsonSchema): Json => ({ description, schema });
  return {
    ...answer('As of one position', schema),
    headers: {
      ETag: header('The position, quoted; only while all is well', { type: 'string' }),
      'Tandem-Position': header('The position', { type: 'string' }),
      'Tandem-Freshness': header('How true it is', ref('Freshness')),
      'Tandem-Staleness-Ms': header('Time since it was last proven, ms, or Infinity', { type: 'string' }),
    },
  };
}

function problem(...statuses: readonly number[]): Json {
  return Object.fromEntries(statuses.map((status) => [status, { $ref: '#/components/responses/Problem' }]));
}

function query(name: string, description: string, schema: JsonSchema): Json {
  return { name, in: 'query', description, schema };
}

function spaceParameter(names: readonly string[]): Json {
  const known = names.length > 0 && { examples: names };
  return {
    name: 'space',
    in: 'path',
    required: true,
    description: 'The name of the space.',
    schema: { type: 'string', ...known },
  };
}

function ref(name: string): JsonSchema {
  return { $ref: `#/components/schemas/${name}` };
}
