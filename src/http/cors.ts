/**
 * Cross-origin requests: which pages of other origins may read the answers of a router.
 * https://fetch.spec.whatwg.org/#http-cors-protocol
 */
import type { Context } from 'koa';
import { show, TandemError } from '../base/errors.ts';
import { requireBoolean, requireObject } from '../base/options.ts';

/** Which pages of other origins may read the answers of a router. */
export interface CorsOptions {
  /**
   * The origins whose pages may read the answers, such as `https://desk.example`, or `'*'` alone for every one.
   */
  readonly origins: readonly string[];
  /** Whether pages may send cookies. Not together with `'*'`. Default false. */
  readonly credentials?: boolean | undefined;
}

/** The headers of answers that pages may read, beside those that every page may. */
export const EXPOSED = [
  'ETag',
  'Retry-After',
  'Tandem-Position',
  'Tandem-Freshness',
  'Tandem-Staleness-Ms',
] as const;
export const ALLOWED_METHODS = 'GET, HEAD';
/** How long a browser may keep the answer to a preflight, s. */
export const MAX_AGE_S = 600;
const HEADER_NAMES = /^[\w!#$%&'*+.^`|~-]+( *, *[\w!#$%&'*+.^`|~-]+)*$/;

export class Cors {
  readonly #origins: ReadonlySet<string>;
  readonly #hasCredentials: boolean;

  /** @throws TandemError `INVALID_OPTION` */
  constructor(options: CorsOptions) {
    requireObject('cors', options);
    const { origins, credentials = false } = options;
    if (!Array.isArray(origins)) throw invalid(`expected an array of origins, got ${show(origins)}`);
    for (const origin of origins) requireOrigin(origin);
    this.#hasCredentials = requireBoolean('cors.credentials', credentials);
    if (credentials && origins.includes('*'))
      throw invalid("expected origins by name where pages send cookies, got '*'");
    this.#origins = new Set(origins);
  }

  /**
   * Sets the headers of an answer.
   * @returns true where the request was a preflight, which is answered then
   */
  answer(ctx: Context): boolean {
    // A cache must not give the answer to one origin to another one.
    ctx.vary('Origin');
    const origin = ctx.get('Origin');
    const isPreflight = ctx.method === 'OPTIONS' && ctx.get('Access-Control-Request-Method') !== '';
    const isAllowed = origin !== '' && (this.#origins.has('*') || this.#origins.has(origin));
    if (isAllowed) this.#allow(ctx, origin);
    if (!isPreflight || origin === '') return false;
    if (isAllowed) allowRequest(ctx);
    ctx.status = 204;
    return true;
  }

  #allow(ctx: Context, origin: string): void {
    ctx.set('Access-Control-Allow-Origin', this.#origins.has('*') ? '*' : origin);
    if (this.#hasCredentials) ctx.set('Access-Control-Allow-Credentials', 'true');
    ctx.set('Access-Control-Expose-Headers', EXPOSED.join(', '));
  }
}

/** Each header is allowed: which of them say who asks, the application knows. */
function allowRequest(ctx: Context): void {
  ctx.vary('Access-Control-Request-Headers');
  const asked = ctx.get('Access-Control-Request-Headers');
  if (HEADER_NAMES.test(asked)) ctx.set('Access-Control-Allow-Headers', asked);
  ctx.set({ 'Access-Control-Allow-Methods': ALLOWED_METHODS, 'Access-Control-Max-Age': String(MAX_AGE_S) });
}

/** A browser sends an origin as a URL prints it: in lower case, without a slash, without its usual port. */
function requireOrigin(origin: unknown): void {
  if (origin === '*') return;
  const url = typeof origin === 'string' ? URL.parse(origin) : null;
  // The origin of a scheme of its own, such as that of an extension, prints as "null".
  const printed = url?.origin === 'null' ? `${url.protocol}//${url.host}` : url?.origin;
  if (printed === undefined || printed !== origin)
    throw invalid(`expected an origin such as "https://desk.example", or '*', got ${show(origin)}`);
}

function invalid(problem: string): TandemError {
  return new TandemError('INVALID_OPTION', `cors: ${problem}`);
}
