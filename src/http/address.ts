/** The address of a request, as its client sees it. */
import type { IncomingMessage } from 'node:http';
import type { Context } from 'koa';

/**
 * The path and the query of the request. Koa keeps what its server has; a server such as Express, in which the
 * Koa application is mounted, takes its own prefix away and keeps the whole in `req.originalUrl`.
 */
export function addressOf(ctx: Context): { readonly path: string; readonly query: string | undefined } {
  const { originalUrl = ctx.originalUrl } = ctx.req as IncomingMessage & { originalUrl?: string };
  const [path = '', ...query] = originalUrl.split('?');
  return { path, query: query.length > 0 ? query.join('?') : undefined };
}
