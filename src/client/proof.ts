/**
 * What the last word of the server proves, on the client's own time. It only ages: whatever the stream, the tab
 * or the machine does, a reading says how old its proof is when it is read.
 *
 * The server says when it wrote an event, on its clock, and how old its own proof was then. By the latest time
 * that it can be at the server, the event was on its way for so long. So an event that waited in a buffer, or
 * for a tab that slept, counts as being as old as it is.
 */
import type { Freshness, OwnerState, Source } from '../state/reading.ts';
import type { ClientTime } from './client-time.ts';
import type { LatestClock } from './latest-clock.ts';

/** The fields of `state` and `status` events that prove something. */
export interface Word {
  readonly head: string;
  /** On the server's clock, ms. */
  readonly now: number;
  readonly freshness: Freshness;
  /** `null`: never proven. */
  readonly staleMs: number | null;
  readonly source: Source;
  readonly owner: OwnerState;
  readonly leaseMs: number;
}

/** Times are on the client's own time, ms. */
export interface Proven {
  readonly source: Source;
  readonly freshness: Freshness;
  readonly owner: OwnerState;
  /** The server said so then, at the latest. */
  readonly writtenAt: number;
  /** The state was current then. */
  readonly provenAt: number;
  readonly aliveUntil: number;
}

export interface Proof {
  readonly source: Source;
  /** Time since the owner proved the state current, ms; Infinity when it never did. */
  readonly staleMs: number;
  readonly freshness: Freshness;
  readonly owner: OwnerState;
  /** The time after which it says something else without another word, ms from now; Infinity for never. */
  readonly restMs: number;
}

/** Nothing was heard yet. */
export const NOTHING: Proven = {
  source: 'memory',
  freshness: 'stale',
  owner: 'never',
  writtenAt: -Infinity,
  provenAt: -Infinity,
  aliveUntil: -Infinity,
};

/** What a word that arrives now proves. */
export function provenBy(word: Word, clock: LatestClock, time: ClientTime): Proven {
  const { source, freshness, owner } = word;
  const writtenAt = time.now() - Math.max(0, clock.latest() - word.now);
  const provenAt = writtenAt - (word.staleMs ?? Infinity);
  return { source, freshness, owner, writtenAt, provenAt, aliveUntil: writtenAt + word.leaseMs };
}

/** Each field is computed when it is read. */
export function proofOf(proven: Proven, time: ClientTime, maxStaleMs: number): Proof {
  const { source, provenAt, aliveUntil } = proven;
  return {
    source,
    get staleMs() {
      return Math.max(0, time.now() - provenAt);
    },
    get freshness() {
      // The age is read first: that notices that the machine slept, and how long it slept is known roughly.
      return this.staleMs <= maxStaleMs && provenAt >= time.wokeAt ? proven.freshness : 'stale';
    },
    get owner() {
      const isAlive = time.now() < aliveUntil && proven.writtenAt >= time.wokeAt;
      return proven.owner === 'alive' && !isAlive ? 'lost' : proven.owner;
    },
    get restMs() {
      const staleInMs = this.freshness === 'live' ? maxStaleMs - this.staleMs + 1 : Infinity;
      return Math.min(staleInMs, this.owner === 'alive' ? aliveUntil - time.now() : Infinity);
    },
  };
}
