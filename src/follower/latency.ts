/** The latency of frames, for observers. */
import type { ServerClock } from '../base/clock.ts';
import type { Applied } from '../ports/observer.ts';
import type { Frame } from '../state/frame.ts';

/**
 * The latency of a frame, from `set` until it was visible here.
 * @param clock the clock that the times in the frame are on
 * @param agoMs the time since it was visible, ms
 */
export function latencyOf(
  { setAt, setErrorMs = 0, publishedAt, isAhead }: Frame,
  clock: ServerClock,
  agoMs: number,
): Pick<Applied, 'updateLatencyMs' | 'errorMs' | 'ownerMs' | 'followerMs'> {
  const now = clock.now() - agoMs;
  return {
    updateLatencyMs: setAt === undefined ? undefined : now - setAt,
    errorMs: clock.errorMs + setErrorMs,
    // An announcement has no time of Redis's, so the two parts are not known.
    ownerMs: setAt === undefined || isAhead ? undefined : publishedAt - setAt,
    followerMs: isAhead ? undefined : now - publishedAt,
  };
}
