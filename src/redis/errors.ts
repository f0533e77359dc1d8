/**
 * The boundary: the only place where errors of ioredis, of Node and of Redis become Tandem's.
 *
 * ioredis attaches the command with its arguments to an error, Redis quotes what it was sent, and a function
 * of the user's may throw a URL. None of that passes: nothing of the error itself is kept, neither its text
 * nor its fields nor what is nested in it. The new error, and its `cause`, have what the rules of
 * `reply-error.ts` and `node-error.ts` let through: codes, addresses, and words of this client's own.
 */
import { TandemError } from '../base/errors.ts';
import type { SafeError } from '../base/node-error.ts';
import { causeOf, safeNodeError, unknownError } from '../base/node-error.ts';
import { isReply, safeReply } from './reply-error.ts';

/** Redis cannot do it now. Nothing was done, and another try may succeed. */
const NOT_READY = /^(LOADING|BUSY|OOM|MISCONF|READONLY|NOREPLICAS|MASTERDOWN|CLUSTERDOWN|TRYAGAIN)\b/;
/** Of errors in errors: ioredis nests the last error of a node in that of its cluster. */
const DEEPEST = 3;

/** What ioredis says by itself: https://github.com/redis/ioredis. Nothing behind these words is kept. */
const WORDS_OF_IOREDIS = [
  'Connection is closed.',
  "Stream isn't writeable and enableOfflineQueue options is false",
  "Cluster isn't ready and enableOfflineQueue options is false",
  'Command timed out',
  'Socket timeout',
  'Reached the max retries per request limit',
  'None of startup nodes is available',
  'Failed to refresh slots cache',
  'Cluster is disconnecting',
  'Cluster is disconnected',
  'Node is disconnected',
  'Too many Cluster redirections',
  'All sentinels are unreachable',
  'Requires the name of master',
  'Requires at least one sentinel to connect to',
  'Role mismatch',
  'Command queue state error',
  'Protocol error',
  'Redis is already connecting/connected',
  'Connection in subscriber mode, only subscriber commands may be used',
] as const;

export function fromRedis(error: unknown): TandemError {
  if (error instanceof TandemError) return error;
  const message = messageOf(error);
  if (nameOf(error) === 'ReplyError' || isReply(message)) return fromReply(message);
  const safe = safeClientError(error);
  // planted: cause
  const cause = causeOf(safe);
  return new TandemError('REDIS_UNAVAILABLE', `Redis cannot be reached: ${safe.text}`, { cause });
}

/** What a function of the user's threw. Its text may hold a URL, so nothing of an unknown text is kept. */
export function fromFunction(error: unknown): TandemError {
  const safe = safeClientError(error);
  const hint = safe.code === 'ERR_INVALID_URL' ? ': it gave ioredis a URL that cannot be parsed' : '';
  return new TandemError('REDIS_UNAVAILABLE', `the function given as redis failed with ${safe.text}${hint}`, {
    cause: causeOf(safe),
  });
}

export function unavailable(message: string): TandemError {
  return new TandemError('REDIS_UNAVAILABLE', message);
}

function fromReply(message: string): TandemError {
  // planted: reply
  const reply = safeReply(message);
  const cause = causeOf({ text: reply, code: undefined }, 'ReplyError');
  if (NOT_READY.test(reply))
    return new TandemError('REDIS_NOT_READY', `Redis is not ready: ${reply}`, { cause });
  return new TandemError('REDIS_REFUSED', `Redis refused: ${reply}`, { cause });
}

/** An error of ioredis or of Node, with what is nested in it. */
function safeClientError(error: unknown, depth = 0): SafeError {
  const words = WORDS_OF_IOREDIS.find((one) => messageOf(error).startsWith(one));
  const own = safeNodeError(error) ?? (words === undefined ? undefined : { text: words, code: undefined });
  const nested = depth < DEEPEST ? nestedIn(error) : undefined;
  if (nested === undefined) return own ?? unknownError(error);
  const inner = isReply(messageOf(nested))
    ? { text: safeReply(messageOf(nested)), code: undefined }
    : safeClientError(nested, depth + 1);
  if (own === undefined) return inner;
  return own.text.includes(inner.text)
    ? own
    : { text: `${own.text} (${inner.text})`, code: own.code ?? inner.code };
}

/** The error that ioredis, or whoever wrapped its error, holds to be the reason. */
function nestedIn(error: unknown): unknown {
  if (typeof error !== 'object' || error === null) return undefined;
  const { lastNodeError, cause, message } = error as Partial<Record<string, unknown>>;
  // A Sentinel's last error is a part of the text alone.
  const [, last] = /Last error: (.*)$/s.exec(String(message)) ?? [];
  return lastNodeError ?? cause ?? (last === undefined ? undefined : { message: last });
}

function messageOf(error: unknown): string {
  const message: unknown =
    typeof error === 'object' && error !== null ? (error as { message?: unknown }).message : error;
  return typeof message === 'string' ? message : '';
}

function nameOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null ? (error as { name?: unknown }).name : undefined;
}
