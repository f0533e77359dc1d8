/** The parts of a follower that its other parts share. */
import type { Replica } from '../state/replica.ts';
import type { LeaseWatch } from '../state/lease-watch.ts';
import type { Admission } from './admission.ts';
import type { FreshnessTracker } from './freshness.ts';
import type { Meter } from './meter.ts';
import type { OwnerRecord } from './owner-record.ts';

export interface Parts {
  readonly replica: Replica;
  readonly admission: Admission;
  readonly freshness: FreshnessTracker;
  readonly meter: Meter;
  /** The owner's lease, as the store shows it. */
  readonly leaseWatch: LeaseWatch;
  readonly owner: OwnerRecord;
}
