/**
 * The state of this process's spaces over HTTP, for Koa. Everything is read from the actors' memory: no
 * request waits for Redis, and every answer says how true it is.
 */
import { Router } from '@koa/router';
import type { Context } from 'koa';
import type { Mode } from '../../machines/connection.ts';
import type { AnyDesk } from '../desk.ts';
import { TandemError } from '../errors.ts';
import type { Freshness, Reading, Source } from '../reading.ts';
import type { Tandem } from '../tandem.ts';
import { answerProblem, Problem } from './problem.ts';
import type { Query } from './query.ts';
import { readQuery } from './query.ts';

/** What the headers of an answer say. */
interface Stamp {
  readonly position: string;
  readonly freshness: Freshness;
  /** Whole ms, rounded up. */
  readonly staleMs: number;
}

/** How true an answer is: a reading's, or the whole space's. */
interface Truth extends Stamp {
  readonly source: Source;
  readonly ownerAlive: boolean;
  readonly mode: Mode;
  readonly head: string;
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
  const { maxStaleMs } = readQuery(ctx);
  const spaces = tandem.spaces.map((space) => ({ space, ...truthOf(requireDesk(tandem, space)) }));
  const stalest = spaces.reduce<Truth | undefined>(
    (a, b) => (a && a.staleMs >= b.staleMs ? a : b),
    undefined,
  );
  const list: Stamp = {
    position: spaces.map(({ space, head }) => `${space}:${head}`).join(','),
    freshness: spaces.every(({ freshness }) => freshness === 'live') ? 'live' : 'stale',
    staleMs: stalest?.staleMs ?? 0,
  };
  if (stalest) requireFresh(ctx, stalest, maxStaleMs);
  if (isKnown(ctx, list)) return;
  ctx.body = { name: tandem.name, spaces: spaces.map((space) => ({ ...space, ...inJson(space) })) };
}

async function answerSpace(ctx: Context, desk: AnyDesk): Promise<void> {
  const { prefix, maxStaleMs } = await meetPosition(ctx, desk);
  const truth = truthOf(desk);
  requireFresh(ctx, truth, maxStaleMs);
  if (isKnown(ctx, truth)) return;
  // Without a prototype no key can be mistaken for something else.
  const state = Object.create(null) as Record<string, unknown>;
  for (const { key, value, position, freshness } of desk.entries(prefix))
    state[key] = { value, position, freshness };
  ctx.body = { space: desk.space.name, ...inJson(truth), state };
}

async function answerKey(ctx: Context, desk: AnyDesk, key: string): Promise<void> {
  // A key that is none is told before anyone waits.
  desk.space.requireSchema(key);
  const { maxStaleMs } = await meetPosition(ctx, desk);
  const reading = desk.get(key);
  const truth = truthOf(desk, reading);
  const { value } = reading;
  requireFresh(ctx, truth, maxStaleMs);
  if (value === undefined) {
    setStamp(ctx, truth);
    throw new Problem('NO_VALUE', `key "${key}" of space "${desk.space.name}" holds no value`, inJson(truth));
  }
  if (isKnown(ctx, truth)) return;
  ctx.body = { space: desk.space.name, key, value, ...inJson(truth) };
}

function requireDesk(tandem: Tandem, space = ''): AnyDesk {
  const desk = tandem.desk(space);
  if (desk) return desk;
  const known = tandem.spaces.join(', ') || 'none';
  throw new Problem('UNKNOWN_SPACE', `no space "${space}" in this process; there is: ${known}`);
}

/** Reads the query first, so that a bad one is told before anyone waits. */
async function meetPosition(ctx: Context, desk: AnyDesk): Promise<Query> {
  const query = readQuery(ctx);
  if (query.atLeast === undefined) return query;
  try {
    await desk.waitFor(query.atLeast, { timeoutMs: query.timeoutMs });
  } catch (error) {
    if (!(error instanceof TandemError && error.code === 'TIMEOUT')) throw error;
    const truth = truthOf(desk);
    setStamp(ctx, truth);
    throw new Problem('TIMEOUT', error.message, inJson(truth));
  }
  return query;
}

function requireFresh(ctx: Context, truth: Truth, maxStaleMs: number | undefined): void {
  if (maxStaleMs === undefined || truth.staleMs <= maxStaleMs) return;
  setStamp(ctx, truth);
  const what = `expected at most ${maxStaleMs} ms of staleness, it is ${truth.staleMs}`;
  throw new Problem('STALE', what, inJson(truth));
}

function setStamp(ctx: Context, { position, freshness, staleMs }: Stamp): void {
  ctx.set({
    'Tandem-Position': position,
    'Tandem-Freshness': freshness,
    'Tandem-Staleness-Ms': String(staleMs),
  });
}

/** Sets the headers of an answer; true when the client has it already, and 304 is what it gets. */
function isKnown(ctx: Context, stamp: Stamp): boolean {
  ctx.status = 200;
  ctx.etag = stamp.position;
  ctx.set('Cache-Control', 'no-cache');
  setStamp(ctx, stamp);
  if (!isNamed(ctx.get('If-None-Match'), stamp.position)) return false;
  ctx.status = 304;
  return true;
}

/**
 * Whether `If-None-Match` names the position (RFC 9110, 13.1.2). Koa's `fresh` will not say so to a client that
 * also sends `Cache-Control: no-cache`, as `fetch` does; but that is a word to caches, and this is the origin.
 */
function isNamed(ifNoneMatch: string, position: string): boolean {
  const names = ifNoneMatch.split(/,(?=\s*(?:W\/)?")/).map((name) => name.trim().replace(/^W\//, ''));
  return names.some((name) => name === '*' || name === `"${position}"`);
}

/**
 * What is true now, of the space or of one reading; asked once for an answer, so that its headers and its body say
 * the same. A reading bears the proof that it was made under, so it is asked itself.
 */
function truthOf({ head, mode, proof }: AnyDesk, reading?: Reading): Truth {
  const { position, freshness, staleMs, source, ownerAlive } = reading ?? {
    position: head,
    freshness: proof.freshness(),
    staleMs: proof.staleMs(),
    source: proof.source,
    ownerAlive: proof.ownerAlive(),
  };
  return { position, freshness, staleMs: Math.ceil(staleMs), source, ownerAlive, mode, head };
}

/** `staleMs` is null where nothing was ever proven: JSON has no infinity. */
function inJson(truth: Truth): Record<string, unknown> {
  return { ...truth, staleMs: Number.isFinite(truth.staleMs) ? truth.staleMs : null };
}
