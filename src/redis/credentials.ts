/**
 * Credentials that a function gives, such as a token of IAM that lasts for minutes. It is asked anew for each
 * connection. Nothing that it gives or throws is in the text of an error.
 */
import { kindOf } from '../base/kind.ts';
import { causeOf, safeError } from '../base/node-error.ts';
import { TandemError } from '../base/errors.ts';
import { requireFunction } from '../base/options.ts';

/** A user of Redis, and the user's password or token. */
export interface Credentials {
  /** The user's name. Default: the user named `default`. */
  readonly username?: string | undefined;
  /** The password or token. */
  readonly password: string;
}

/** A function that gives credentials: asked before each connection, at most 10 s for each. */
export type CredentialsSource = () => Credentials | Promise<Credentials>;

/** A function that has not answered after this is asked again later, ms. */
export const CREDENTIALS_MS = 10_000;

/** @throws TandemError `INVALID_OPTION` */
export function requireSource(source: unknown): CredentialsSource | undefined {
  if (source === undefined) return undefined;
  requireFunction('credentials', source);
  return source as CredentialsSource;
}

/** The password alone from a function, and the user from the options. */
export function sourceOf(username: string | undefined, password: () => unknown): CredentialsSource {
  return async () => ({ username, password: (await password()) as string });
}

/** @throws TandemError `CREDENTIALS_FAILED` */
export async function askFor(source: CredentialsSource): Promise<Credentials> {
  let given: unknown;
  try {
    given = await source();
  } catch (error) {
    const safe = safeError(error);
    throw failed(`failed with ${safe.text}`, causeOf(safe));
  }
  const { username, password } = (given ?? {}) as Partial<Record<string, unknown>>;
  if (typeof password !== 'string' || password === '')
    throw failed(`gave ${kindOf(password)} as the password`);
  if (username !== undefined && typeof username !== 'string')
    throw failed(`gave ${kindOf(username)} as the username`);
  return { username, password };
}

export function credentialsTimedOut(): TandemError {
  return failed(`gave nothing within ${CREDENTIALS_MS} ms`);
}

function failed(what: string, cause?: Error): TandemError {
  return new TandemError('CREDENTIALS_FAILED', `the function given for credentials ${what}`, { cause });
}
