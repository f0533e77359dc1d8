/**
 * The longest time for which the event loop of this process served nobody else, as a timer of 1 ms sees it:
 * collections of garbage and waits for a processor are in it.
 */
import { monotonicMs } from './clock.ts';

const EVERY_MS = 1;

export class Stretch {
  #lastAt = monotonicMs();
  #longestMs = 0;

  constructor() {
    setInterval(() => this.#look(), EVERY_MS);
  }

  /** The longest stretch since the last call, ms. */
  take(): number {
    this.#look();
    const longestMs = this.#longestMs;
    this.#longestMs = 0;
    return longestMs;
  }

  #look(): void {
    const now = monotonicMs();
    this.#longestMs = Math.max(this.#longestMs, now - this.#lastAt - EVERY_MS);
    this.#lastAt = now;
  }
}
