/** Owns the routes under `/system`, and what is said of paths that nobody serves. */
import { Router } from '@koa/router';
import type { Context } from 'koa';
import { TandemError } from '../../src/index.ts';
import type { TradingFollower } from './status.ts';
import { systemStatus } from './status.ts';

/** A refresh reads the whole state from Redis: once a second is enough, whoever asks. */
const REFRESH_EVERY_MS = 1_000;

export function systemRouter(desk: TradingFollower): Router {
  const router = new Router();
  let refreshedAt = -Infinity;

  router.get('/system/status', (ctx) => {
    ctx.set('Cache-Control', 'no-cache');
    ctx.body = systemStatus(desk);
  });

  router.post('/system/refresh', async (ctx) => {
    const waitMs = refreshedAt + REFRESH_EVERY_MS - performance.now();
    if (waitMs > 0) return answerTooSoon(ctx, waitMs);
    refreshedAt = performance.now();
    try {
      ctx.body = await desk.refresh();
    } catch (error) {
      if (!(error instanceof TandemError)) throw error;
      ctx.set('Retry-After', '1');
      answerProblem(ctx, 503, error.code, error.message);
    }
  });
  return router;
}

/** What is left. */
export function answerRest(ctx: Context): void {
  const where = '/ is the live page, /openapi.json lists its routes, /system/status is the desk';
  answerProblem(ctx, 404, 'NOT_FOUND', `nothing at ${ctx.path}; ${where}`);
}

function answerTooSoon(ctx: Context, waitMs: number): void {
  ctx.set('Retry-After', String(Math.ceil(waitMs / 1_000)));
  answerProblem(
    ctx,
    429,
    'TOO_MANY_REQUESTS',
    `refresh at most once a second; again in ${Math.ceil(waitMs)} ms`,
  );
}

/** RFC 9457, as in Tandem's own routes. */
function answerProblem(ctx: Context, status: number, code: string, detail: string): void {
  const title = code.toLowerCase().replaceAll('_', ' ');
  ctx.status = status;
  ctx.set('Cache-Control', 'no-cache');
  ctx.body = JSON.stringify({ type: `urn:tandem:problem:${code}`, title, status, detail, code });
  ctx.type = 'application/problem+json';
}
