/** The books of an owner: its state, how far the store has come, and the claim that it holds. */
import type { Ledger } from '../state/ledger.ts';
import type { Lease } from './lease.ts';
import type { Progress } from './progress.ts';

export interface Books {
  readonly ledger: Ledger;
  readonly progress: Progress;
  readonly lease: Lease;
}
