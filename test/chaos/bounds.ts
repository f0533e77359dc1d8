import type { Bounds } from '../history/checkers/checker.ts';
import { LEASE_MS } from './orders.ts';

/** The bounds for real processes, which must hold on a busy machine too. */
export const BOUNDS: Bounds = {
  stalenessMs: 750,
  leaseMs: LEASE_MS,
  convergenceMs: 2_000,
  visibleMs: 1_000,
  calmMs: 2_000,
  // All processes read one clock. An owner records a set after it happened, and a reader reads the clock
  // before the value. Both orders are on the safe side.
  clockErrorMs: 0,
};
