/** A checker: one guarantee, judged over a recorded history. It knows nothing of how the history was made. */
import type { Event, History } from '../event.ts';
import type { Lines } from '../lines.ts';

export interface Bounds {
  /** A reading is `live` at most so long after its last proof, ms. */
  readonly stalenessMs: number;
  readonly leaseMs: number;
  /** From the last fault's end, once an owner leads, to where all are equal, ms. */
  readonly convergenceMs: number;
  /** With nothing in the way a change is seen within this, ms. */
  readonly visibleMs: number;
  /** With nothing in the way a space is handed over, and a newcomer current, within this, ms. */
  readonly calmMs: number;
  /** How much the clock of the history may be off, ms: 0 in a simulation. */
  readonly clockErrorMs: number;
}

export interface FreshnessTracker {
  readonly history: History;
  readonly lines: Lines;
  readonly bounds: Bounds;
}

export interface Violation {
  readonly checker: string;
  readonly at: number;
  readonly what: string;
}

export interface Checker {
  /** As the guarantee is called. */
  readonly name: string;
  readonly check: (evidence: FreshnessTracker, violated: (at: number, what: string) => void) => void;
}

/** Events of followers, by follower, in the order in which they were written down. */
export function byFollower<T extends Extract<Event, { follower: string }>>(
  events: readonly T[],
): Map<string, T[]> {
  return Map.groupBy(events, ({ follower }) => follower);
}
