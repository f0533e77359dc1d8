/**
 * A cut of the ledger as it was at one moment: the changes after one revision and up to another, walked once,
 * while others are set. Each is hashed as the walk comes to it, so that no stretch of hashing is long. Pure.
 */
import type { Captured } from './captured.ts';
import type { Change } from './change.ts';
import { hashOf } from './digest.ts';
import type { RevisionMap } from './revision-map.ts';
import type { RunningDigest } from './running-digest.ts';

/** The size of some changes: their number, and the bytes of their keys and values. */
export interface Extent {
  readonly changes: number;
  readonly bytes: number;
}

export class LedgerCut implements Iterable<Change> {
  readonly #map: RevisionMap<Captured>;
  readonly #running: RunningDigest;
  readonly #after: number;
  readonly #upTo: number;
  readonly #hashedUpTo: number;
  readonly #horizon: number;
  #isUndisturbed: boolean;
  #digest: number | undefined;

  /** @param running has come to `after`, unless it is behind */
  constructor(map: RevisionMap<Captured>, running: RunningDigest, after: number, upTo: number) {
    this.#map = map;
    this.#running = running;
    this.#after = after;
    this.#upTo = upTo;
    this.#hashedUpTo = running.hashedUpTo;
    this.#horizon = map.horizon;
    this.#isUndisturbed = running.hashedUpTo <= upTo;
  }

  /** The digest of the state up to which the changes lead, after the walk; `undefined` where it is not known. */
  get digest(): number | undefined {
    return this.#digest;
  }

  *[Symbol.iterator](): Iterator<Change> {
    for (const { key, revision, value } of this.#map.snapshot(this.#after)) {
      if (revision > this.#upTo) break;
      const json = value?.json ?? '';
      if (this.#mayHash()) this.#map.rehashTo(key, hashOf(key, revision, json));
      yield { key, revision, json };
    }
    if (!this.#mayHash()) return;
    this.#running.wasWalkedTo(this.#upTo);
    // A tombstone that was dropped meanwhile may have taken the hash of this state with it.
    if (this.#map.horizon === this.#horizon) this.#digest = this.#map.digest;
  }

  /** Whoever asks for a later digest meanwhile has keys hashed as they are by then. */
  #mayHash(): boolean {
    const { hashedUpTo, isBehind } = this.#running;
    return (this.#isUndisturbed &&= hashedUpTo === this.#hashedUpTo && !isBehind);
  }
}
