/**
 * Takeover: which state a new owner goes on from, Redis's or a standby's copy. Pure. It decides by positions
 * alone; the loader then takes the state that it names.
 *
 *   Redis whole, standby behind or absent   Redis's state, on Redis's line
 *   Redis whole, standby ahead              Redis's state, and on top the changes that the last owner
 *                                           announced and could not commit
 *   Redis without some keys, or behind      the standby's state. Its deletes are not known: only followers at
 *                                           exactly its position carry on
 *   Redis without some keys, no standby     the keys that are left, on a new line: followers may have had
 *                                           more
 */
import type { Line, Position } from '../state/position.ts';
import { compare, ZERO } from '../state/position.ts';

/** The copy of a standby, as it is now. */
export interface Inheritance {
  readonly position: Position;
  /** Whether it knows all changes since a position, deletes too. */
  canContinue(from: Position): boolean;
}

/** The state that was read from the store under the new claim. */
export interface Left extends Position {
  readonly horizon: number;
  readonly keysLost: boolean;
  /** The highest revision of any key. */
  readonly top: number;
}

/** The state that the ledger goes on from. */
export interface Start {
  readonly line: Line;
  readonly revision: number;
  readonly horizon: number;
  /** What comes from the standby: nothing; its changes after the store's head; or all, and nothing else. */
  readonly inherits: 'nothing' | 'changes' | 'state';
}

/** @param epoch of the new claim */
export function takeOver(epoch: number, left: Left, inherited: Inheritance | undefined): Start {
  const { revision, horizon, keysLost, top } = left;
  const last = { epoch: left.epoch, revision };
  // A key beyond the head was put there by somebody else, and stands where an announced change belongs.
  const isSound = !keysLost && top <= revision;
  if (inherited && isSound && inherited.position.epoch === last.epoch) {
    const base = inherited.position;
    if (base.revision > revision && inherited.canContinue(last))
      return { line: { epoch, base }, revision: base.revision, horizon, inherits: 'changes' };
  }
  if (inherited && (keysLost || compare(last, inherited.position) < 0)) {
    const base = inherited.position;
    // The copy has no deletes: a follower that is not exactly at its position takes a full sync.
    return { line: { epoch, base }, revision: base.revision, horizon: base.revision, inherits: 'state' };
  }
  // A head that was lost may be behind the keys that are left.
  const from = Math.max(revision, top);
  // planted: takeover-line
  return { line: { epoch, base: keysLost ? ZERO : last }, revision: from, horizon, inherits: 'nothing' };
}

/** Nothing of what is there: only the store's revision goes on. */
export function startOver(epoch: number, { revision }: Position): Start {
  return { line: { epoch, base: ZERO }, revision, horizon: revision, inherits: 'nothing' };
}
