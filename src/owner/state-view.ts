/**
 * The state that an owner's readings come from: a standby's copy until the space is claimed, then the
 * ledger.
 */
import type { OwnerIdentity } from '../actor/proof-watch.ts';
import type { ServerClock } from '../base/clock.ts';
import type { Captured } from '../state/captured.ts';
import type { Ledger } from '../state/ledger.ts';
import type { Position } from '../state/position.ts';
import type { Proof, TimeOf } from '../state/reading.ts';
import type { Entry } from '../state/entry.ts';

export interface StateView {
  readonly size: number;
  readonly position: Position;
  readonly proof: Proof;
  readonly ownerIdentity: OwnerIdentity | 'asked' | undefined;
  /** The position at which a copy was last found wrong; `undefined` for a ledger. */
  readonly correctedAt: Position | undefined;
  entry(key: string): Entry<Captured> | undefined;
  readonly timeOf: TimeOf;
  /** The keys that hold a value. */
  entries(): Iterable<Entry<Captured>>;
  /**
   * The entries that changed after a position, oldest first; `undefined` where a reader cannot go on from
   * there.
   */
  entriesSince(from: Position): Entry<Captured>[] | undefined;
  /** Whether a reader can go on from a position. */
  canContinue(from: Position): boolean;
  /**
   * The entries that changed after a position at which `canContinue` holds, or all, as they are at the first
   * step, tombstones too, for a walk in slices. `undefined` is a place to rest.
   */
  snapshot(from?: Position): Iterable<Entry<Captured> | undefined>;
}

/** The view of an owner's ledger, which is the truth and needs no correction. */
export class LedgerView implements StateView {
  readonly proof: Proof;
  readonly ownerIdentity: OwnerIdentity;
  readonly correctedAt = undefined;
  readonly timeOf: TimeOf;
  readonly #ledger: Ledger;

  constructor(ledger: Ledger, clock: ServerClock, proof: Proof, ownerIdentity: OwnerIdentity) {
    this.timeOf = (revision) => ledger.changedAt(revision, clock);
    this.#ledger = ledger;
    this.proof = proof;
    this.ownerIdentity = ownerIdentity;
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

  canContinue(from: Position): boolean {
    return this.#ledger.canContinue(from);
  }

  snapshot(from?: Position): Iterable<Entry<Captured>> {
    return this.#ledger.snapshot(from?.revision);
  }
}
