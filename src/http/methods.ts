/**
 * The methods of a route. Nothing is set over HTTP, so each route takes GET and HEAD alone.
 *
 * The rest follows RFC 9110: OPTIONS lists what the route takes (9.3.7), and any other method is a 405 with
 * `Allow` (15.5.6). Both hold only where the application has no answer of its own further down: a router may
 * be mounted at a path that takes the application's own POST as well.
 */
import { METHODS } from 'node:http';
import type { Router, RouterContext, RouterMiddleware } from '@koa/router';
import { Problem } from './problem.ts';

const ALLOWED = 'GET, HEAD, OPTIONS';
const OTHERS = METHODS.filter((method) => method !== 'GET' && method !== 'HEAD');

/** Adds a route that answers GET and HEAD. */
export function route(router: Router, path: string, answer: RouterMiddleware): void {
  router.get(path, answer);
  router.register(path, OTHERS, answerOther);
}

/** @throws Problem `METHOD_NOT_ALLOWED` */
async function answerOther(ctx: RouterContext, next: () => Promise<unknown>): Promise<void> {
  await next();
  if (ctx.status !== 404 || ctx.respond === false || ctx.headerSent) return;
  ctx.set('Allow', ALLOWED);
  if (ctx.method !== 'OPTIONS')
    throw new Problem('METHOD_NOT_ALLOWED', `expected one of ${ALLOWED}, got ${ctx.method}`);
  ctx.status = 204;
}
