/** A line of the log before it has a name, a space and a place to go to. */
import type { ErrorCode } from '../base/errors.ts';
import type { LogEvent, LogLevel } from './logger.ts';

export interface Line {
  readonly level: LogLevel;
  readonly event: LogEvent;
  /** Goes on from "The follower of space "trading"", as in `has stopped`. */
  readonly phrase: string;
  /** Ms since 1970 by this machine's wall clock. */
  readonly since: number;
  /**
   * It says that something began well, or ended as the application asked. A log that the application has not
   * asked for leaves such lines out.
   */
  readonly isRoutine?: boolean;
  /** There is one such line at most in the life of a participant, and it is never left out. */
  readonly isFinal?: boolean;
  readonly reason?: string;
  readonly code?: ErrorCode;
  /** Ms. */
  readonly lastedMs?: number;
  readonly uncommitted?: number;
  readonly leftOut?: number;
}
