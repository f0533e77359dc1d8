/**
 * Every error that Tandem throws, rejects with or reports.
 *
 * `code` is stable and meant for programs; `message` is meant for people and may change. `retryable` and
 * `remedy` follow from the code: `error-codes.ts` lists them all. `cause` holds the error underneath, if any.
 */
import type { ErrorCode } from './error-codes.ts';
import { ERRORS } from './error-codes.ts';

export type { ErrorCode } from './error-codes.ts';

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

/** Whatever Tandem throws, rejects with or reports. Its `cause` is the error underneath, where there is one. */
export class TandemError extends Error {
  /** The name of the class. */
  override readonly name: string = 'TandemError';
  /** The stable code: let programs look at it alone. `message` is for people, and may change. */
  readonly code: ErrorCode;
  /** Whether it passes by itself: the same call can succeed later, without a change by anybody. */
  readonly retryable: boolean;
  /** What to do about an error of this code, as a sentence or two for people. */
  readonly remedy: string;

  constructor(code: ErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryable = ERRORS[code].retryable;
    this.remedy = ERRORS[code].remedy;
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

/** A living owner renews the lease of the space. */
export class OwnedElsewhereError extends TandemError {
  override readonly name = 'OwnedElsewhereError';
  /** The `connect({ name })` of the owner. */
  readonly owner: string;
  /**
   * Whether the owner is in this same process, of another `connect()`: as a rule since a hot reload has loaded a
   * module twice. With `false` it is in another process, as far as this one can know.
   */
  readonly isInThisProcess: boolean;

  constructor(space: string, owner: string, isInThisProcess = false) {
    const where = isInThisProcess
      ? 'and which is in this same process, of another connect(): was a module loaded twice, as by a hot reload?'
      : '';
    super(
      'OWNED_ELSEWHERE',
      `space "${space}" is owned by "${owner}", which is alive and renews its lease${where && `, ${where}`}`,
    );
    this.owner = owner;
    this.isInThisProcess = isInThisProcess;
  }

  /** @internal */
  override get [BRAND](): string {
    return 'OwnedElsewhereError';
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    if (this === OwnedElsewhereError) return isErrorOf(value, 'OwnedElsewhereError');
    return super[Symbol.hasInstance](value);
  }
}

/** A value that its schema refuses or that JSON cannot carry. The message has the first ten issues. */
export class InvalidValueError extends TandemError {
  override readonly name = 'InvalidValueError';
  /** The key whose value is refused. */
  readonly key: string;
  /** Each place in the value that is refused, and the reason. The path of the value itself is empty. */
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

  /** @internal */
  override get [BRAND](): string {
    return 'InvalidValueError';
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    if (this === InvalidValueError) return isErrorOf(value, 'InvalidValueError');
    return super[Symbol.hasInstance](value);
  }
}

/** What stands in the way of a wait: for people, and the error underneath where there is one. */
export interface Obstacle {
  readonly text: string;
  readonly cause?: unknown;
}

/**
 * The error for a deadline of the caller's that has passed. Nothing was undone.
 * @param what completes "… within 500 ms", such as "nothing came"
 */
export function timeoutError(what: string, timeoutMs: number, obstacle?: Obstacle): TandemError {
  const because = obstacle?.text ? `: ${obstacle.text}` : '';
  return new TandemError('TIMEOUT', `${what} within ${Math.max(0, Math.round(timeoutMs))} ms${because}`, {
    cause: obstacle?.cause,
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
