/** For how long a reading was stale, as a reader sees it that reads every ms. */
import type { Reading } from '../../src/index.ts';
import { monotonicMs } from './clock.ts';

export class Staleness {
  #lastAt = monotonicMs();
  #staleMs = 0;

  constructor(read: () => Pick<Reading, 'freshness'>) {
    setInterval(() => {
      const now = monotonicMs();
      // A loop that was held could not read. What it reads first counts for all of that time.
      if (read().freshness === 'stale') this.#staleMs += now - this.#lastAt;
      this.#lastAt = now;
    }, 1);
  }

  /** Since the last call, ms. */
  take(): number {
    const staleMs = this.#staleMs;
    this.#staleMs = 0;
    return staleMs;
  }
}
