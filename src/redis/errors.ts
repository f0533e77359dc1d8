/**
 * The only place where errors of ioredis and of Redis become Tandem's. ioredis attaches the command with its
 * arguments to an error: passwords and values. None of that leaves this file.
 */
import { TandemError } from '../base/errors.ts';

/** Redis cannot do it now. Nothing was done, and another try may succeed. */
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
  // Redis 6 wraps the error of a command inside a script: "ERR Error running script …: -OOM command not
  // allowed…".
  const reply = /^ERR Error running script .*?-([A-Z]+ .*)/s.exec(message)?.[1] ?? message;
  if (NOT_READY.test(reply)) {
    return new TandemError('REDIS_NOT_READY', `Redis is not ready: ${reply}`, { retryable: true, cause });
  }
  return new TandemError('REDIS_REFUSED', `Redis refused: ${reply}`, { retryable: false, cause });
}

export function unavailable(message: string): TandemError {
  return new TandemError('REDIS_UNAVAILABLE', message, { retryable: true });
}
