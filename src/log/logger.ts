/** What an application gives as `connect({ log })`, and the record of a line: a contract with its log tools. */
import type { ErrorCode } from '../base/errors.ts';
import { TandemError } from '../base/errors.ts';
import { kindOf } from '../base/kind.ts';
import type { Role } from '../ports/observer.ts';
import type { Mode, Ownership } from '../state/mode.ts';
import type { Freshness, OwnerState } from '../state/reading.ts';

/** `info`: normal life and good news. `warn`: it can pass by itself. `error`: somebody has to act. */
export type LogLevel = 'info' | 'warn' | 'error';

/** What a line is about. */
export type LogEvent =
  | 'mode'
  | 'freshness'
  | 'owner'
  | 'ownership'
  | 'fenced'
  | 'uncommitted'
  | 'removed'
  | 'error'
  | 'fleet'
  | 'leftOut';

/** A flat record. It has names, numbers, codes and texts of Tandem's own: never a value, never a secret. */
export interface LogRecord {
  /** What the line is about. */
  readonly event: LogEvent;
  /** The `connect({ name })` of this process. */
  readonly process: string;
  /** As all that follows down to `position`: absent in a line about the whole process. */
  readonly space?: string;
  /** The role of the participant. */
  readonly role?: Role;
  /** Its mode. */
  readonly mode?: Mode;
  /** As the last event of this participant said it. */
  readonly freshness?: Freshness;
  /** As the last event of this participant said it. */
  readonly owner?: OwnerState;
  /** The owner's `connect({ name })`; of an owner that is gone, the last one's. Absent where it is not known. */
  readonly ownerName?: string;
  /** Of an owner or a standby: its right to the space. */
  readonly ownership?: Ownership;
  /** The newest position in memory, as `epoch-revision`. */
  readonly position?: string;
  /** When what the line says began, ms since 1970 by this machine's wall clock. */
  readonly since: number;
  /** Why it is so, where there is a reason. */
  readonly reason?: string;
  /** The code of the error, where there is one. */
  readonly code?: ErrorCode;
  /** For how long the state that has ended here lasted, ms. */
  readonly lastedMs?: number;
  /** With `uncommitted`: how many changes Redis never confirmed. */
  readonly uncommitted?: number;
  /** How many lines were left out: with `leftOut`, or with an `error` that came again and again. */
  readonly leftOut?: number;
}

/** The part of a logger that Tandem calls. Loggers of pino fit as they are. */
export interface Logger {
  /** Normal life and good news. */
  info(record: LogRecord, message: string): void;
  /** What can pass by itself. */
  warn(record: LogRecord, message: string): void;
  /** What somebody has to act on. */
  error(record: LogRecord, message: string): void;
}

const LEVELS: readonly LogLevel[] = ['info', 'warn', 'error'];

/**
 * Returns a logger, `false` for no log, or `undefined` for the default.
 * @throws TandemError `INVALID_OPTION`
 */
export function requireLog(log: unknown): Logger | false | undefined {
  if (log === undefined || log === false) return log;
  const isObject = (typeof log === 'object' && log !== null) || typeof log === 'function';
  const methods = isObject ? (log as Partial<Record<LogLevel, unknown>>) : {};
  const missing = LEVELS.filter((level) => typeof methods[level] !== 'function');
  if (missing.length === 0) return log as Logger;
  const got = isObject ? `${kindOf(log)} without ${missing.join(', ')}` : kindOf(log);
  const what = `log: expected false, or a logger with the methods info, warn and error, got ${got}`;
  throw new TandemError('INVALID_OPTION', what);
}
