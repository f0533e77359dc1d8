/** What a process answers at `GET /spaces/:space`. Pure, but for the asking. */
import { safeError } from '../base/node-error.ts';
import { parsePosition } from '../state/position.ts';
import type { ShownKey, ShownState } from './difference.ts';
import { Failure, UsageError } from './console.ts';

/** For the whole answer, ms. */
const ANSWER_MS = 20_000;

export interface ShownSpace extends ShownState {
  readonly freshness: string;
  readonly staleMs: number | null;
  readonly owner: string;
}

/** Where a process serves its spaces. */
export interface Place {
  /** Without user and password: what may be printed. */
  readonly name: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * @param text where the routes are mounted
 * @throws UsageError, which shows no part of the URL: it may hold a password
 */
export function placeOf(text: string, space: string): Place {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new UsageError('--url: expected a URL such as "http://127.0.0.1:8080"');
  const { username, password } = url;
  const secret = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const headers: Record<string, string> =
    username === '' && password === ''
      ? {}
      : { authorization: `Basic ${Buffer.from(secret).toString('base64')}` };
  const path = url.pathname.replace(/\/+$/, '');
  const mounted = path.replace(/\/spaces(?:\/[^/]*)?$/, '');
  return {
    name: `${url.host}${mounted}`,
    url: `${url.origin}${mounted}/spaces/${encodeURIComponent(space)}`,
    headers,
  };
}

/** @throws Failure where it does not answer, or not so */
export async function askSpace({ name, url, headers }: Place): Promise<ShownSpace> {
  let answer: Response;
  let body: unknown;
  try {
    answer = await fetch(url, { headers, signal: AbortSignal.timeout(ANSWER_MS) });
    body = await answer.json();
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    throw new Failure(`${name} gives no answer: ${safeError(cause).text}`);
  }
  if (!answer.ok) {
    const { code, detail } = (body ?? {}) as { code?: unknown; detail?: unknown };
    const words = [code, detail].filter((word) => typeof word === 'string');
    throw new Failure([`${name} answers ${answer.status}:`, ...words].join(' '));
  }
  return shownIn(body, name);
}

/** @throws Failure where it is no such answer */
export function shownIn(body: unknown, name: string): ShownSpace {
  try {
    const { head, freshness, staleMs, owner, state } = body as {
      head: string;
      freshness: unknown;
      staleMs: unknown;
      owner: unknown;
      state: Record<string, { value: unknown; position: string }>;
    };
    const keys = new Map<string, ShownKey>();
    for (const [key, { value, position }] of Object.entries(state))
      keys.set(key, { value, position: parsePosition(position) });
    return {
      head: parsePosition(head),
      keys,
      freshness: String(freshness),
      staleMs: typeof staleMs === 'number' ? staleMs : null,
      owner: String(owner),
    };
  } catch {
    throw new Failure(`${name} answers what is no state of a space: is it where statusRouter is mounted?`);
  }
}
