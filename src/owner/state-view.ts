/** What an owner's readings are made of: its ledger once it owns the space, and until then a standby's copy. */
import type { Captured, Ledger } from '../state/ledger.ts';
import type { Position } from '../state/position.ts';
import type { Proof } from '../state/reading.ts';
import type { Entry } from '../state/revision-map.ts';

export interface StateView {
  readonly size: number;
  readonly position: Position;
  readonly proof: Proof;
  /** Where a copy was last found to be wrong. */
  readonly correctedAt: Position | undefined;
  entry(key: string): Entry<Captured> | undefined;
  /** The keys that hold a value. */
  entries(): Iterable<Entry<Captured>>;
  /** The entries that changed after a position, oldest first; `undefined` where nobody can go on from there. */
  entriesSince(from: Position): Entry<Captured>[] | undefined;
}

/** An owner's memory is the truth, and needs no correction. */
export function ledgerView(ledger: Ledger, proof: Proof): StateView {
  return {
    proof,
    correctedAt: undefined,
    get size() {
      return ledger.size;
    },
    get position() {
      return ledger.head;
    },
    entry: (key) => ledger.get(key),
    entries: () => ledger.entries(),
    entriesSince: (from) => (ledger.canContinue(from) ? ledger.entriesSince(from) : undefined),
  };
}
