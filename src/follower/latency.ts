/** The update latency of frames, for observers. */
import type { ServerClock } from '../base/clock.ts';
import type { Applied } from '../ports/observer.ts';
import type { Frame } from '../state/frame.ts';
import type { Unseen } from '../state/unseen.ts';

type Latencies = Pick<Applied, 'updateLatencyMs' | 'frameLatencyMs' | 'errorMs' | 'ownerMs' | 'followerMs'>;

/**
 * The latencies of a frame, from `set` until it was visible here.
 * @param clock the clock that the times in the frame are on
 * @param agoMs the time since it was visible, ms
 * @param unseen the oldest change that was not visible before, now; `undefined` where the frame itself says it
 */
export function latencyOf(
  { setAt, setErrorMs = 0, publishedAt, isAhead }: Frame,
  clock: ServerClock,
  agoMs: number,
  unseen: Unseen | undefined,
): Latencies {
  const now = clock.now() - agoMs;
  const inFrame = setAt === undefined ? undefined : { ms: now - setAt, errorMs: clock.errorMs + setErrorMs };
  const before = unseen && { ms: unseen.ageMs - agoMs, errorMs: unseen.errorMs };
  // The time in the frame is exact to the µs, so it stands where both say the same.
  const isSame = inFrame && before && Math.abs(before.ms - inFrame.ms) <= before.errorMs + inFrame.errorMs;
  const update = before === undefined || isSame ? inFrame : before;
  const followerMs = isAhead ? undefined : now - publishedAt;
  return {
    updateLatencyMs: update?.ms,
    frameLatencyMs: inFrame?.ms,
    errorMs: update?.errorMs ?? clock.errorMs + setErrorMs,
    // An announcement has no time of Redis's, so the two parts are not known.
    ownerMs: update && followerMs !== undefined ? update.ms - followerMs : undefined,
    followerMs,
  };
}
