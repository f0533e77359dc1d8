/** The roster in memory: the texts of processes, until their time is over. */
import type { RosterPage } from '../ports/roster.ts';

interface Kept {
  readonly text: string;
  /** Server's time, ms. */
  readonly until: number;
}

export class MemoryRoster {
  readonly #now: () => number;
  readonly #kept = new Map<string, Kept>();

  /** @param now the server's time, ms */
  constructor(now: () => number) {
    this.#now = now;
  }

  write(id: string, text: string, keptMs: number): void {
    this.#kept.set(id, { text, until: this.#now() + keptMs });
  }

  read(): RosterPage {
    const now = this.#now();
    for (const [id, { until }] of this.#kept) if (until <= now) this.#kept.delete(id);
    const entries = [...this.#kept].map(([id, { text, until }]) => ({ id, text, restMs: until - now }));
    return { now, entries, leftOut: 0 };
  }

  /** The server has lost everything. */
  wipe(): void {
    this.#kept.clear();
  }
}
