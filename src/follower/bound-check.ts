/**
 * The bound check: whether this follower's staleness bound fits the heartbeat of its owner.
 *
 * An owner at rest proves its state once a heartbeat. With a bound below two of them, one late heartbeat
 * makes readings stale though nothing is wrong. Nobody sees that in the options of one process alone: each of
 * the two is set in another. So the follower says it, once for each length of the heartbeat.
 */
import type { Reporter } from '../actor/reporter.ts';
import { TandemError } from '../base/errors.ts';

/** The least number of heartbeats within the bound. */
const HEARTBEATS = 2;

export class BoundCheck {
  readonly #space: string;
  readonly #reporter: Reporter;
  readonly #maxStaleMs: number;
  /** The heartbeat that was checked last, ms. */
  #checkedMs = 0;

  constructor(space: string, reporter: Reporter, maxStaleMs: number) {
    this.#space = space;
    this.#reporter = reporter;
    this.#maxStaleMs = maxStaleMs;
  }

  /** A heartbeat of the owner says how often it comes. */
  heard(heartbeatMs: number): void {
    if (heartbeatMs === this.#checkedMs) return;
    this.#checkedMs = heartbeatMs;
    const leastMs = heartbeatMs * HEARTBEATS;
    if (this.#maxStaleMs >= leastMs) return;
    const what = `maxStaleMs is ${this.#maxStaleMs}, and the owner of space "${this.#space}" has a heartbeat of ${heartbeatMs} ms`;
    const advice = `readings become stale while all is well: set maxStaleMs to ${leastMs} at least, or a shorter heartbeatMs`;
    this.#reporter.warn(new TandemError('STALENESS_BOUND', `${what}; ${advice}`));
  }
}
