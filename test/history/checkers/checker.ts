/** A checker judges one guarantee over a recorded history. It does not know how the history was made. */
import type { Event, History } from '../event.ts';
import type { Lines } from '../lines.ts';

export interface Bounds {
  /** How long after its last proof a reading may be `live`, ms. */
  readonly stalenessMs: number;
  readonly leaseMs: number;
  /** From the last fault's end, or from when an owner leads, until all participants are equal, ms. */
  readonly convergenceMs: number;
  /** Without faults, every change is visible within this time, ms. */
  readonly visibleMs: number;
  /** Without faults, a handover ends and a new follower is current within this time, ms. */
  readonly calmMs: number;
  /** The error of the history's clock, ms. It is 0 in a simulation. */
  readonly clockErrorMs: number;
}

/** The material that a checker judges. */
export interface Material {
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
  /** The name of the guarantee. */
  readonly name: string;
  readonly check: (material: Material, violated: (at: number, what: string) => void) => void;
}

/** Groups events by follower, in the order in which they were recorded. */
export function byFollower<T extends Extract<Event, { follower: string }>>(
  events: readonly T[],
): Map<string, T[]> {
  return Map.groupBy(events, ({ follower }) => follower);
}
