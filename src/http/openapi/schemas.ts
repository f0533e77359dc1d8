/** The schemas and responses that all answers share, whatever the spaces hold. */
import { HEADLINES } from '../headlines.ts';
import { STANDINGS } from '../../fleet/fleet.ts';
import { POSITION_PATTERN } from '../query.ts';

const POSITION = { type: 'string', pattern: POSITION_PATTERN, description: 'epoch-revision' };
const CHANGED_AT = {
  type: 'integer',
  description:
    'When the key was last set, ms since 1970 on the clock of the Redis server. At most 1 % of its age wrong. Not there where it is not known.',
};
const STALE_MS = {
  type: ['integer', 'null'],
  minimum: 0,
  description: 'Time since the owner last proved this state current, ms; null when it never did.',
};
const NOW = {
  type: 'number',
  description: 'The clock of the process, ms. It never steps back, and its zero means nothing.',
};
const WALL = { type: 'integer', description: 'ms since 1970' };
const COUNT = { type: 'integer', minimum: 0 };
const MODE = { enum: ['recovering', 'connected', 'degraded', 'stopped'] };
const OWNER = { enum: ['alive', 'released', 'lost', 'never'] };
const TIME = { type: 'string', format: 'date-time', description: "By this machine's clock." };
const CULPRIT = { enum: ['nobody', 'redis', 'owner', 'upstream', 'us'] };
const HEADLINE = {
  enum: Object.keys(HEADLINES),
  description: 'Stable: docs/on-call.md has a section for each.',
};
const POLICY = { enum: ['connected', 'degraded-live', 'stale'] };

const PROOF = {
  position: ref('Position'),
  freshness: ref('Freshness'),
  staleMs: STALE_MS,
  source: { enum: ['redis', 'direct', 'memory'] },
  ownerAlive: { type: 'boolean' },
  owner: OWNER,
  mode: MODE,
  head: ref('Position'),
};

export const SCHEMAS: Readonly<Record<string, unknown>> = {
  Position: POSITION,
  Freshness: {
    enum: ['live', 'stale'],
    description: 'A `live` state misses nothing that was set longer ago than the staleness bound.',
  },
  AnswerHeaders: object(PROOF, 'How current an answer is.'),
  Spaces: object({
    name: { type: 'string', description: 'The name of this process.' },
    spaces: {
      type: 'array',
      items: { allOf: [ref('AnswerHeaders'), object({ space: { type: 'string' } })] },
    },
  }),
  ChangedAt: CHANGED_AT,
  Held: object(
    { value: {}, position: ref('Position'), freshness: ref('Freshness') },
    'The value of a key, and the position of its last change.',
    { changedAt: ref('ChangedAt') },
  ),
  SpaceState: {
    allOf: [
      ref('AnswerHeaders'),
      object({
        space: { type: 'string' },
        state: { type: 'object', additionalProperties: ref('Held') },
      }),
    ],
  },
  Reading: {
    allOf: [
      ref('AnswerHeaders'),
      {
        type: 'object',
        required: ['space', 'key', 'value'],
        properties: { space: { type: 'string' }, key: { type: 'string' }, changedAt: ref('ChangedAt') },
      },
    ],
  },
  AnyReading: { allOf: [ref('Reading'), { type: 'object', properties: { value: {} } }] },
  Change: object(
    {
      position: ref('Position'),
      changes: {
        type: 'array',
        items: object({ key: { type: 'string' }, value: {}, position: ref('Position') }, undefined, {
          changedAt: ref('ChangedAt'),
        }),
      },
      deletes: { type: 'array', items: { type: 'string' } },
    },
    'The changes up to a position. A client applies all of them or none.',
  ),
  History: object(
    {
      space: { type: 'string' },
      knownFrom: {
        type: ['integer', 'null'],
        description:
          'Since when each committed change is known, ms on the clock of the Redis server; null where the newest are missing.',
      },
      hasMore: { type: 'boolean', description: 'Whether there are more, older ones.' },
      changes: { type: 'array', items: ref('PastChange') },
    },
    'Changes that were committed, newest first.',
  ),
  PastChange: object(
    { key: { type: 'string' }, deleted: { type: 'boolean' }, position: ref('Position') },
    'A change of a key. It has a value, was deleted, or cannot be read: then `raw` has its JSON.',
    { value: {}, raw: { type: 'string' }, error: { type: 'string' }, changedAt: ref('ChangedAt') },
  ),
  StateEvent: { allOf: [ref('SpaceState'), ref('Sent')] },
  Status: {
    allOf: [
      ref('AnswerHeaders'),
      ref('Sent'),
      object({ space: { type: 'string' }, reason: { type: 'string' } }),
    ],
  },
  Sent: object(
    {
      now: NOW,
      leaseMs: {
        type: 'integer',
        minimum: 0,
        description: 'The owner counts as alive for so long from `now` on without another sign of life, ms.',
      },
    },
    'When an event was made. A client that knows the clock sees how long the event was on its way.',
  ),
  Clock: object({ now: NOW }),
  Timeline: object({
    space: { type: 'string' },
    now: TIME,
    outages: { type: 'integer', minimum: 0, description: 'How many began.' },
    outagesSince: { ...TIME, type: ['string', 'null'], description: 'When the first of them began.' },
    troubleMs: { type: 'integer', minimum: 0, description: 'For how long something had failed, ms.' },
    spans: {
      type: 'array',
      items: ref('Span'),
      description: 'Oldest first. What lasted shortest is merged.',
    },
  }),
  Span: object({
    from: TIME,
    until: { ...TIME, type: ['string', 'null'], description: 'null: it goes on.' },
    headline: HEADLINE,
    culprit: CULPRIT,
    condition: {
      enum: ['well', 'idle', 'trouble'],
      description:
        '`trouble`: something has failed. `idle`: there is nothing to be live, as after a release.',
    },
    mode: { ...MODE, description: 'The worst one of this time.' },
    freshness: ref('Freshness'),
    merged: {
      type: 'integer',
      minimum: 1,
      description:
        'Of how many spans it was made. With more than one, the rest is that of the worst of them.',
    },
    outages: { type: 'integer', minimum: 0, description: 'How many outages began in it.' },
  }),
  Goodbye: object({ reason: { type: 'string' } }),
  Alive: object({ status: { const: 'alive' } }),
  Readiness: {
    type: 'object',
    required: ['status'],
    properties: {
      status: { enum: ['ready', 'not ready', 'draining'] },
      readiness: POLICY,
      spaces: { type: 'array', items: ref('SpaceReadiness') },
      discoveries: { type: 'array', items: ref('DiscoveryReadiness') },
    },
  },
  DiscoveryReadiness: object({
    pattern: { type: 'string', description: 'The beginning of the names, and a *' },
    ready: { type: 'boolean', description: 'Whether the spaces that existed are found' },
    spaces: { type: 'integer', description: 'How many are followed now' },
    reason: { type: 'string' },
  }),
  SpaceReadiness: object({
    space: { type: 'string' },
    ready: { type: 'boolean' },
    diagnosis: { enum: ['connected', 'degraded-live', 'stale', 'empty'] },
    policies: object({
      connected: { type: 'boolean' },
      'degraded-live': { type: 'boolean' },
      stale: { type: 'boolean' },
    }),
    culprit: CULPRIT,
    headline: HEADLINE,
    summary: { type: 'string', description: 'What has happened, for people.' },
    next: {
      type: 'string',
      description: 'What to do first, for people; empty where there is nothing to do.',
    },
    reason: { type: 'string' },
    mode: MODE,
    freshness: ref('Freshness'),
    staleMs: STALE_MS,
    source: PROOF.source,
    ownerAlive: { type: 'boolean' },
    owner: OWNER,
    head: ref('Position'),
  }),
  Fleet: {
    description: 'All processes that have registered. Times are on the clock of the Redis server.',
    allOf: [
      object({
        name: { type: 'string', description: 'The name of this process.' },
        registration: { enum: ['registered', 'unregistered', 'pending', 'off'] },
        at: WALL,
        isWell: { type: 'boolean' },
        counts: object(Object.fromEntries(STANDINGS.map((standing) => [standing, COUNT]))),
        leftOut: COUNT,
        members: { type: 'array', items: ref('FleetMember'), description: 'Worst first' },
        others: object({ count: COUNT, notWell: COUNT }, 'The members behind the limit.'),
      }),
      {
        type: 'object',
        properties: {
          problem: object(
            { code: { type: 'string' }, detail: { type: 'string' } },
            'Why only this process is there, with `partial`.',
          ),
        },
      },
    ],
  },
  FleetMember: object(
    {
      standing: { enum: STANDINGS },
      space: { type: 'string' },
      role: { enum: ['owner', 'standby', 'follower'] },
      name: { type: 'string', description: 'The name of its process' },
      processId: { type: 'string', description: 'Another one with each start' },
      host: { type: 'string' },
      pid: COUNT,
      version: { type: 'string' },
      at: WALL,
      ageMs: { ...COUNT, description: 'How long ago its process said all this, ms' },
      mode: MODE,
      reason: { type: 'string' },
      freshness: ref('Freshness'),
      staleMs: STALE_MS,
      owner: OWNER,
      ownerName: { type: ['string', 'null'] },
      head: ref('Position'),
      behind: {
        type: ['integer', 'null'],
        minimum: 0,
        description: 'How many changes of its owner it is known to miss; null where none can be compared',
      },
      since: WALL,
      openedAt: WALL,
      connectedAt: { type: ['integer', 'null'] },
      outages: COUNT,
      transitions: {
        type: 'array',
        description: 'Oldest first',
        items: object({
          kind: { enum: ['mode', 'freshness', 'owner'] },
          from: { type: 'string' },
          to: { type: 'string' },
          reason: { type: 'string' },
          at: WALL,
        }),
      },
    },
    'An owner, standby or follower, as its process said it last.',
  ),
  Document: { type: 'object', required: ['openapi', 'info', 'paths'] },
  Problem: {
    type: 'object',
    description: 'RFC 9457, with a stable code, and often with the fields of AnswerHeaders.',
    required: ['type', 'title', 'status', 'detail', 'code'],
    properties: {
      type: { type: 'string', pattern: '^urn:tandem:problem:' },
      title: { type: 'string' },
      status: { type: 'integer' },
      detail: { type: 'string' },
      code: { type: 'string', description: 'Stable: docs/errors.md lists all codes.' },
    },
  },
};

const PROBLEM = { 'application/problem+json': { schema: ref('Problem') } };

/** The headers that show how current an answer is. `ETag` is there only while all is well. */
export const STAMP = {
  'Tandem-Position': header(
    'The position; of a list of spaces `space:position` for each, or of a long list a digest of that',
    {
      type: 'string',
    },
  ),
  'Tandem-Freshness': header('Whether the state is live or stale', ref('Freshness')),
  'Tandem-Staleness-Ms': header('Time since the state was last proven current, ms, or Infinity', {
    type: 'string',
    pattern: String.raw`^(\d+|Infinity)$`,
  }),
};
export const ETAG = { ETag: header('The position, quoted; only while all is well', { type: 'string' }) };
export const RETRY = { 'Retry-After': header('When to ask again, s', { type: 'integer', minimum: 0 }) };

/** The responses of more than one route, by name. */
export const RESPONSES: Readonly<Record<string, unknown>> = {
  NotModified: { description: 'The client has this position already.', headers: { ...ETAG, ...STAMP } },
  Problem: { description: 'The request failed; `code` gives the reason.', content: PROBLEM },
  StampedProblem: {
    description: 'The request failed; `code` gives the reason. The headers are there where a state was read.',
    headers: STAMP,
    content: PROBLEM,
  },
  Unavailable: {
    description: 'Not now; `code` gives the reason. The headers of a state are there where one was read.',
    headers: { ...RETRY, ...STAMP },
    content: PROBLEM,
  },
};

function header(description: string, schema: unknown): Record<string, unknown> {
  return { description, schema };
}

/** An object that has every one of these properties. */
function object(
  properties: Record<string, unknown>,
  description?: string,
  optional: Record<string, unknown> = {},
): Record<string, unknown> {
  const required = Object.keys(properties);
  return {
    type: 'object',
    ...(description && { description }),
    required,
    properties: { ...properties, ...optional },
  };
}

/** A reference to a schema of the document. */
export function ref(name: string): { $ref: string } {
  return { $ref: `#/components/schemas/${name}` };
}
