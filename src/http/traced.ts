/** Requests in traces. */
import type { RouterContext, RouterMiddleware } from '@koa/router';
import { parsePosition } from '../state/position.ts';
import type { Tandem } from '../tandem.ts';
import type { Request } from '../ports/tracer.ts';
import { addressOf } from './address.ts';

/** Middleware that answers in a span. The span links to the one that brought the answer's state here. */
export function traced(tandem: Tandem): RouterMiddleware {
  return (ctx, next) => tandem.tracer.serve(asRequest(ctx), next);
}

function asRequest(ctx: RouterContext): Request {
  const { method, protocol: scheme, headers } = ctx;
  // A mount may have removed its own prefix from `ctx.path`.
  const { path } = addressOf(ctx);
  const mount = path.endsWith(ctx.path) ? path.slice(0, -ctx.path.length) : '';
  // oxlint-disable-next-line no-underscore-dangle -- the router's own name for it
  const route = (): string | undefined => ctx._matchedRoute && `${mount}${ctx._matchedRoute.toString()}`;
  const served = (): ReturnType<Request['served']> => {
    const { space } = ctx.params;
    const printed = ctx.response.get('Tandem-Position');
    return space && printed ? { space, revision: parsePosition(printed).revision } : undefined;
  };
  return { method, path, scheme, headers, route, status: () => ctx.status, served };
}
