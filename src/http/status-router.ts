/**
 * The state of this process's spaces over HTTP, for Koa. Every answer is read from the actors' memory and
 * shows how current it is. No request waits for Redis.
 */
import type { RouterContext } from '@koa/router';
import { Router } from '@koa/router';
import type { Context } from 'koa';
import type { AnyParticipant } from '../actor/participant.ts';
import { TandemError } from '../base/errors.ts';
import { kindOf } from '../base/kind.ts';
import { between, requireBoolean, requireOneOf } from '../base/options.ts';
import type { Tandem } from '../tandem.ts';
import { pause } from '../base/time.ts';
import { Budget } from './budget.ts';
import { Changes, cursorAt, resumePosition, timeOf } from './changes.ts';
import type { ChartOptions } from './page/charts.ts';
import { requireCharts } from './page/charts.ts';
import { EventStreams } from './event-stream.ts';
import { answerLive, answerReady } from './health.ts';
import { FleetAnswer } from './fleet-answer.ts';
import { route } from './methods.ts';
import { answerHistory } from './history.ts';
import { answerOpenApi } from './openapi/document.ts';
import { outletsOf } from './outlets.ts';
import { PageFeed } from './page/page-feed.ts';
import { servePage } from './page/page.ts';
import type { Authorize } from './access.ts';
import { Access } from './access.ts';
import type { CorsOptions } from './cors.ts';
import { Cors } from './cors.ts';
import { answerProblem } from './problem.ts';
import type { Readiness } from './diagnosis.ts';
import { READINESS } from './diagnosis.ts';
import { SpaceTexts } from './space-texts.ts';
import { answerKey, answerSpace, answerSpaces, requireParticipant, requireRunning } from './state.ts';
import { answerTimeline } from './page/timeline-answer.ts';
import { Timelines } from './page/timelines.ts';
import { traced } from './traced.ts';

/** Options of `statusRouter`. */
export interface StatusOptions {
  /**
   * Says whether a request may read a space: asked at each request for a state, a key or a stream, and once for
   * each space that a list or the fleet names. Only `true` allows it. A refused request gets 401 where it has no
   * credentials, and else 403. The live page's events need every space. `/livez` and `/readyz` stay open, and
   * `?verbose` names the spaces that the request may read. Default: everybody may read every space.
   */
  readonly authorize?: Authorize | undefined;
  /** The pages of other origins that may read the answers. Default: none. */
  readonly cors?: CorsOptions | undefined;
  /** The lowest rung at which `/readyz` counts a space as ready. Default `'degraded-live'`. */
  readonly readiness?: Readiness | undefined;
  /**
   * The names of the spaces that count for `/readyz`; one that is neither owned nor followed here is not ready.
   * Default: those that are owned or followed by name, and that each discovery has found its spaces.
   */
  readonly requires?: readonly string[] | undefined;
  /**
   * The greatest number of event streams at one time, 0 to 1,000,000; a further one gets 503. Default 100.
   */
  readonly maxClients?: number | undefined;
  /**
   * The greatest number of bytes that the process may hold in memory for all clients of its routers: texts of
   * states and changes, and what waits in sockets. What would need more gets 503. Default 256 MiB.
   */
  readonly maxBytes?: number | undefined;
  /** Whether the live page is served at `/`. Default true. */
  readonly page?: boolean | undefined;
  /** The charts on the page. Default none. */
  readonly charts?: readonly ChartOptions[] | undefined;
  /** The time between two `status` events of a stream without news, ms, 10 to 60,000. Default 1,000. */
  readonly keepAliveMs?: number | undefined;
}

/** Options of `drain`. */
export interface DrainOptions {
  /**
   * The time for which `/readyz` fails before the streams end, so that load balancers notice first, ms, 0 to
   * 3,600,000. Default 0.
   */
  readonly lingerMs?: number | undefined;
}

/** Koa's router, with a way to end its streams. */
export type StatusRouter = Router & {
  /**
   * Fails `/readyz`, then sends the goodbye on all streams and opens no more. All other requests are still
   * answered. Resolves when the streams have ended; the server can be closed then. A second call returns the
   * same promise.
   * @throws TandemError `INVALID_OPTION`
   */
  drain(options?: DrainOptions): Promise<void>;
};

/**
 * Routes for Koa, which may be mounted anywhere:
 * - `GET /spaces`: the spaces of this process, each with its mode and freshness
 * - `GET /spaces/:space`: the state of a space as of one position, with `?prefix=` a part of it
 * - `GET /spaces/:space/state/<key>`: one reading
 * - `GET /spaces/:space/changes`: the changes as server-sent events, from `Last-Event-ID` or `?from=` on
 * - `GET /spaces/:space/history`: which values keys had, newest first, where the owner keeps that: `?key=&from=&to=&limit=`
 * - `GET /spaces/:space/clock`: the clock that the times of those events are on
 * - `GET /spaces/:space/timeline`: what the space was like in the last 24 hours; only with the live page
 * - `GET /`: the live page, for people; it reads `GET /events`
 * - `GET /fleet`: the participants of all processes, worst first; it asks Redis, at most once a second
 * - `GET /livez` and `GET /readyz?verbose`: health
 * - `GET /openapi.json`: the description of these routes
 *
 * With `?maxStaleMs=` a staler state is a 503. With `?atLeast=<position>&timeoutMs=` the answer waits for a
 * position, and is a 504 when the position does not come in time. `If-None-Match` gets a 304 while all is
 * well. Errors are problem+json. Each route takes GET and HEAD; another method gets a 405, unless a later
 * middleware of the application answers it.
 * @throws TandemError `INVALID_OPTION`
 */
export function statusRouter(tandem: Tandem, options: StatusOptions = {}): StatusRouter {
  const readiness = requireOneOf('readiness', options.readiness ?? 'degraded-live', READINESS);
  const requires = requireNames(options.requires);
  const maxClients = between('maxClients', options.maxClients ?? 100, 0, 1_000_000);
  const hasPage = requireBoolean('page', options.page ?? true);
  const keepAliveMs = between('keepAliveMs', options.keepAliveMs ?? 1_000, 10, 60_000);
  const access = new Access(options.authorize);
  const cors = options.cors === undefined ? undefined : new Cors(options.cors);
  const { time, slices } = tandem;
  const budget = new Budget(outletsOf(tandem), options.maxBytes);
  const streams = new EventStreams(maxClients, budget, time);
  const texts = new SpaceTexts(tandem, budget);
  const changes = new WeakMap<AnyParticipant, Changes>();
  let draining: Promise<void> | undefined;

  const router = new Router();
  router.use('/spaces', traced(tandem));
  router.use(async (ctx, next) => {
    try {
      if (cors?.answer(ctx)) return;
      await slices.stretches.during(next);
    } catch (error) {
      answerProblem(ctx, error);
    }
  });
  route(router, '/spaces', async (ctx) => {
    const allowed = new Set(await access.allowed(ctx, tandem.spaces));
    const participants = tandem.participants.filter(({ space }) => allowed.has(space.name));
    answerSpaces(ctx, tandem, participants);
  });
  route(router, '/spaces/:space', async (ctx) => answerSpace(ctx, await participantFor(ctx), texts));
  route(router, '/spaces/:space/changes', async (ctx) => answerChanges(ctx, await participantFor(ctx)));
  route(router, '/spaces/:space/history', async (ctx) => answerHistory(ctx, await participantFor(ctx)));
  route(router, '/spaces/:space/clock', async (ctx) => {
    await participantFor(ctx);
    ctx.set('Cache-Control', 'no-store');
    ctx.body = { now: timeOf(tandem) };
  });
  route(router, '/spaces/:space/state/{*key}', async (ctx) =>
    answerKey(ctx, await participantFor(ctx), ctx.params.key ?? ''),
  );
  if (hasPage) {
    const timelines = new Timelines(tandem);
    const pageFeed = new PageFeed(tandem, requireCharts(options.charts ?? []), timelines);
    servePage(router);
    route(router, '/events', async (ctx) => {
      requireRunning(tandem);
      await access.requireAll(ctx, tandem.spaces);
      streams.open(ctx, pageFeed, undefined);
    });
    route(router, '/spaces/:space/timeline', async (ctx) => {
      const participant = await participantFor(ctx);
      answerTimeline(ctx, participant.space.name, timelines.lookAt(participant), time.wall());
    });
  }
  const fleet = new FleetAnswer(tandem, access);
  route(router, '/fleet', (ctx) => fleet.answer(ctx));
  route(router, '/livez', answerLive);
  route(router, '/openapi.json', async (ctx) => {
    const shown = await access.allowed(ctx, tandem.spaces);
    const { isGuarded } = access;
    answerOpenApi(ctx, tandem, { hasPage, shown, isGuarded, hasCors: cors !== undefined });
  });
  route(router, '/readyz', async (ctx) => {
    answerReady(ctx, tandem, { least: readiness, requires }, draining !== undefined);
    await access.hideSpaces(ctx);
  });

  async function participantFor(ctx: RouterContext): Promise<AnyParticipant> {
    const { space } = ctx.params;
    await access.require(ctx, space);
    return requireParticipant(tandem, space);
  }

  async function answerChanges(ctx: Context, participant: AnyParticipant): Promise<void> {
    streams.requireRoom();
    const from = await resumePosition(ctx, participant);
    if (ctx.method !== 'HEAD' && (from === undefined || !participant.canContinue(from)))
      texts.requireRoom(participant);
    let source = changes.get(participant);
    if (source === undefined)
      changes.set(participant, (source = new Changes(participant, { tandem, texts, keepAliveMs })));
    streams.open(ctx, source, cursorAt(from));
  }

  async function drain(lingerMs: number): Promise<void> {
    await pause(time, lingerMs, new AbortController().signal);
    await streams.close('draining');
  }

  return Object.assign(router, {
    drain: ({ lingerMs = 0 }: DrainOptions = {}) =>
      (draining ??= drain(between('lingerMs', lingerMs, 0, 3_600_000))),
  });
}

/** @throws TandemError `INVALID_OPTION` */
function requireNames(value: unknown): readonly string[] | undefined {
  if (value === undefined) return undefined;
  if (Array.isArray(value) && value.every((name) => typeof name === 'string')) return [...new Set(value)];
  throw new TandemError(
    'INVALID_OPTION',
    `requires: expected a list of names of spaces, got ${kindOf(value)}`,
  );
}
