/**
 * When a process writes its record next. Pure.
 *
 *   nothing has changed     two seconds after the last write: a sign of life
 *   something has changed   soon, so that what changes together is one write; once in ten seconds
 *   it changes again        with the next sign of life
 */

/** Two signs of life are so far apart, ms. */
export const PERIOD_MS = 2_000;
/** What follows a change within this time is written with it, ms. */
const GATHER_MS = 300;
/** A write ahead of the next sign of life comes once in this time, ms. */
const EARLY_EVERY_MS = 10_000;

export class Pace {
  #writtenAt = -Infinity;
  #earlyAt = -Infinity;
  #changedAt: number | undefined;

  /** @param now on `Time`, ms */
  constructor(now: number) {
    this.#changedAt = now;
  }

  /** When the next write is due, on `Time`, ms. */
  get dueAt(): number {
    const regular = this.#writtenAt + PERIOD_MS;
    if (this.#changedAt === undefined) return regular;
    const soon = this.#changedAt + GATHER_MS;
    if (soon >= regular) return soon;
    return this.#isEarlyFree(soon) ? soon : regular;
  }

  /** Something that others should know has changed. */
  changed(now: number): void {
    this.#changedAt ??= now;
  }

  /** A write begins. */
  writes(now: number): void {
    if (now < this.#writtenAt + PERIOD_MS) this.#earlyAt = now;
    this.#writtenAt = now;
    this.#changedAt = undefined;
  }

  #isEarlyFree(at: number): boolean {
    return at >= this.#earlyAt + EARLY_EVERY_MS;
  }
}
