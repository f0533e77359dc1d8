/** The events that an owner alone emits. */
import type { TandemError } from '../base/errors.ts';

/** A change that was not known to be committed when its owner lost the space. */
export interface Uncommitted {
  readonly key: string;
  /** `undefined` for a delete. */
  readonly value: unknown;
  /** The position of the change, `epoch-revision`. */
  readonly position: string;
}

/** Another owner has the space: this one has lost it, or did not get it, and ends. */
export type FencedEvent = {
  readonly type: 'fenced';
  /** Oldest change first. Changes that were on their way when the space was lost are among them. */
  readonly uncommitted: readonly Uncommitted[];
  /** `FENCED` or `OWNED_ELSEWHERE`. */
  readonly error: TandemError;
};
