/**
 * The state of this process's spaces over HTTP, for Koa. Everything is read from the actors' memory: no
 * request waits for Redis, and every answer says how true it is.
 */
import { Router } from '@koa/router';
import type { Context } from 'koa';
import type { AnyParticipant } from '../actor/participant.ts';
import { between, requireOneOf } from '../base/options.ts';
import type { Tandem } from '../tandem.ts';
import { pause } from '../base/time.ts';
import { Changes, cursorAt, meetClient } from './changes.ts';
import type { ChartOptions } from './page/charts.ts';
import { requireCharts } from './page/charts.ts';
import { EventStreams } from './event-stream.ts';
import { answerLive, answerReady } from './health.ts';
import { answerOpenApi } from './openapi/document.ts';
import { PageFeed } from './page/page-feed.ts';
import { servePage } from './page/page.ts';
import { answerProblem } from './problem.ts';
import type { Readiness } from './diagnosis.ts';
import { READINESS } from './diagnosis.ts';
import { answerKey, answerSpace, answerSpaces, requireParticipant, requireRunning } from './state.ts';
import { traced } from './traced.ts';

export interface StatusOptions {
  /** The least that counts as ready at `/readyz`, for every space. Default `'degraded-live'`. */
  readonly readiness?: Readiness | undefined;
  /** Streams of events that may be open at one time; beyond it 503. Default 100. */
  readonly maxClients?: number | undefined;
  /** Whether the live page is served at `/`. Default true. */
  readonly page?: boolean | undefined;
  /** What the page draws of the state. Default nothing. */
  readonly charts?: readonly ChartOptions[] | undefined;
  /** How often a stream gives a sign of life, with the freshness, ms. Default 1,000. */
  readonly keepAliveMs?: number | undefined;
}

export interface DrainOptions {
  /** For how long `/readyz` fails before streams are ended, so that balancers notice first, ms. Default 0. */
  readonly lingerMs?: number | undefined;
}

/** Koa's router, and the way to end it. */
export type StatusRouter = Router & {
  /**
   * Fails `/readyz`, then says goodbye to all streams and lets nobody in any more. What else is asked is answered
   * all the while. Resolves when the streams have ended; the server can be closed then. Once is enough.
   * @throws TandemError `INVALID_OPTION`
   */
  drain(options?: DrainOptions): Promise<void>;
};

/**
 * Routes for Koa, which may be mounted anywhere:
 * - `GET /spaces`: the spaces of this process, each with its mode and freshness;
 * - `GET /spaces/:space`: all of its state, or with `?prefix=` a part, as of one position;
 * - `GET /spaces/:space/state/<key>`: one reading;
 * - `GET /spaces/:space/changes`: what changes, as server-sent events, from `Last-Event-ID` or `?from=` on;
 * - `GET /`: the live page, for people; it reads `GET /events`;
 * - `GET /livez` and `GET /readyz?verbose`: health;
 * - `GET /openapi.json`: all of this, described.
 *
 * `?maxStaleMs=` answers 503 when the state is staler; `?atLeast=<position>&timeoutMs=` waits for a position
 * and answers 504 when it does not come. `If-None-Match` answers 304 while all is well. Errors are problem+json.
 * @throws TandemError `INVALID_OPTION`
 */
export function statusRouter(tandem: Tandem, options: StatusOptions = {}): StatusRouter {
  const readiness = requireOneOf('readiness', options.readiness ?? 'degraded-live', READINESS);
  const maxClients = between('maxClients', options.maxClients ?? 100, 0, 1_000_000);
  const keepAliveMs = between('keepAliveMs', options.keepAliveMs ?? 1_000, 10, 60_000);
  const { time } = tandem;
  const streams = new EventStreams(maxClients, time);
  const changes = new WeakMap<AnyParticipant, Changes>();
  let draining: Promise<void> | undefined;

  const router = new Router();
  router.use('/spaces', traced(tandem));
  router.use(async (ctx, next) => {
    try {
      await next();
    } catch (error) {
      answerProblem(ctx, error);
    }
  });
  router.get('/spaces', (ctx) => answerSpaces(ctx, tandem));
  router.get('/spaces/:space', (ctx) => answerSpace(ctx, requireParticipant(tandem, ctx.params.space)));
  router.get('/spaces/:space/changes', (ctx) =>
    answerChanges(ctx, requireParticipant(tandem, ctx.params.space)),
  );
  router.get('/spaces/:space/state/{*key}', (ctx) =>
    answerKey(ctx, requireParticipant(tandem, ctx.params.space), ctx.params.key ?? ''),
  );
  if (options.page ?? true) {
    const pageFeed = new PageFeed(tandem, requireCharts(options.charts ?? []));
    servePage(router);
    router.get('/events', (ctx) => {
      requireRunning(tandem);
      streams.open(ctx, pageFeed, undefined);
    });
  }
  router.get('/livez', answerLive);
  router.get('/openapi.json', (ctx) => answerOpenApi(ctx, tandem, options.page ?? true));
  router.get('/readyz', (ctx) => answerReady(ctx, tandem, readiness, draining !== undefined));

  async function answerChanges(ctx: Context, participant: AnyParticipant): Promise<void> {
    streams.requireRoom();
    const from = await meetClient(ctx, participant);
    let source = changes.get(participant);
    if (source === undefined)
      changes.set(participant, (source = new Changes(participant, { time, keepAliveMs })));
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
