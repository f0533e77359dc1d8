/** How long what is visible here took to come, for those who measure. */
import type { ServerClock } from '../base/clock.ts';
import type { Applied } from '../ports/observer.ts';
import type { Frame } from '../state/frame.ts';

/** How long a frame took from `set` to being visible here, so long ago, by the clock that its times are on. */
export function latencyOf(
  { setAt, setErrorMs = 0, publishedAt, isAhead }: Frame,
  clock: ServerClock,
  agoMs: number,
): Pick<Applied, 'updateLatencyMs' | 'errorMs' | 'ownerMs' | 'followerMs'> {
  const now = clock.now() - agoMs;
  return {
    updateLatencyMs: setAt === undefined ? undefined : now - setAt,
    errorMs: clock.errorMs + setErrorMs,
    // What was announced bears no time of Redis's: nobody knows when it was there.
    ownerMs: setAt === undefined || isAhead ? undefined : publishedAt - setAt,
    followerMs: isAhead ? undefined : now - publishedAt,
  };
}
