/**
 * Takeover: the state that a new owner goes on from, made of Redis's state and of a standby's copy. Pure.
 *
 *   Redis whole, standby behind or absent   Redis's state, on Redis's line
 *   Redis whole, standby ahead              Redis's state, and on top the changes that the last owner
 *   announced
 *                                           and could not commit
 *   Redis without some keys, or behind      the standby's state. Its deletes are not known: only followers at
 *                                           exactly its position carry on
 *   Redis without some keys, no standby     the keys that are left, on a new line: followers may have had
 *   more
 */
import type { Change } from '../state/change.ts';
import type { Line, Position } from '../state/position.ts';
import { compare, ZERO } from '../state/position.ts';

/** The copy of a standby, at the moment of its takeover. */
export interface Inheritance {
  readonly position: Position;
  /** The whole state as changes, in revision order. */
  changes(): readonly Change[];
  /** The changes since a position, deletes too, in revision order; `undefined` where they are not known. */
  changesSince(from: Position): readonly Change[] | undefined;
}

/** The state that was read from the store under the new claim. */
export interface Left {
  readonly head: Position & { readonly horizon: number; readonly keysLost: boolean };
  /** The whole state, in revision order. */
  readonly changes: readonly Change[];
}

/** The state that the ledger goes on from. */
export interface Start {
  readonly line: Line;
  readonly revision: number;
  readonly horizon: number;
  readonly changes: readonly Change[];
}

/** @param epoch of the new claim */
export function takeOver(epoch: number, { head, changes }: Left, inherited: Inheritance | undefined): Start {
  const { revision, horizon, keysLost } = head;
  const last = { epoch: head.epoch, revision };
  if (inherited && !keysLost && inherited.position.epoch === last.epoch) {
    const more = inherited.changesSince(last);
    const base = inherited.position;
    if (more && base.revision > revision)
      return { line: { epoch, base }, revision: base.revision, horizon, changes: [...changes, ...more] };
  }
  if (inherited && (keysLost || compare(last, inherited.position) < 0)) {
    const base = inherited.position;
    return {
      line: { epoch, base },
      revision: base.revision,
      // The copy has no deletes: a follower that is not exactly at its position takes a full sync.
      horizon: base.revision,
      changes: inherited.changes(),
    };
  }
  // A head that was lost may be behind the keys that are left.
  const top = Math.max(revision, changes.at(-1)?.revision ?? 0);
  // planted: takeover-line
  return { line: { epoch, base: keysLost ? ZERO : last }, revision: top, horizon, changes };
}
