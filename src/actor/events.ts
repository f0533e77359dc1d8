/** The events that owner and follower both emit. */
import type { TandemError } from '../base/errors.ts';
import type { Mode } from '../state/mode.ts';

/** The mode has changed from `from` to `mode`. `reason` is for people. */
export type ModeEvent = {
  readonly type: 'mode';
  readonly mode: Mode;
  readonly from: Mode;
  readonly reason: string;
};

/**
 * An error, or a warning about something that a person should fix. `error.code` is stable, its message is
 * not.
 */
export type ErrorEvent = { readonly type: 'error'; readonly error: TandemError };
