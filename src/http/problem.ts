/** Errors over HTTP: `application/problem+json` (RFC 9457), with a stable code. */
import type { Context } from 'koa';
import { TandemError } from '../base/errors.ts';

/** The codes of `TandemError`, and those that only HTTP has. */
export type ProblemCode =
  | TandemError['code']
  | 'UNKNOWN_SPACE'
  | 'NO_VALUE'
  | 'STALE'
  | 'INVALID_PARAMETER'
  | 'UNAUTHORIZED'
  | 'GONE'
  | 'NOT_FOUND'
  | 'TOO_MANY_CLIENTS'
  | 'TOO_MANY_BYTES'
  | 'DRAINING';

const STATUS: Partial<Record<ProblemCode, number>> = {
  INVALID_PARAMETER: 400,
  INVALID_POSITION: 400,
  UNAUTHORIZED: 401,
  UNKNOWN_SPACE: 404,
  UNKNOWN_KEY: 404,
  NO_VALUE: 404,
  NOT_FOUND: 404,
  GONE: 410,
  STALE: 503,
  TOO_MANY_CLIENTS: 503,
  TOO_MANY_BYTES: 503,
  DRAINING: 503,
  STOPPED: 503,
  TIMEOUT: 504,
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
  const status = STATUS[error.code] ?? 500;
  const title = error.code.toLowerCase().replaceAll('_', ' ');
  const more = error instanceof Problem ? error.more : {};
  ctx.status = status;
  ctx.set('Cache-Control', 'no-cache');
  if (status === 503) ctx.set('Retry-After', '1');
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
