/** The load that this package puts on its process, as an operator asks for it. */
import type { Slices } from './slices.ts';

/** The load that this package puts on its process. */
export interface Load {
  /**
   * The longest time in the last minute for which work of this package held the event loop in one piece, ms.
   * The time of your own callbacks is not in it.
   */
  readonly longestStretchMs: number;
  /** What the process holds for HTTP clients that have not taken it yet, bytes. */
  readonly heldBytes: number;
  /** The number of jobs that are cut into slices and are not finished. */
  readonly waitingSlices: number;
}

export class LoadMeter {
  readonly #slices: Slices;
  readonly #holders: (() => number)[] = [];

  constructor(slices: Slices) {
    this.#slices = slices;
  }

  /** Counts what somebody holds for clients, bytes, from now on. */
  holds(bytes: () => number): void {
    this.#holders.push(bytes);
  }

  now(): Load {
    const { stretches, waiting } = this.#slices;
    const heldBytes = this.#holders.reduce((sum, bytes) => sum + bytes(), 0);
    return Object.freeze({ longestStretchMs: stretches.longestMs, heldBytes, waitingSlices: waiting });
  }
}
