/** The operations of the routes: their parameters and responses. They refer to the schemas by name. */
import type { JsonSchema } from '../json-schema.ts';
import {
  DEFAULT_HISTORY,
  DEFAULT_LIMIT,
  DEFAULT_TIMEOUT_MS,
  MAX_HISTORY,
  MAX_LIMIT,
  MAX_STALE_MS,
  MAX_TIMEOUT_MS,
  SPACES_PATTERN,
} from '../query.ts';
import { ETAG, ref, RETRY, STAMP } from './schemas.ts';

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
  maximum: MAX_STALE_MS,
});
const AT_LEAST = query(
  'atLeast',
  'Wait for this position; 504 when it does not come in time.',
  ref('Position'),
);
const TIMEOUT = query('timeoutMs', 'The longest wait for `atLeast`, ms.', {
  type: 'integer',
  minimum: 0,
  maximum: MAX_TIMEOUT_MS,
  default: DEFAULT_TIMEOUT_MS,
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
  return {
    get: {
      operationId: 'spaces',
      summary: 'The spaces of this process',
      parameters: [MAX_STALE, IF_NONE_MATCH],
      responses: { 200: stamped(ref('Spaces')), ...NOT_MODIFIED, ...problem(400, 503) },
    },
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
      responses: { ...stateResponses(schema), ...problem(500) },
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
    'Server-sent events. `state` (StateEvent) comes first, and again where the client cannot go on from its position. ' +
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

/** Which values keys had. */
export function historyPath(names: readonly string[]): Json {
  const ms = { type: 'integer', minimum: 0, maximum: MAX_STALE_MS };
  const key = query('key', 'Only of this key. Default: of all keys.', { type: 'string', minLength: 1 });
  const from = query(
    'from',
    'Only what was set then or later, ms since 1970 on the clock of the Redis server.',
    ms,
  );
  const to = query('to', 'Only what was set then or earlier, as `from`.', ms);
  const limit = query('limit', 'The greatest number of changes, the newest ones.', {
    type: 'integer',
    minimum: 1,
    maximum: MAX_HISTORY,
    default: DEFAULT_HISTORY,
  });
  const description =
    'Newest first. Of the values that a key had between two commits, some 10 ms apart, only the last one is there.';
  return {
    parameters: [spaceParameter(names)],
    get: {
      operationId: 'history',
      summary: 'Which values the keys of a space had, where its owner keeps that',
      description,
      parameters: [key, from, to, limit],
      responses: { 200: answer('The changes', ref('History')), ...problem(400, 404, 503) },
    },
  };
}

/** The clock of the process, which the `now` of events is on. */
export function clockPath(names: readonly string[]): Json {
  return {
    parameters: [spaceParameter(names)],
    get: {
      operationId: 'clock',
      summary: 'The clock that the times of `changes` are on',
      responses: { 200: answer('The time', ref('Clock')), ...problem(404, 503) },
    },
  };
}

/** All processes. */
export function fleetPath(): Json {
  const limit = query('limit', 'The most members in the answer: the worst.', {
    type: 'integer',
    minimum: 1,
    maximum: MAX_LIMIT,
    default: DEFAULT_LIMIT,
  });
  const spaces = query('space', 'Only spaces whose names match, such as `bot:*`.', {
    type: 'string',
    pattern: SPACES_PATTERN,
  });
  const partial = {
    ...query('partial', 'Where Redis does not answer, answer 200 with what this process knows of itself.', {
      type: 'string',
    }),
    allowEmptyValue: true,
  };
  return {
    get: {
      operationId: 'fleet',
      summary: 'The owners, standbys and followers of all processes, worst first',
      description:
        'Redis is asked, once a second at most. A 503 has as `self` what this process knows of itself, where Redis ' +
        'does not answer.',
      parameters: [limit, spaces, partial],
      responses: { 200: answer('The fleet', ref('Fleet')), ...problem(400, 503) },
    },
  };
}

/** An operation without parameters that answers with JSON of one schema. */
export function plainPath(operationId: string, summary: string, schema: string): Json {
  return { get: { operationId, summary, responses: { 200: answer(summary, ref(schema)) } } };
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
      responses: {
        200: answer('Ready', ref('Readiness')),
        ...problem(400),
        503: { ...answer('Not ready', ref('Readiness')), headers: RETRY },
      },
    },
  };
}

export function pagePaths(names: readonly string[]): Json {
  const html = { schema: { type: 'string' } };
  const file = { name: 'file', in: 'path', required: true, schema: { type: 'string' } };
  return {
    '/': {
      get: {
        operationId: 'page',
        summary: 'The live page, for people',
        responses: {
          200: { description: 'The page', content: { 'text/html': html } },
          308: { description: 'The page is at this path with a slash at its end', headers: LOCATION },
        },
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
    '/spaces/{space}/timeline': {
      parameters: [spaceParameter(names)],
      get: {
        operationId: 'timeline',
        summary: 'What the space was like in the last 24 hours, as far as this process was there',
        responses: { 200: answer('The timeline', ref('Timeline')), ...problem(404, 503) },
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

const LOCATION = { Location: { schema: { type: 'string' } } };

function answer(description: string, schema: JsonSchema): Json {
  return { description, content: { 'application/json': { schema } } };
}

function stateResponses(schema: JsonSchema): Json {
  return { 200: stamped(schema), ...NOT_MODIFIED, ...problem(400, 404, 503, 504) };
}

/** An answer with the headers that show how current it is. */
function stamped(schema: JsonSchema): Json {
  return { ...answer('As of one position', schema), headers: { ...ETAG, ...STAMP } };
}

/** Which problems come with more headers: 503 says when to ask again, and 404 and 504 may be of a state. */
const PROBLEM_OF: Readonly<Record<number, string>> = {
  404: 'StampedProblem',
  503: 'Unavailable',
  504: 'StampedProblem',
};

function problem(...statuses: readonly number[]): Json {
  return Object.fromEntries(
    statuses.map((status) => [status, { $ref: `#/components/responses/${PROBLEM_OF[status] ?? 'Problem'}` }]),
  );
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
