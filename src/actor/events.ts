/** The events that owner and follower both emit. */
import type { TandemError } from '../base/errors.ts';
import type { Mode } from '../state/mode.ts';
import type { Freshness, OwnerState } from '../state/reading.ts';

/** The mode has changed. */
export type ModeEvent = {
  /** The type, for `on`. */
  readonly type: 'mode';
  /** The mode from now on. */
  readonly mode: Mode;
  /** The mode before. */
  readonly from: Mode;
  /** Why, for people. */
  readonly reason: string;
};

/** An error, or a warning about something that a person should fix. */
export type ErrorEvent = {
  /** The type, for `on`. */
  readonly type: 'error';
  /** Its `code` is stable, its `message` is not. */
  readonly error: TandemError;
};

/**
 * Readings begin to say `freshness`: of the whole state, which is stale as well while the newest value of one
 * of its keys cannot be read. It comes within 100 ms of the first such reading.
 */
export type FreshnessEvent = {
  /** The type, for `on`. */
  readonly type: 'freshness';
  /** What readings say from now on. */
  readonly freshness: Freshness;
  /** When it became so, ms since 1970 by this machine's wall clock. */
  readonly since: number;
  /** As in a reading: the time since the owner last proved the state current, ms. */
  readonly staleMs: number;
};

/**
 * Readings begin to say `owner`, or an owner of another name has come in the place of one that was alive. It
 * comes within 100 ms of the first such reading. Each differs from the one before in `owner` or `ownerName`.
 */
export type OwnerChangedEvent = {
  /** The type, for `on`. */
  readonly type: 'ownerChanged';
  /** What readings say from now on. */
  readonly owner: OwnerState;
  /**
   * The owner's `connect({ name })`; of an owner that is gone, the last one's. `undefined` where it is not
   * known: nobody owned the space, or Redis could not be asked.
   */
  readonly ownerName: string | undefined;
  /** When it became so, ms since 1970 by this machine's wall clock. */
  readonly since: number;
};
