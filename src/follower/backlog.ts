/**
 * Frames that arrive while the keys are read, kept until the copy has come to where they follow.
 *
 * Bounded: what does not fit is dropped. The follower then finds a gap, and reads the keys again.
 */
import type { Arrival } from './arrival.ts';

const MAX_FRAMES = 1_000;
/** UTF-16 code units. */
const MAX_LENGTH = 8 * 1024 * 1024;

export class Backlog {
  #arrivals: Arrival[] = [];
  #length = 0;

  /** The oldest. */
  get first(): Arrival | undefined {
    return this.#arrivals[0];
  }

  /** @param length of the message, UTF-16 code units */
  add(arrival: Arrival, length: number): void {
    this.#length += length;
    if (this.#arrivals.length < MAX_FRAMES && this.#length < MAX_LENGTH) this.#arrivals.push(arrival);
  }

  /** The oldest is dealt with. */
  shift(): void {
    this.#arrivals.shift();
  }

  clear(): void {
    this.#arrivals = [];
    this.#length = 0;
  }
}
