/** Errors over HTTP: `application/problem+json` (RFC 9457), with a stable code. */
import type { Context } from 'koa';
import type { ErrorCode, ErrorRule } from '../base/error-codes.ts';
import { TandemError } from '../base/errors.ts';

/** A code that only HTTP has. */
export interface ProblemRule extends ErrorRule {
  readonly status: number;
}

/** The codes that only HTTP has, each with its status. Those of `error-codes.ts` come over HTTP, too. */
export const PROBLEMS = {
  INVALID_PARAMETER: {
    status: 400,
    meaning: 'A parameter of the query, or a header, has the wrong form.',
    retryable: false,
    remedy: 'Correct the request: `detail` names the parameter, and says what was expected.',
  },
  UNAUTHORIZED: {
    status: 401,
    meaning:
      'The request has no credentials, and `authorize` wants some, or the direct path was asked without its token.',
    retryable: false,
    remedy: 'Send credentials. For the direct path, give `directRouter` and `direct` the same token.',
  },
  FORBIDDEN: {
    status: 403,
    meaning: '`authorize` refused the credentials of the request for this space, which may exist or not.',
    retryable: false,
    remedy: 'Ask with credentials that may read the space.',
  },
  UNKNOWN_SPACE: {
    status: 404,
    meaning: 'This process neither owns nor follows the space.',
    retryable: false,
    remedy:
      'Correct the name, or call `follow` in the process that answers. `GET /spaces` lists what it has.',
  },
  NO_VALUE: {
    status: 404,
    meaning: 'The key holds no value: it was never set, or was deleted.',
    retryable: true,
    remedy: 'Take it as an answer: `position` and `freshness` say as of when.',
  },
  NOT_FOUND: {
    status: 404,
    meaning: 'No route has this path.',
    retryable: false,
    remedy: 'Correct the path. `GET /openapi.json` describes all routes.',
  },
  METHOD_NOT_ALLOWED: {
    status: 405,
    meaning: 'The route does not take this method. `Allow` lists those that it takes.',
    retryable: false,
    remedy: 'Use GET or HEAD: nothing is set over HTTP.',
  },
  GONE: {
    status: 410,
    meaning: 'The direct path cannot go on from where the follower is, or the owner has ended.',
    retryable: false,
    remedy: 'Nothing: a follower then reads the whole state.',
  },
  STALE: {
    status: 503,
    meaning: 'The state is staler than `maxStaleMs` of the request allows.',
    retryable: true,
    remedy:
      'Try again, or ask without the bound and judge by `staleMs`. `/readyz?verbose` says whose fault it is.',
  },
  TOO_MANY_CLIENTS: {
    status: 503,
    meaning: 'As many streams as `maxClients` allows are open.',
    retryable: true,
    remedy: 'Try again after `Retry-After`, or raise `maxClients`.',
  },
  TOO_MANY_BYTES: {
    status: 503,
    meaning: 'The process holds as many bytes for its clients as `maxBytes` allows.',
    retryable: true,
    remedy: 'Try again after `Retry-After`, or raise `maxBytes`.',
  },
  DRAINING: {
    status: 503,
    meaning: 'The process is about to end, and opens no more streams.',
    retryable: true,
    remedy: 'Try again after `Retry-After`: a balancer sends you to another process.',
  },
} as const satisfies Readonly<Record<string, ProblemRule>>;

/** The codes of `TandemError`, and those that only HTTP has. */
export type ProblemCode = ErrorCode | keyof typeof PROBLEMS;

/** The status of each other code that HTTP answers. */
export const STATUS: Readonly<Partial<Record<ErrorCode, number>>> = {
  INVALID_POSITION: 400,
  UNKNOWN_KEY: 404,
  FENCED: 503,
  OWNED_ELSEWHERE: 503,
  STOPPED: 503,
  REDIS_UNAVAILABLE: 503,
  REDIS_NOT_READY: 503,
  REDIS_REFUSED: 503,
  TIMEOUT: 504,
  HISTORY_OFF: 404,
  NO_REDIS: 503,
};

export class Problem extends Error {
  readonly code: ProblemCode;
  /** Further fields of the body. */
  readonly more: Record<string, unknown>;

  constructor(code: ProblemCode, message: string, more: Record<string, unknown> = {}) {
    super(message);
    this.code = code;
    this.more = more;
  }
}

/**
 * Answers with a problem. The status follows from the code; a code without one gets 500.
 * @throws `error` itself, where it is neither a Problem nor a TandemError
 */
export function answerProblem(ctx: Context, error: unknown): void {
  if (!(error instanceof Problem || error instanceof TandemError)) throw error;
  const status = statusOf(error.code);
  const title = error.code.toLowerCase().replaceAll('_', ' ');
  const more = error instanceof Problem ? error.more : {};
  ctx.status = status;
  ctx.set('Cache-Control', 'no-cache');
  if (status === 503) ctx.set('Retry-After', '1');
  if (status === 401) ctx.set('WWW-Authenticate', 'Bearer');
  ctx.body = JSON.stringify({
    type: `urn:tandem:problem:${error.code}`,
    title,
    status,
    detail: error.message,
    code: error.code,
    ...more,
  });
  ctx.type = 'application/problem+json';
}

function statusOf(code: ProblemCode): number {
  return code in PROBLEMS
    ? PROBLEMS[code as keyof typeof PROBLEMS].status
    : (STATUS[code as ErrorCode] ?? 500);
}
