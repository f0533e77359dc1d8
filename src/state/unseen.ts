/**
 * The oldest change that a reader lacked until now: it was set first of all that came after the reader's revision,
 * also where a later set of the same key has replaced it meanwhile. So no outage can hide in a conflated frame.
 */
import type { ServerClock } from '../base/clock.ts';
import type { ChangeTimes } from './change-times.ts';

export interface Unseen {
  /** The time since it was set, ms. */
  readonly ageMs: number;
  /** The bound of its error, as far as it is known here, ms. */
  readonly errorMs: number;
}

/** Times are kept in whole ms. */
const ROUNDING_MS = 1;

/**
 * @param from the revision at which the reader was
 * @returns `undefined` where there is no such change, or the time of it is not known
 */
export function unseenSince(times: ChangeTimes, from: number, clock: ServerClock): Unseen | undefined {
  const { errorMs } = clock;
  const span = times.find(from + 1);
  if (span === undefined || !Number.isFinite(errorMs)) return undefined;
  const seen = times.find(from);
  // A key that was put right has a new revision and an old time. Nobody has waited for it since then.
  if (seen !== undefined && span.hi < seen.lo) return undefined;
  const half = span.after === from ? 0 : (span.hi - span.lo) / 2;
  return { ageMs: Math.max(0, clock.now() - span.lo - half), errorMs: errorMs + half + ROUNDING_MS };
}
