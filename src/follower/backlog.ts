/**
 * The backlog: frames that arrive while the keys are read. They wait until the copy has come to where they
 * follow.
 *
 * Bounded: a frame that does not fit is dropped. The follower then finds a gap, and reads the keys again.
 */
import type { Arrival } from './arrival.ts';

/** The greatest number of frames, and of their UTF-16 code units together. */
const MAX_FRAMES = 1_000;
const MAX_LENGTH = 8 * 1024 * 1024;

export class Backlog {
  #arrivals: Arrival[] = [];
  #length = 0;

  /** The oldest frame. */
  get first(): Arrival | undefined {
    return this.#arrivals[0];
  }

  /** @param length of the message, UTF-16 code units */
  add(arrival: Arrival, length: number): void {
    this.#length += length;
    if (this.#arrivals.length < MAX_FRAMES && this.#length < MAX_LENGTH) this.#arrivals.push(arrival);
  }

  /** Removes the oldest frame. */
  shift(): void {
    this.#arrivals.shift();
  }

  clear(): void {
    this.#arrivals = [];
    this.#length = 0;
  }
}
