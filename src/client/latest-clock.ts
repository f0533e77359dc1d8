/**
 * The server's clock, as far as the client can know it: the latest time that it can be there now.
 *
 * A round trip carries the server's time, which was read after the request had been sent. So the server's time
 * less ours was then at most `now - sentAt`. What has arrived was written before: it is at least `now - at`.
 * Both bounds give way by the drift between two clocks. The core's `ServerClock` estimates the time as well,
 * which a client does not need.
 */
import type { ClientTime } from './client-time.ts';

export interface LatestClock {
  /** The latest time that it can be at the server; Infinity where that is unknown, as after a sleep. */
  latest(): number;
  /**
   * Takes what was written at `now` and has arrived.
   * @returns false where it cannot have been written yet: somebody has set the server's clock
   */
  heard(now: number): boolean;
  /**
   * Takes a round trip. Behind the same address another process may answer: what cannot be of this clock is
   * passed over.
   */
  sample(sentAt: number, now: number): void;
}

/** Two clocks drift apart by at most this much: 200 ppm, twice the tolerance of common crystals. */
const DRIFT = 2e-4;
/** Times are rounded to a microsecond, and a double is a little coarser. */
const ROUNDING_MS = 1;

export function latestClock(time: ClientTime): LatestClock {
  /** The server's time less ours is at most this, ms, as of `sampledAt`. */
  let most = Infinity;
  let sampledAt = 0;
  /** It is at least this, ms, as of `heardAt`. */
  let least = -Infinity;
  let heardAt = 0;
  const mostAt = (at: number): number => most + (at - sampledAt) * DRIFT;
  const leastAt = (at: number): number => least - (at - heardAt) * DRIFT;
  const latest = (): number => {
    const at = time.now();
    return sampledAt < time.wokeAt ? Infinity : at + mostAt(at);
  };
  return {
    latest,
    heard(now) {
      const at = time.now();
      least = Math.max(now - at, leastAt(at));
      heardAt = at;
      return now <= latest() + ROUNDING_MS;
    },
    sample(sentAt, now) {
      const offset = now - sentAt;
      if (!(offset >= leastAt(sentAt) - ROUNDING_MS && offset < mostAt(sentAt))) return;
      most = offset;
      sampledAt = sentAt;
    },
  };
}
