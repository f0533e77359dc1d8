/**
 * The state of this process's spaces over HTTP, for Koa. Everything is read from the actors' memory: no
 * request waits for Redis, and every answer says how true it is.
 */
import { Router } from '@koa/router';
import type { Context } from 'koa';
import type { AnyDesk } from '../desk.ts';
import { TandemError } from '../errors.ts';
import type { Freshness, Source } from '../reading.ts';
import type { Tandem } from '../tandem.ts';
import { answerProblem, Problem } from './problem.ts';
import { readQuery } from './query.ts';

/** How true an answer is: a reading's, or the whole space's. */
interface Truth {
  readonly position: string;
  readonly freshness: Freshness;
  readonly staleMs: number;
  readonly source: Source;
  readonly ownerAlive: boolean;
}

/**
 * Routes for Koa, which may be mounted anywhere:
 * - `GET /spaces`: the spaces of this process, each with its mode and freshness;
 * - `GET /spaces/:space`: all of its state, or with `?prefix=` a part, as of one position;
 * - `GET /spaces/:space/state/<key>`: one reading.
 *
 * `?maxStaleMs=` answers 503 when the state is staler; `?atLeast=<position>&timeoutMs=` waits for a position
 * and answers 504 when it does not come. `If-None-Match` answers 304. Errors are problem+json.
 */
export function statusRouter(tandem: Tandem): Router {
  const router = new Router();
  router.use(async (ctx, next) => {
    try {
      await next();
    } catch (error) {
      answerProblem(ctx, error);
    }
  });
  router.get('/spaces', (ctx) => answerSpaces(ctx, tandem));
  router.get('/spaces/:space', (ctx) => answerSpace(ctx, requireDesk(tandem, ctx.params.space)));
  router.get('/spaces/:space/state/{*key}', (ctx) =>
    answerKey(ctx, requireDesk(tandem, ctx.params.space), ctx.params.key ?? ''),
  );
  return router;
}

/** The list is as fresh as the stalest of its spaces. */
function answerSpaces(ctx: Context, tandem: Tandem): void {
  const desks = tandem.spaces.map((space) => requireDesk(tandem, space));
  const truths = desks.map(truthOf);
  const staleMs = Math.max(0, ...truths.map((truth) => truth.staleMs));
  const freshness = truths.every((truth) => truth.freshness === 'live') ? 'live' : 'stale';
  const position = desks.map(({ space, head }) => `${space.name}:${head}`).join(',');
  if (isKnown(ctx, { position, freshness, staleMs })) return;
  ctx.body = {
    name: tandem.name,
    spaces: desks.map((desk) => ({ space: desk.space.name, ...describe(desk, truthOf(desk)) })),
  };
}

async function answerSpace(ctx: Context, desk: AnyDesk): Promise<void> {
  const { prefix } = await meetConditions(ctx, desk);
  const truth = truthOf(desk);
  requireFresh(ctx, desk, truth);
  if (isKnown(ctx, truth)) return;
  // Without a prototype no key can be mistaken for something else.
  const state = Object.create(null) as Record<string, unknown>;
  for (const { key, value, position } of desk.entries(prefix)) state[key] = { value, position };
  ctx.body = { space: desk.space.name, ...describe(desk, truth), state };
}

async function answerKey(ctx: Context, desk: AnyDesk, key: string): Promise<void> {
  await meetConditions(ctx, desk);
  const reading = desk.get(key);
  if (reading.value === undefined) {
    throw new Problem(
      'NO_VALUE',
      `key "${key}" of space "${desk.space.name}" holds no value`,
      describe(desk, reading),
    );
  }
  requireFresh(ctx, desk, reading);
  if (isKnown(ctx, reading)) return;
  ctx.body = { space: desk.space.name, key, value: reading.value, ...describe(desk, reading) };
}

function requireDesk(tandem: Tandem, space = ''): AnyDesk {
  const desk = tandem.desk(space);
  if (desk) return desk;
  const known = tandem.spaces.join(', ') || 'none';
  throw new Problem('UNKNOWN_SPACE', `no space "${space}" in this process; there is: ${known}`);
}

/** Reads the query first, so that a bad one is told before anyone waits. */
async function meetConditions(ctx: Context, desk: AnyDesk): Promise<ReturnType<typeof readQuery>> {
  const query = readQuery(ctx);
  const { atLeast, timeoutMs } = query;
  if (atLeast === undefined) return query;
  try {
    await desk.waitFor(atLeast, { timeoutMs });
  } catch (error) {
    if (!(error instanceof TandemError && error.code === 'TIMEOUT')) throw error;
    throw new Problem('TIMEOUT', error.message, describe(desk, truthOf(desk)));
  }
  return query;
}

function requireFresh(ctx: Context, desk: AnyDesk, truth: Truth): void {
  const { maxStaleMs } = readQuery(ctx);
  const { staleMs } = truth;
  if (maxStaleMs === undefined || staleMs <= maxStaleMs) return;
  throw new Problem(
    'STALE',
    `expected at most ${maxStaleMs} ms of staleness, it is ${Math.ceil(staleMs)}`,
    describe(desk, truth),
  );
}

/** Sets the headers; true when the client has this answer already, and 304 is what it gets. */
function isKnown(
  ctx: Context,
  { position, freshness, staleMs }: Pick<Truth, 'position' | 'freshness' | 'staleMs'>,
): boolean {
  ctx.status = 200;
  ctx.etag = position;
  ctx.set({
    'Cache-Control': 'no-cache',
    'Tandem-Position': position,
    'Tandem-Freshness': freshness,
    'Tandem-Staleness-Ms': String(Math.ceil(staleMs)),
  });
  if (!isNamed(ctx.get('If-None-Match'), position)) return false;
  ctx.status = 304;
  return true;
}

/**
 * Whether `If-None-Match` names the position (RFC 9110, 13.1.2). Koa's `fresh` will not say so to a client that
 * also sends `Cache-Control: no-cache`, as `fetch` does; but that is a word to caches, and this is the origin.
 */
function isNamed(ifNoneMatch: string, position: string): boolean {
  const names = new Set(
    ifNoneMatch.split(/,(?=\s*(?:W\/)?")/).map((name) => name.trim().replace(/^W\//, '')),
  );
  return names.has('*') || names.has(`"${position}"`);
}

function truthOf({ head, proof }: AnyDesk): Truth {
  return {
    position: head,
    freshness: proof.freshness(),
    staleMs: proof.staleMs(),
    source: proof.source,
    ownerAlive: proof.ownerAlive(),
  };
}

/** `staleMs` is null where nothing was ever proven: JSON has no infinity. */
function describe(
  { mode, head }: AnyDesk,
  { position, freshness, staleMs, source, ownerAlive }: Truth,
): Record<string, unknown> {
  return {
    position,
    freshness,
    staleMs: Number.isFinite(staleMs) ? Math.ceil(staleMs) : null,
    source,
    ownerAlive,
    mode,
    head,
  };
}
