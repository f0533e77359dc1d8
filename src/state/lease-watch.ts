/**
 * The lease watch: how long another owner's lease may still run, as one watcher sees it. No clock, no I/O.
 *
 * The store keeps a lease as an expiry by its own clock. Somebody may have set that clock back, or have
 * written a lease by hand, and then hours are left of a lease that was asked for three seconds. A living
 * owner renews its lease many times in the length that it asks for, and each renewal changes the expiry. So
 * a lease whose expiry has stood still for that length, by the watcher's own clock, is over.
 */

/** A lease as the store shows it. */
export interface ShownLease {
  /** The rest of it by the server's clock, ms; 0 for none, `Infinity` where it has no expiry. */
  readonly leaseMs: number;
  /** The length that its holder asked for, ms; 0 where that is not known. */
  readonly leaseAskedMs: number;
  /** Server's time, ms. */
  readonly now: number;
}

/** The length of a lease where nobody says for how long it was asked, ms. */
const ASSUMED_MS = 3_000;
/** An expiry is computed from two times, and one of them is rounded: it may differ by this much, ms. */
const ROUNDING_MS = 2;

export class LeaseWatch {
  /** Server's time, ms; `undefined` for no lease. */
  #expiresAt: number | undefined;
  #assumedMs = ASSUMED_MS;
  #askedMs = 0;
  /** The time of the first look that showed this expiry, on the watcher's clock, ms. */
  #seenAt = 0;
  #renewals = 0;

  /**
   * How often a look has shown a renewal: another expiry than the look before, as far ahead as the lease is long at
   * most. A lease that was written by hand may run for hours, and is none. An earlier expiry is one only where the
   * last one was too far ahead: else Redis was rolled back.
   */
  get renewals(): number {
    return this.#renewals;
  }

  /** Where nobody says for how long a lease was asked, it was for as long as the watcher would ask, ms. */
  assume(leaseMs: number): void {
    this.#assumedMs = leaseMs;
  }

  /**
   * Looks at the lease.
   * @param at on the watcher's clock, ms
   * @returns the time for which the lease may still run from `at` on, ms; 0 where it is over
   */
  look({ leaseMs, leaseAskedMs, now }: ShownLease, at: number): number {
    if (leaseMs <= 0) {
      this.#expiresAt = undefined;
      return 0;
    }
    const expiresAt = now + leaseMs;
    this.#askedMs = leaseAskedMs > 0 ? leaseAskedMs : this.#assumedMs;
    if (this.#expiresAt === undefined || !isSame(this.#expiresAt, expiresAt)) {
      if (this.#isRenewal(expiresAt, now + this.#askedMs + ROUNDING_MS)) this.#renewals += 1;
      this.#expiresAt = expiresAt;
      this.#seenAt = at;
    }
    // planted: lease-believed
    return Math.max(0, Math.min(leaseMs, this.#seenAt + this.#askedMs - at));
  }

  /** @param latest the latest expiry that a renewal can have, server's time in ms */
  #isRenewal(expiresAt: number, latest: number): boolean {
    const before = this.#expiresAt;
    return before !== undefined && expiresAt <= latest && (expiresAt > before || before > latest);
  }

  /**
   * The expiry of a lease that was watched to its end, server's time in ms; `undefined` where there is none.
   * @param at on the watcher's clock, ms
   */
  outwaited(at: number): number | undefined {
    return at - this.#seenAt >= this.#askedMs ? this.#expiresAt : undefined;
  }
}

function isSame(a: number, b: number): boolean {
  return a === b || Math.abs(a - b) <= ROUNDING_MS;
}
