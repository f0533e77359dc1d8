/**
 * The one place where errors of ioredis and of Redis become Tandem's. What ioredis attaches to an error (the
 * command with its arguments: passwords, values) stays here.
 */
import { TandemError } from '../base/errors.ts';

/** Redis cannot now; nothing was done; it is worth trying again. */
const NOT_READY = /^(LOADING|BUSY|OOM|MISCONF|READONLY|NOREPLICAS|MASTERDOWN|CLUSTERDOWN|TRYAGAIN)\b/;

export function fromRedis(error: unknown): TandemError {
  if (error instanceof TandemError) return error;
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  const cause = Object.assign(new Error(message), { name });
  if (name !== 'ReplyError') {
    return new TandemError('REDIS_UNAVAILABLE', `Redis cannot be reached: ${message || name}`, {
      retryable: true,
      cause,
    });
  }
  // Redis 6 wraps what a script ran into: "ERR Error running script …: -OOM command not allowed…".
  const reply = /^ERR Error running script .*?-([A-Z]+ .*)/s.exec(message)?.[1] ?? message;
  if (NOT_READY.test(reply)) {
    return new TandemError('REDIS_NOT_READY', `Redis is not ready: ${reply}`, { retryable: true, cause });
  }
  return new TandemError('REDIS_REFUSED', `Redis refused: ${reply}`, { retryable: false, cause });
}

export function unavailable(message: string): TandemError {
  return new TandemError('REDIS_UNAVAILABLE', message, { retryable: true });
}
