/** The errors of a client. */
import type { ErrorCode } from '../base/errors.ts';

type Details = Partial<Pick<ClientError, 'retryable' | 'status' | 'retryMs' | 'cause'>>;

/**
 * An error of a client. It has the codes of `TandemError`, whose table of remedies is larger than all of a client:
 * `docs/errors.md` says of each code what to do.
 */
export class ClientError extends Error {
  /** What it is called where it is printed. */
  override readonly name = 'ClientError';
  /** Stable: one of `tandem-sync`, or one that a router answered. */
  declare readonly code: ErrorCode | (string & Record<never, never>);
  /** Whether it passes by itself: the client tries again. */
  declare readonly retryable: boolean;
  /** The status of the answer that the error came with. */
  declare readonly status: number | undefined;
  /** The time that the server wants to pass before the next request, ms; `undefined` where it did not say. */
  declare readonly retryMs: number | undefined;

  constructor(code: ClientError['code'], message: string, { cause, ...details }: Details = {}) {
    super(message, { cause });
    Object.assign(this, { code, retryable: false }, details);
  }
}

/** The server does not answer as it should. That may pass. */
export function unavailable(why: string, retryMs?: number, cause?: unknown): ClientError {
  return new ClientError('SERVER_UNAVAILABLE', why, { retryable: true, retryMs, cause });
}

/** The statuses that may pass by themselves. */
const PASSING = /404|408|425|429|5../;
const CODES: Readonly<Record<number, string>> = { 401: 'UNAUTHORIZED', 403: 'FORBIDDEN' };

/**
 * The error of an answer that is no stream. The answer tells it as problem+json, where it is one of ours. A
 * `Retry-After` that is a date counts as none: our routes, and most proxies, give seconds.
 */
export async function failureOf(response: Response): Promise<ClientError> {
  const { status, headers } = response;
  const { code, detail } = (await response.json().catch(() => ({}))) as { code?: string; detail?: string };
  const retryable = PASSING.test(`${status}`);
  return new ClientError(
    code ?? CODES[status] ?? (retryable ? 'SERVER_UNAVAILABLE' : 'SERVER_REFUSED'),
    `answered ${status}: ${detail}`,
    { retryable, status, retryMs: Number(headers.get('Retry-After')) * 1_000 || undefined },
  );
}

/** Whatever was thrown, as an error of a client. */
export function asClientError(error: unknown): ClientError {
  return error instanceof ClientError ? error : unavailable(String(error), undefined, error);
}
