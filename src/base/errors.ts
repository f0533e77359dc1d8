/**
 * Every error that Tandem throws, rejects with or reports.
 *
 * `code` is stable and meant for programs; `message` is meant for people and may change. `retryable` says
 * whether the same call can succeed later without a change by the caller. `cause` is what lay underneath.
 */

export type ErrorCode =
  | 'INVALID_SPACE' // defineSpace: a name, key or schema that cannot be
  | 'INVALID_OPTION' // an option or argument of the wrong form
  | 'INVALID_POSITION' // not `epoch-revision`
  | 'UNKNOWN_KEY' // a key that the space does not define
  | 'INVALID_VALUE' // refused by the schema
  | 'NOT_JSON' // a value that JSON cannot carry
  | 'TOO_LARGE' // a key or a value over the limit
  | 'INVALID_BATCH' // a batch given an asynchronous function
  | 'ALREADY_OWNED' // a second own() of a space in one process
  | 'OWNED_ELSEWHERE' // a living owner renews the lease
  | 'STANDBY' // set on a standby that does not lead yet
  | 'FENCED' // another owner has claimed a higher epoch
  | 'STOPPED' // used after stop
  | 'TIMEOUT' // a deadline given by the caller has passed
  | 'INVALID_FRAME' // a frame, page or value that arrived and cannot be used
  | 'KEYS_LOST' // Redis has lost keys of the state
  | 'ROLLED_BACK' // Redis is behind what this process has already seen
  | 'HEAD_MOVED' // what Redis holds changed under the hands of who read or repaired it
  | 'CONTENT_MISMATCH' // Redis holds keys otherwise than memory: found by refresh(), or by the owner, which puts them right
  | 'CALLBACK_FAILED' // a callback of the user's threw
  | 'REDIS_UNAVAILABLE' // no connection, a lost one, or no answer in time: outcome unknown
  | 'REDIS_NOT_READY' // Redis answered that it cannot now (LOADING, OOM, READONLY…): not applied
  | 'DIRECT_UNAVAILABLE' // the owner cannot be reached, or not understood, on the direct path
  | 'DIRECT_REFUSED' // the owner refused the token of the direct path
  | 'EVICTION_POLICY' // a warning: Redis is set to evict keys when its memory is full
  | 'REDIS_REFUSED'; // Redis answered that it will not (WRONGPASS, NOPERM, WRONGTYPE…): not applied

export class TandemError extends Error {
  override readonly name: string = 'TandemError';
  readonly code: ErrorCode;
  readonly retryable: boolean;

  constructor(code: ErrorCode, message: string, options: { retryable?: boolean; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryable = options.retryable ?? false;
  }
}

/** A living owner renews the lease of the space. `owner` is its `connect({ name })`. */
export class OwnedElsewhereError extends TandemError {
  override readonly name = 'OwnedElsewhereError';
  readonly owner: string;

  constructor(space: string, owner: string) {
    super('OWNED_ELSEWHERE', `space "${space}" is owned by "${owner}", which is alive and renews its lease`, {
      retryable: true,
    });
    this.owner = owner;
  }
}

/** A value refused by its schema or by what JSON can carry. `issues` says where and why. */
export class InvalidValueError extends TandemError {
  override readonly name = 'InvalidValueError';
  readonly key: string;
  readonly issues: readonly { path: string; message: string }[];

  constructor(
    code: 'INVALID_VALUE' | 'NOT_JSON' | 'TOO_LARGE',
    key: string,
    issues: readonly { path: string; message: string }[],
  ) {
    const list = issues.map(({ path, message }) => (path ? `${path}: ${message}` : message)).join('; ');
    super(code, `value of "${key}" is refused: ${list}`);
    this.key = key;
    this.issues = issues;
  }
}

/** A deadline given by the caller has passed; nothing was undone. */
export function timeoutError(what: string, timeoutMs: number, cause?: unknown): TandemError {
  const because = cause instanceof Error ? ` (${cause.message})` : '';
  return new TandemError('TIMEOUT', `${what} within ${Math.max(0, Math.round(timeoutMs))} ms${because}`, {
    retryable: true,
    cause,
  });
}

/** What came, in a few words, whatever it is: it may be huge, deep, cyclic or a BigInt. */
export function show(value: unknown): string {
  try {
    const text = JSON.stringify(value) ?? String(value);
    return text.length <= 100 ? text : `${text.slice(0, 100)}…`;
  } catch {
    return `a ${typeof value}`;
  }
}

/** Anything thrown, as a TandemError. */
export function asTandemError(error: unknown, code: ErrorCode, message: string): TandemError {
  if (error instanceof TandemError) return error;
  return new TandemError(code, `${message}: ${error instanceof Error ? error.message : String(error)}`, {
    cause: error,
  });
}
