/** The events that an owner alone emits. */
import type { Uncommitted } from '../actor/stopped.ts';
import type { TandemError } from '../base/errors.ts';

/** Another owner has the space: this one has lost it, or did not get it, and ends. */
export type FencedEvent = {
  /** The type, for `on`. */
  readonly type: 'fenced';
  /**
   * The changes that Redis never confirmed, oldest first. Changes that were on their way when the space was lost
   * are among them.
   */
  readonly uncommitted: readonly Uncommitted[];
  /** `FENCED` or `OWNED_ELSEWHERE`. */
  readonly error: TandemError;
};
