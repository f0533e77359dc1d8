import type { Bounds } from '../history/checkers/checker.ts';
import { LEASE_MS } from './orders.ts';

/** What is asked of real processes, also on a machine that has other things to do. */
export const BOUNDS: Bounds = {
  stalenessMs: 750,
  leaseMs: LEASE_MS,
  convergenceMs: 2_000,
  visibleMs: 1_000,
  calmMs: 2_000,
  // A set is written down after it is done, and a reader looks at the clock before it reads: both to the safe side. All
  // read one clock.
  clockErrorMs: 0,
};
