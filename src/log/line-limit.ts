/**
 * A limit for lines: at most so many in a period, and then one line that says how many were left out. Pure.
 *
 * A period begins with its first line. Once lines were left out, the period ends with `settle`, whose caller
 * writes that one line, and the next period begins with it.
 */
export class LineLimit {
  readonly #lines: number;
  readonly #periodMs: number;
  #startedAt = -Infinity;
  #taken = 0;
  #leftOut = 0;

  constructor(lines: number, periodMs: number) {
    this.#lines = lines;
    this.#periodMs = periodMs;
  }

  /** Whether a line may be written at this moment, on `Time`, ms. If not, it is counted as left out. */
  take(now: number): boolean {
    if (this.#leftOut === 0 && now - this.#startedAt >= this.#periodMs) this.#begin(now, 0);
    if (this.#leftOut > 0 || this.#taken >= this.#lines) {
      this.#leftOut += 1;
      return false;
    }
    this.#taken += 1;
    return true;
  }

  /** When to call `settle`, on `Time`, ms; `undefined` where nothing was left out. */
  get dueAt(): number | undefined {
    return this.#leftOut > 0 ? this.#startedAt + this.#periodMs : undefined;
  }

  /** Ends the period. Returns how many lines were left out, and the time over which they were, ms. */
  settle(now: number): { readonly leftOut: number; readonly withinMs: number } {
    const settled = { leftOut: this.#leftOut, withinMs: now - this.#startedAt };
    this.#begin(now, 1);
    return settled;
  }

  #begin(now: number, taken: number): void {
    this.#startedAt = now;
    this.#taken = taken;
    this.#leftOut = 0;
  }
}
