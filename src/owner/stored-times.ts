/**
 * Stored times: whether the next cut brings the store the times of all keys, or only those of its changes, which
 * go behind the ones that are there. No clock, no I/O.
 *
 * All of them go with the first cut of an epoch, where some were lost, and once the text has doubled: a table that
 * was merged is much shorter than what was appended to it.
 */

/** A text may grow by so much before its length is looked at. */
const FREE_LENGTH = 16_384;

export class StoredTimes {
  /** The epoch under which all times were written, and the length that they had. */
  #epoch = 0;
  #length = 0;
  /** The length that the store had last: it only grows until all are written. */
  #last = 0;
  #isDue = false;
  #isUnderWay = false;

  /** Whether the next cut of an epoch has to have all times. */
  isDue(epoch: number): boolean {
    return !this.#isUnderWay && (this.#isDue || epoch !== this.#epoch);
  }

  /** A cut with all times goes out. */
  begin(): void {
    this.#isUnderWay = true;
  }

  /** @param epoch that of the cut where it was committed, else 0 */
  end(epoch: number, length: number): void {
    this.#isUnderWay = false;
    this.#isDue = epoch === 0;
    if (epoch !== 0) this.#epoch = epoch;
    this.#length = this.#last = length;
  }

  /** The store said how long the text is that it has; below zero where it is none. */
  found(length: number): void {
    if (this.#isUnderWay) return;
    this.#isDue ||= length < this.#last || length > 2 * this.#length + FREE_LENGTH;
    this.#last = length;
  }
}
