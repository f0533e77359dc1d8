/** What of an owner's changes waits for Redis, and since when. Pure: it is told the revisions and the time. */

/** Less than this is the way there and back, ms. */
const NORMAL_MS = 500;

/** What waits. */
export interface Waits {
  /** Sets and deletes that Redis is not known to hold. Of each key only the latest goes out. */
  readonly changes: number;
  /** Since when Redis has taken nothing, although something waited, on the clock of `look`, ms. */
  readonly since: number;
}

export class Waiting {
  #confirmed = -1;
  #since: number | undefined;

  /**
   * @param head the newest revision of the owner
   * @param confirmed the newest revision that Redis is known to hold
   * @returns what waits for longer than usual
   */
  look({ head, confirmed }: { head: number; confirmed: number }, now: number): Waits | undefined {
    const changes = Math.max(0, head - confirmed);
    if (confirmed !== this.#confirmed || changes === 0) this.#since = undefined;
    this.#confirmed = confirmed;
    if (changes === 0) return undefined;
    const since = (this.#since ??= now);
    return now - since < NORMAL_MS ? undefined : { changes, since };
  }
}
