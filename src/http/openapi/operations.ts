/** The operations of the routes: their parameters and responses. They refer to the schemas by name. */
import type { JsonSchema } from '../json-schema.ts';
import { ref } from './schemas.ts';

type Json = Record<string, unknown>;

export const KEY = {
  name: 'key',
  in: 'path',
  required: true,
  description: 'The key; it may contain slashes.',
  schema: { type: 'string', minLength: 1 },
};

const MAX_STALE = query('maxStaleMs', 'Answer 503 when the state is staler than this, ms.', {
  type: 'integer',
  minimum: 0,
});
const AT_LEAST = query(
  'atLeast',
  'Wait for this position; 504 when it does not come in time.',
  ref('Position'),
);
const TIMEOUT = query('timeoutMs', 'The longest wait for `atLeast`, ms.', {
  type: 'integer',
  minimum: 0,
  maximum: 30_000,
  default: 1_000,
});
const PREFIX = query('prefix', 'Only keys that begin with this.', { type: 'string' });
const IF_NONE_MATCH = {
  name: 'If-None-Match',
  in: 'header',
  description:
    'The ETag of an earlier answer, which is its position: 304 when nothing changed and all is well.',
  schema: { type: 'string' },
};

export function listPath(): Json {
  const problems = problem(400, 503);
  return {
    get: operation('spaces', 'The spaces of this process', 'Spaces', [MAX_STALE, IF_NONE_MATCH], {
      ...NOT_MODIFIED,
      ...problems,
    }),
  };
}

/**
 * The state of a space.
 * @param names the names of all spaces, where the path has the name as a parameter
 */
export function spacePath(schema: JsonSchema, names?: readonly string[]): Json {
  const parameters = [PREFIX, MAX_STALE, AT_LEAST, TIMEOUT, IF_NONE_MATCH];
  return {
    ...(names && { parameters: [spaceParameter(names)] }),
    get: {
      summary: 'The state of a space, as of one position',
      parameters,
      responses: stateResponses(schema),
    },
  };
}

export function keyPath(schema: JsonSchema, parameters: readonly unknown[]): Json {
  return {
    ...(parameters.length > 0 && { parameters }),
    get: {
      summary: 'One reading',
      parameters: [MAX_STALE, AT_LEAST, TIMEOUT, IF_NONE_MATCH],
      responses: stateResponses(schema),
    },
  };
}

export function changesPath(names: readonly string[]): Json {
  const from = query('from', 'The position of the client: its changes begin after it.', ref('Position'));
  const last = {
    name: 'Last-Event-ID',
    in: 'header',
    description: 'The `id` of the last event that was received; overrides `from`.',
    schema: ref('Position'),
  };
  const description =
    'Server-sent events. `state` (SpaceState) comes first, and again where the client cannot go on from its position. ' +
    '`change` (Change) holds the changes, with the position as its `id`; `status` (Status) shows how current the ' +
    'state is; `goodbye` (Goodbye) comes before the end.';
  return {
    parameters: [spaceParameter(names)],
    get: {
      operationId: 'changes',
      summary: 'The changes of a space, live',
      description,
      parameters: [from, last],
      responses: {
        200: { description: 'The events', content: { 'text/event-stream': { schema: { type: 'string' } } } },
        ...problem(400, 404, 503),
      },
    },
  };
}

/** An operation without parameters that answers with JSON of one schema. */
export function plainPath(operationId: string, summary: string, schema: string): Json {
  return { get: operation(operationId, summary, schema, [], {}) };
}

export function readyPath(): Json {
  const verbose = {
    ...query('verbose', 'Give the reason for each space.', { type: 'string' }),
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

export function pagePaths(): Json {
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
        summary: 'The events of the page; their form may change with each version',
        responses: {
          200: { description: 'The events', content: { 'text/event-stream': html } },
          ...problem(503),
        },
      },
    },
  };
}

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

function stateResponses(schema: JsonSchema): Json {
  return { 200: stamped(schema), ...NOT_MODIFIED, ...problem(400, 404, 503, 504) };
}

/** An answer with the headers that show how current it is. */
function stamped(schema: JsonSchema): Json {
  const header = (description: string, schema: JsonSchema): Json => ({ description, schema });
  return {
    ...answer('As of one position', schema),
    headers: {
      ETag: header('The position, quoted; only while all is well', { type: 'string' }),
      'Tandem-Position': header('The position', { type: 'string' }),
      'Tandem-Freshness': header('Whether the state is live or stale', ref('Freshness')),
      'Tandem-Staleness-Ms': header('Time since the state was last proven current, ms, or Infinity', {
        type: 'string',
      }),
    },
  };
}

function problem(...statuses: readonly number[]): Json {
  return Object.fromEntries(statuses.map((status) => [status, { $ref: '#/components/responses/Problem' }]));
}

function query(name: string, description: string, schema: JsonSchema): Json {
  return { name, in: 'query', description, schema };
}

export function spaceParameter(names: readonly string[]): Json {
  const known = names.length > 0 && { examples: names };
  return {
    name: 'space',
    in: 'path',
    required: true,
    description: 'The name of the space.',
    schema: { type: 'string', ...known },
  };
}
