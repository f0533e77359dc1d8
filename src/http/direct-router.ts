/**
 * The serving side of the direct path: the frames of the spaces that this process owns or follows, over HTTP, for
 * Koa.
 *
 * - `GET /direct/:space/frames?from=<position>`: server-sent events, one frame each; 410 when the position is
 *   unknown
 * - `GET /direct/:space/state`: the whole state, as one frame
 * - `GET /direct/clock`: this process's clock on the direct path, ms
 *
 * Every route requires the token. The header `Tandem-Via` has the ids of the processes that the frames have come
 * through, this one last.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { Router } from '@koa/router';
import type { Context } from 'koa';
import { TandemError } from '../base/errors.ts';
import { SharedTexts } from '../base/shared-texts.ts';
import type { TextReader } from '../base/text.ts';
import type { Time } from '../base/time.ts';
import type { Feed } from '../actor/feed.ts';
import { directClock } from '../actor/feed.ts';
import type { Authorize } from './access.ts';
import { Access } from './access.ts';
import { Budget } from './budget.ts';
import type { Framing } from './event-stream.ts';
import { EVENT_END, streamEvents } from './event-stream.ts';
import { route } from './methods.ts';
import { outletsOf } from './outlets.ts';
import { answerProblem, Problem } from './problem.ts';
import { requireObject } from '../base/options.ts';
import type { Position } from '../state/position.ts';
import { printPosition } from '../state/position.ts';
import { requireFrom } from './query.ts';
import type { Tandem } from '../tandem.ts';
import { TextBody } from './text-body.ts';

/** Options of `directRouter`. */
export interface DirectRouterOptions {
  /**
   * The secret that a follower sends as `Authorization: Bearer <token>`. Not empty. It gives access to the
   * whole state of every space that this process owns or follows. Each of several counts, so that they can be rotated:
   * first all owners take the old one and the new one, then followers send the new one, then owners drop the
   * old one.
   */
  readonly token: string | readonly string[];
  /**
   * Says whether a request with a token may read a space. Only `true` allows it; else it gets 403. Default: a
   * token gives access to every space.
   */
  readonly authorize?: Authorize | undefined;
  /**
   * The greatest number of bytes that the process may hold in memory for all clients of its routers. What
   * would need more gets 503. Default 256 MiB.
   */
  readonly maxBytes?: number | undefined;
}

/**
 * The routes of the direct path, under `/direct`.
 * @throws TandemError `INVALID_OPTION`
 */
export function directRouter(tandem: Tandem, options: DirectRouterOptions): Router {
  requireObject('directRouter', options);
  const expected = requireTokens(options.token).map((token) => digest(`Bearer ${token}`));
  const access = new Access(options.authorize);
  const budget = new Budget(outletsOf(tandem), options.maxBytes);
  const { time, slices } = tandem;
  const texts = new WeakMap<Feed, SharedTexts>();
  const router = new Router({ prefix: '/direct' });
  router.use(async (ctx, next) => {
    try {
      if (!isOneOf(expected, digest(ctx.get('Authorization'))))
        throw new Problem('UNAUTHORIZED', 'the token is missing or wrong');
      ctx.set('Cache-Control', 'no-store');
      await slices.stretches.during(next);
    } catch (error) {
      answerProblem(ctx, error);
    }
  });
  route(router, '/clock', (ctx) => void (ctx.body = { now: directClock(time) }));
  route(router, '/:space/state', async (ctx) => {
    await access.require(ctx, ctx.params.space);
    const feed = requireFeed(ctx, tandem, ctx.params.space);
    let shared = texts.get(feed);
    if (shared === undefined) texts.set(feed, (shared = new SharedTexts(slices, time, budget.newText)));
    answerState(ctx, feed, { texts: shared, budget, time });
  });
  route(router, '/:space/frames', async (ctx) => {
    await access.require(ctx, ctx.params.space);
    answerFrames(ctx, requireFeed(ctx, tandem, ctx.params.space), { budget, time });
  });
  return router;
}

/** @throws TandemError `INVALID_OPTION`, which holds no token */
function requireTokens(token: unknown): readonly string[] {
  const tokens: readonly unknown[] = Array.isArray(token) ? token : [token];
  for (const one of tokens.length > 0 ? tokens : [undefined]) {
    if (typeof one === 'string' && one.length > 0) continue;
    const got = one === '' ? 'an empty one' : typeof one;
    throw new TandemError(
      'INVALID_OPTION',
      `token: expected a string that is not empty, or several, got ${got}`,
    );
  }
  return tokens as readonly string[];
}

/** Digests have one length, and each is compared, so this takes the same time for every token. */
function isOneOf(expected: readonly Buffer[], given: Buffer): boolean {
  return expected.filter((one) => timingSafeEqual(given, one)).length > 0;
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** Says which way the frames come as well. */
function requireFeed(ctx: Context, tandem: Tandem, space = ''): Feed {
  const served = tandem.served(space);
  if (served === undefined)
    throw new Problem('UNKNOWN_SPACE', `space "${space}" is neither owned nor followed by this process`);
  const { feed, via } = served;
  if (feed.isInDoubt) {
    const what = tandem.get(space)?.isOwner
      ? `the owner of space "${space}" was stopped past its lease, which Redis has to confirm first`
      : `space "${space}" is followed here, and nothing proves the copy at present`;
    throw new Problem('STALE', what);
  }
  ctx.set('Tandem-Via', [...via, tandem.id].join(', '));
  return feed;
}

/** What an answer needs of its router. */
interface Serving {
  readonly budget: Budget;
  readonly time: Time;
}

/** The body may come late, but the headers come at once: a follower waits no second for them. */
function answerState(
  ctx: Context,
  feed: Feed,
  { texts, budget, time }: Serving & { readonly texts: SharedTexts },
): void {
  budget.require(0);
  ctx.type = 'text/plain; charset=utf-8';
  if (ctx.method === 'HEAD') return void (ctx.status = 200);
  const body = new TextBody(ctx, budget.outlets, time);
  ctx.body = body;
  ctx.flushHeaders();
  begin().catch(() => body.cut());

  async function begin(): Promise<void> {
    let text = open();
    while (text === undefined && !body.destroyed) {
      await texts.free();
      // The feed may have ended, or the claim may be in doubt by now.
      if (feed.isEnded || feed.isInDoubt) return body.cut();
      text = open();
    }
    if (text !== undefined) body.begin({ head: '', body: text, tail: '' });
  }

  function open(): TextReader | undefined {
    return texts.open('state', [printPosition(feed.head), time.wokeAt], () => feed.snapshot());
  }
}

function answerFrames(ctx: Context, feed: Feed, { budget, time }: Serving): void {
  const position = requireFrom(ctx);
  if (!feed.canContinue(position))
    throw new Problem('GONE', `the changes since ${printPosition(position)} are not known; read the state`);
  budget.require(0);
  streamEvents(ctx, feed, position, time, budget.outlets, { framing: FRAMING, isChunked: false });
}

/** Each line of a frame is a line of data. */
const FRAMING: Framing<Position> = {
  head: (at) => `id: ${printPosition(at)}\ndata: `,
  text: inData,
  piece(piece) {
    const known = framed.get(piece);
    if (known !== undefined) return known;
    // In UTF-8 no other character has the byte of a line break.
    const made = Buffer.from(inData(piece.toString('latin1')), 'latin1');
    framed.set(piece, made);
    return made;
  },
  tail: EVENT_END,
};

/** The pieces of frames as data, which all readers of a frame share. */
const framed = new WeakMap<Buffer, Buffer>();

function inData(text: string): string {
  return text.replaceAll('\n', '\ndata: ');
}
