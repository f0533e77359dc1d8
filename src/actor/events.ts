/** The events that owner and follower both emit. */
import type { TandemError } from '../base/errors.ts';
import type { Mode } from '../state/mode.ts';

/** The mode has changed; `reason` says why, for people. */
export type ModeEvent = {
  readonly type: 'mode';
  readonly mode: Mode;
  readonly from: Mode;
  readonly reason: string;
};

/** Something went wrong, or a person should mend something. `error.code` is stable. */
export type ErrorEvent = { readonly type: 'error'; readonly error: TandemError };
