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

/** An owner's own state: its memory is the truth, and needs no correction. */
export class LedgerView implements StateView {
  readonly proof: Proof;
  readonly correctedAt = undefined;
  readonly #ledger: Ledger;

  constructor(ledger: Ledger, proof: Proof) {
    this.#ledger = ledger;
    this.proof = proof;
  }

  get size(): number {
    return this.#ledger.size;
  }

  get position(): Position {
    return this.#ledger.head;
  }

  entry(key: string): Entry<Captured> | undefined {
    return this.#ledger.get(key);
  }

  entries(): Iterable<Entry<Captured>> {
    return this.#ledger.entries();
  }

  entriesSince(from: Position): Entry<Captured>[] | undefined {
    return this.#ledger.canContinue(from) ? this.#ledger.entriesSince(from) : undefined;
  }
}
