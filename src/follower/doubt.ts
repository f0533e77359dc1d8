/**
 * The doubt: whether the copy is its owner's state, and what is read again where it is not.
 *
 * A mismatch has the whole state read again. Where a mismatch comes after that, what Redis holds is doubtful
 * as well: the next reading says so to the owner.
 */

/** The shortest time from one reading of the whole state, after a mismatch, to the next, ms. */
const REREAD_MS = 500;
/** A whole state that takes long to read is read for this share of the time at most. */
const REREAD_SHARE = 1 / 10;

export class Doubt {
  /** The copy was found to differ from Redis or from its owner's state: the next sync reads all of it. */
  isSuspect = false;
  /** The whole state was read for the present mismatch already. */
  #hasReread = false;
  /** Before this time, on `Time`, ms, no mismatch has the whole state read again. */
  #rereadAt = -Infinity;
  #isOfKeys = false;

  /** @returns whether the mismatch has the whole state read; false where it was read a moment ago */
  mismatch(now: number): boolean {
    if (now < this.#rereadAt) return false;
    this.#isOfKeys = this.#hasReread;
    this.isSuspect = this.#hasReread = true;
    return true;
  }

  /** The copy matches, or nobody can say. */
  matches(): void {
    this.#hasReread = false;
  }

  /** A whole state was read, which took so long, ms. */
  reread(now: number, tookMs: number): void {
    this.#rereadAt = now + Math.max(REREAD_MS, tookMs / REREAD_SHARE);
  }

  /** Whether what Redis holds is doubtful. Whoever asks tells it to the owner. */
  tellOfKeys(): boolean {
    const isOfKeys = this.#isOfKeys;
    this.#isOfKeys = false;
    return isOfKeys;
  }
}
