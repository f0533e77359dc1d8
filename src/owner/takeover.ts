/**
 * What a new owner goes on from: what Redis holds, and what a standby has in memory of the same space. Pure.
 *
 *   Redis whole, standby behind or absent     Redis's state, on Redis's line
 *   Redis whole, standby ahead                the last owner announced what it did not live to commit: that comes on top
 *   Redis has lost keys, or is behind         the standby's state; deletes are not inherited, so nobody carries on
 *   Redis has lost keys, no standby           what is left of it, on a new line: followers may have what was lost
 */
import type { Change } from '../state/change.ts';
import type { Line, Position } from '../state/position.ts';
import { compare, ZERO } from '../state/position.ts';

/** What a standby has in memory at the moment of its takeover. */
export interface Inheritance {
  readonly position: Position;
  /** The whole state as changes, in revision order. */
  changes(): readonly Change[];
  /** What changed since a position, deletes too, in revision order; `undefined` where that is not known. */
  changesSince(from: Position): readonly Change[] | undefined;
}

/** What was read from the store under the new claim. */
export interface Left {
  readonly head: Position & { readonly horizon: number; readonly keysLost: boolean };
  /** The whole state, in revision order. */
  readonly changes: readonly Change[];
}

/** What the ledger goes on from. */
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
      // Deletes are not inherited: a follower that is not exactly there takes a full sync.
      horizon: base.revision,
      changes: inherited.changes(),
    };
  }
  // A head that was lost may lie before its own keys.
  const top = Math.max(revision, changes.at(-1)?.revision ?? 0);
  // planted: takeover-line
  return { line: { epoch, base: keysLost ? ZERO : last }, revision: top, horizon, changes };
}
