/**
 * Every error that Tandem throws, rejects with or reports.
 *
 * `code` is stable and meant for programs; `message` is meant for people and may change. `retryable` is true
 * where the same call can succeed later without a change by the caller. `cause` holds the error underneath,
 * if any.
 */

export type ErrorCode =
  | 'INVALID_SPACE' // defineSpace() got an invalid name, key or schema
  | 'INVALID_OPTION' // an option or argument has the wrong form
  | 'INVALID_POSITION' // a position is not `epoch-revision`
  | 'UNKNOWN_KEY' // the space does not define the key
  | 'INVALID_VALUE' // the schema refused the value
  | 'NOT_JSON' // JSON cannot carry the value
  | 'TOO_LARGE' // a key or a value is over the limit
  | 'INVALID_BATCH' // batch() got an asynchronous function
  | 'ALREADY_OWNED' // this process owns the space already
  | 'OWNED_ELSEWHERE' // a living owner renews the lease
  | 'STANDBY' // set() was called on a standby that does not lead yet
  | 'FENCED' // another owner has claimed a higher epoch
  | 'STOPPED' // the participant or process has stopped
  | 'TIMEOUT' // a deadline given by the caller has passed
  | 'INVALID_FRAME' // a frame, page or value arrived that cannot be used
  | 'UNKNOWN_VERSION' // a message or keys of a version of the wire that this process does not read
  | 'KEYS_LOST' // Redis has lost keys of the state
  | 'WRONG_TYPE' // a key of the space has another type in Redis: its owner replaces it
  | 'ROLLED_BACK' // Redis is behind a position that this process has already seen
  | 'HEAD_MOVED' // the content of Redis changed while a process was reading or repairing it
  | 'CONTENT_MISMATCH' // keys in Redis differ from memory: refresh() or the owner found it, and repairs them
  | 'CALLBACK_FAILED' // a callback of the user's threw
  | 'REDIS_UNAVAILABLE' // no connection, a lost one, or no answer in time: the outcome is unknown
  | 'CREDENTIALS_FAILED' // the function that gives a user and a password failed, or gave none: it is asked again
  | 'REDIS_NOT_READY' // Redis answered that it cannot now (LOADING, OOM, READONLY…): nothing was applied
  | 'DIRECT_UNAVAILABLE' // the owner does not answer on the direct path, or sends something unreadable
  | 'DIRECT_REFUSED' // the owner refused the token of the direct path
  | 'STALENESS_BOUND' // a warning: maxStaleMs is too short for the owner's heartbeat
  | 'EVICTION_POLICY' // a warning: Redis evicts keys when its memory is full
  | 'REDIS_REFUSED'; // Redis refused the command (WRONGPASS, NOPERM, WRONGTYPE…): nothing was applied

/** Marks an error, also to another copy of this package in the same process: by the name of its class. */
const BRAND = Symbol.for('tandem-sync.error');

/**
 * Whether a value is an error of a class, made by any copy of this package. A class of the user's that extends ours
 * has only its own.
 */
function isErrorOf(value: unknown, name: string): boolean {
  if (typeof value !== 'object' || value === null || !(BRAND in value)) return false;
  return name === 'TandemError' || value[BRAND] === name;
}

export class TandemError extends Error {
  override readonly name: string = 'TandemError';
  readonly code: ErrorCode;
  readonly retryable: boolean;

  constructor(code: ErrorCode, message: string, options: { retryable?: boolean; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryable = options.retryable ?? false;
  }

  /** @internal */
  get [BRAND](): string {
    return 'TandemError';
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    if (this === TandemError) return isErrorOf(value, 'TandemError');
    return Function.prototype[Symbol.hasInstance].call(this, value);
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

  override get [BRAND](): string {
    return 'OwnedElsewhereError';
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    if (this === OwnedElsewhereError) return isErrorOf(value, 'OwnedElsewhereError');
    return super[Symbol.hasInstance](value);
  }
}

/**
 * A value that its schema refuses or that JSON cannot carry. `issues` lists each place in it, and the reason;
 * the message has the first ten.
 */
export class InvalidValueError extends TandemError {
  override readonly name = 'InvalidValueError';
  readonly key: string;
  readonly issues: readonly { path: string; message: string }[];

  constructor(
    code: 'INVALID_VALUE' | 'NOT_JSON' | 'TOO_LARGE',
    key: string,
    issues: readonly { path: string; message: string }[],
  ) {
    const some = issues
      .slice(0, MAX_NAMES)
      .map(({ path, message }) => (path ? `${path}: ${message}` : message));
    const others = issues.length - some.length;
    if (others > 0) some.push(`and ${others} more`);
    super(code, `value of "${key}" is refused: ${some.join('; ')}`);
    this.key = key;
    this.issues = issues;
  }

  override get [BRAND](): string {
    return 'InvalidValueError';
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    if (this === InvalidValueError) return isErrorOf(value, 'InvalidValueError');
    return super[Symbol.hasInstance](value);
  }
}

/**
 * The error for a deadline of the caller's that has passed. Nothing was undone.
 * @param what completes "… within 500 ms", such as "nothing came"
 * @param cause appended to the message where it is an Error
 */
export function timeoutError(what: string, timeoutMs: number, cause?: unknown): TandemError {
  const because = cause instanceof Error ? ` (${cause.message})` : '';
  return new TandemError('TIMEOUT', `${what} within ${Math.max(0, Math.round(timeoutMs))} ms${because}`, {
    retryable: true,
    cause,
  });
}

/** Any value as short text for an error message. The value may be huge, deep, cyclic or a BigInt. */
export function show(value: unknown): string {
  try {
    const text = JSON.stringify(value) ?? String(value);
    return cut(text, 100);
  } catch {
    return `a ${typeof value}`;
  }
}

/** The most names in a message, and the longest of them, characters. */
const MAX_NAMES = 10;
const MAX_NAME_LENGTH = 60;

/** Names for an error message: the first ten, and the number of the others. `none` without any. */
export function listed(names: readonly string[]): string {
  const some = names.slice(0, MAX_NAMES).map((name) => cut(name, MAX_NAME_LENGTH));
  const others = names.length - some.length;
  if (others > 0) return `${some.join(', ')} and ${others} other${others === 1 ? '' : 's'}`;
  return some.join(', ') || 'none';
}

/** The first `length` characters of a text, and `…` where that is not all. */
function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length)}…`;
}

/** Anything thrown, as a TandemError; one that is a TandemError already is returned as it is. */
export function asTandemError(error: unknown, code: ErrorCode, message: string): TandemError {
  if (error instanceof TandemError) return error;
  return new TandemError(code, `${message}: ${error instanceof Error ? error.message : String(error)}`, {
    cause: error,
  });
}
