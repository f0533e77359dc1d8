/**
 * The backlog: frames that arrive while the keys are read. They wait until the copy has come to where they
 * follow.
 *
 * Bounded: beyond the bound, the oldest frames are dropped. What they bring is in the keys by the time that
 * these are read. Where it is not, the follower finds a gap, and reads the keys again.
 */
import type { Arrival } from './arrival.ts';

/** The greatest number of frames, and of their UTF-16 code units together. */
const MAX_FRAMES = 1_000;
const MAX_LENGTH = 8 * 1024 * 1024;

interface Waiting {
  readonly arrival: Arrival;
  readonly length: number;
}

export class Backlog {
  readonly #waiting: Waiting[] = [];
  #length = 0;

  get size(): number {
    return this.#waiting.length;
  }

  /** The oldest frame. */
  get first(): Arrival | undefined {
    return this.#waiting[0]?.arrival;
  }

  /** @param length of the message, UTF-16 code units */
  add(arrival: Arrival, length: number): void {
    this.#waiting.push({ arrival, length });
    this.#length += length;
    while (this.#waiting.length > MAX_FRAMES || this.#length > MAX_LENGTH) this.shift();
  }

  /** Removes the oldest frame. */
  shift(): void {
    this.#length -= this.#waiting.shift()?.length ?? 0;
  }

  clear(): void {
    this.#waiting.length = 0;
    this.#length = 0;
  }
}
