/** The events that an owner alone emits. */
import type { TandemError } from '../base/errors.ts';

/** A change that its owner had not committed when it lost its space. */
export interface Uncommitted {
  readonly key: string;
  /** `undefined` is a delete. */
  readonly value: unknown;
  readonly position: string;
}

export type FencedEvent = {
  readonly type: 'fenced';
  /** Oldest change first. Changes that were under way when the space was lost are among them. */
  readonly uncommitted: readonly Uncommitted[];
  readonly error: TandemError;
};
