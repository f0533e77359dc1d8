/**
 * The owner's side of the direct path: the frames of the spaces that this process owns, over HTTP, for Koa.
 *
 * - `GET /direct/:space/frames?from=<position>`: server-sent events, one frame each; 410 when the position is
 *   unknown
 * - `GET /direct/:space/state`: the whole state, as one frame
 * - `GET /direct/clock`: this process's `Time`, ms
 *
 * Every route requires the token.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { Readable } from 'node:stream';
import { Router } from '@koa/router';
import type { Context } from 'koa';
import { TandemError } from '../base/errors.ts';
import type { Feed } from '../owner/feed.ts';
import { streamEvents } from './event-stream.ts';
import { answerProblem, Problem } from './problem.ts';
import { requireObject } from '../base/options.ts';
import { Owner } from '../owner/owner.ts';
import { parsePosition, printPosition } from '../state/position.ts';
import type { Tandem } from '../tandem.ts';

export interface DirectRouterOptions {
  /**
   * The secret that a follower sends as `Authorization: Bearer <token>`. Not empty. It gives access to the
   * whole state of every space that this process owns.
   */
  readonly token: string;
}

/**
 * The routes of the direct path, under `/direct`.
 * @throws TandemError `INVALID_OPTION`
 */
export function directRouter(tandem: Tandem, options: DirectRouterOptions): Router {
  requireObject('directRouter', options);
  const { token } = options;
  if (typeof token !== 'string' || token.length === 0) {
    throw new TandemError(
      'INVALID_OPTION',
      `token: expected a string that is not empty, got ${token === '' ? 'an empty one' : typeof token}`,
    );
  }
  const expected = digest(`Bearer ${token}`);
  const router = new Router({ prefix: '/direct' });
  router.use(async (ctx, next) => {
    try {
      // Digests have one length, so the comparison takes the same time for every token.
      if (!timingSafeEqual(digest(ctx.get('Authorization')), expected))
        throw new Problem('UNAUTHORIZED', 'the token is missing or wrong');
      ctx.set('Cache-Control', 'no-store');
      await next();
    } catch (error) {
      answerProblem(ctx, error);
    }
  });
  router.get('/clock', (ctx) => void (ctx.body = { now: tandem.time.now() }));
  router.get('/:space/state', (ctx) => answerState(ctx, requireFeed(tandem, ctx.params.space)));
  router.get('/:space/frames', (ctx) => answerFrames(ctx, requireFeed(tandem, ctx.params.space)));
  return router;
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function requireFeed(tandem: Tandem, space = ''): Feed {
  const participant = tandem.get(space);
  // A standby has no frames of its own.
  if (participant instanceof Owner && !participant.feed.isEnded && participant.ownership !== 'standby') {
    if (!participant.feed.isInDoubt) return participant.feed;
    const what = `the owner of space "${space}" was stopped past its lease, which Redis has to confirm first`;
    throw new Problem('STALE', what);
  }
  throw new Problem('UNKNOWN_SPACE', `space "${space}" is not owned by this process`);
}

function answerState(ctx: Context, feed: Feed): void {
  ctx.type = 'text/plain; charset=utf-8';
  ctx.body = Readable.from(feed.snapshot());
}

function answerFrames(ctx: Context, feed: Feed): void {
  const { from } = ctx.query;
  const position = parsePosition(from as string);
  if (!feed.canContinue(position))
    throw new Problem('GONE', `the changes since ${printPosition(position)} are not known; read the state`);
  streamEvents(ctx, feed, position, {
    format: (message, at) => `id: ${printPosition(at)}\ndata: ${message.replaceAll('\n', '\ndata: ')}\n\n`,
    isChunked: false,
  });
}
