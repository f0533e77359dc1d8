/**
 * Elapsed time: the monotonic clock, and the time for which the machine slept.
 *
 * CLOCK_MONOTONIC stands still while the machine is suspended or its VM is paused. The wall clock goes on:
 * on waking, the system sets it from the hardware's clock. So a wall clock that has run ahead of the
 * monotonic one by more than `SUSPEND_BOUND_MS` shows a sleep. Its length then counts as elapsed, as if the
 * process had been stopped for that long. (https://github.com/nodejs/node/issues/47724)
 *
 * The wall clock gives the length only roughly: the hardware's clock may count whole seconds, and somebody
 * may set the wall clock. So nothing that was measured before `wokeAt` holds after it, whatever its age:
 * samples of another clock, proofs and leases are void. The users of `Time` compare with `wokeAt`.
 *
 *   the wall clock is set forward   taken for a sleep: all is stale until it is proven anew
 *   the wall clock is set back      no sign of a sleep: later comparisons begin from there. Set back during
 *                                   a sleep, it hides that much of it
 *   a slew                          on Linux both clocks slew alike. Elsewhere the wall clock alone does, by
 *                                   500 ppm at most (adjtime), and twice that is let pass
 *   a sleep below the bound         is not counted: a staleness may be understated by so much. Sleeps below
 *                                   the bound that follow each other add up
 */

/**
 * How far the wall clock may run ahead of the monotonic one, ms. Above the grain of the wall clock (1 ms) and
 * the steps by which NTP usually sets it, and far below any staleness bound in use.
 */
export const SUSPEND_BOUND_MS = 100;
/** What the wall clock may gain by slewing: 1 ms a second, twice what adjtime takes. */
const SLEW = 1e-3;
/** The wall clock counts whole ms. */
const GRAIN_MS = 1;
/** How often the comparison begins anew, so that a slew does not add up to a sleep, ms. */
const ANCHOR_MS = 1_000;
/** How often both clocks are read, to read them at one moment. */
const MAX_READS = 5;

export interface Clocks {
  /** The monotonic clock, ms. */
  readonly monotonic: () => number;
  /** The wall clock, ms since 1970. */
  readonly wall: () => number;
  /** Runs soon, outside the call that noticed a sleep. */
  readonly later: (run: () => void) => void;
}

export class Elapsed {
  readonly #clocks: Clocks;
  readonly #wakers = new Set<() => void>();
  /** The wall clock less the monotonic one when they were last compared, ms. */
  #leadMs: number;
  #anchoredAt: number;
  #sleptMs = 0;
  #wokeAt = -Infinity;

  constructor(clocks: Clocks) {
    this.#clocks = clocks;
    this.#anchoredAt = clocks.monotonic();
    this.#leadMs = clocks.wall() - this.#anchoredAt;
  }

  /** The time that has passed, ms. It never goes back. Each call notices a sleep before it. */
  now(): number {
    const { monotonic, wall } = this.#clocks;
    const at = monotonic();
    const aheadMs = wall() - at - this.#leadMs;
    if (aheadMs < 0 || aheadMs > SUSPEND_BOUND_MS || at - this.#anchoredAt > ANCHOR_MS)
      return this.#compare();
    return at + this.#sleptMs;
  }

  /**
   * The time of the last waking, as `now()` told it first: nothing that was measured before holds.
   * -Infinity when there was none. Read `now()` first, which notices it.
   */
  get wokeAt(): number {
    return this.#wokeAt;
  }

  /** Calls back soon after a sleep was noticed. Returns a function that ends the calls. */
  onWake(run: () => void): () => void {
    this.#wakers.add(run);
    return () => void this.#wakers.delete(run);
  }

  #compare(): number {
    const { at, wall } = this.#read();
    const aheadMs = wall - at - this.#leadMs;
    const slewMs = (at - this.#anchoredAt) * SLEW;
    this.#anchoredAt = at;
    // planted: sleep
    const hasSlept = aheadMs - slewMs > SUSPEND_BOUND_MS;
    if (aheadMs < 0) this.#leadMs += aheadMs;
    else if (hasSlept) this.#woke(at, aheadMs);
    else this.#leadMs += Math.max(0, Math.min(aheadMs - GRAIN_MS, slewMs));
    return at + this.#sleptMs;
  }

  /** A process that is stopped between two readings of the clocks would see a sleep that there was not. */
  #read(): { at: number; wall: number } {
    const { monotonic, wall } = this.#clocks;
    for (let reads = 1; ; reads += 1) {
      const before = monotonic();
      const read = { wall: wall(), at: monotonic() };
      if (read.at - before < GRAIN_MS || reads === MAX_READS) return read;
    }
  }

  #woke(at: number, sleptMs: number): void {
    this.#leadMs += sleptMs;
    this.#sleptMs += sleptMs;
    this.#wokeAt = at + this.#sleptMs;
    this.#clocks.later(() => {
      for (const run of this.#wakers) run();
    });
  }
}
