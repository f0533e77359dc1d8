/** The routes under `/system`, and the answer for unknown paths. */
import { Router } from '@koa/router';
import type { Context } from 'koa';
import { TandemError } from '../../src/index.ts';
import type { TradingFollower } from './status.ts';
import { systemStatus } from './status.ts';

/** A refresh reads the whole state from Redis, so all callers together get one a second. */
const REFRESH_EVERY_MS = 1_000;

export function systemRouter(state: TradingFollower): Router {
  const router = new Router();
  let refreshedAt = -Infinity;

  router.get('/system/status', (ctx) => {
    ctx.set('Cache-Control', 'no-cache');
    ctx.body = systemStatus(state);
  });

  router.post('/system/refresh', async (ctx) => {
    const waitMs = refreshedAt + REFRESH_EVERY_MS - performance.now();
    if (waitMs > 0) return answerTooSoon(ctx, waitMs);
    refreshedAt = performance.now();
    try {
      ctx.body = await state.refresh();
    } catch (error) {
      if (!(error instanceof TandemError)) throw error;
      ctx.set('Retry-After', '1');
      answerProblem(ctx, 503, error.code, error.message);
    }
  });
  return router;
}

/** Answers requests that no route has answered. */
export function answerRest(ctx: Context): void {
  const where =
    '/ is the live page, /openapi.json describes the routes, /system/status shows the trading desk';
  answerProblem(ctx, 404, 'NOT_FOUND', `there is nothing at ${ctx.path}; ${where}`);
}

function answerTooSoon(ctx: Context, waitMs: number): void {
  ctx.set('Retry-After', String(Math.ceil(waitMs / 1_000)));
  answerProblem(
    ctx,
    429,
    'TOO_MANY_REQUESTS',
    `refresh is possible once a second; try again in ${Math.ceil(waitMs)} ms`,
  );
}

/** Answers by RFC 9457, as Tandem's own routes do. */
function answerProblem(ctx: Context, status: number, code: string, detail: string): void {
  const title = code.toLowerCase().replaceAll('_', ' ');
  ctx.status = status;
  ctx.set('Cache-Control', 'no-cache');
  ctx.body = JSON.stringify({ type: `urn:tandem:problem:${code}`, title, status, detail, code });
  ctx.type = 'application/problem+json';
}
