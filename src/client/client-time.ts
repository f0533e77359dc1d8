/** The time of a client: that of a browser, or of whatever else has timers. */
import { Elapsed } from '../base/elapsed.ts';
import type { Time } from '../base/time.ts';

/** What a client needs of a time. A `fakeTime()` of `tandem-sync/testing` has it. */
export type ClientTime = Pick<Time, 'now' | 'wokeAt' | 'onWake' | 'after' | 'random'>;

/** A browser turns a longer delay into none. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export function systemTime(): ClientTime {
  const elapsed = new Elapsed({
    monotonic: () => performance.now(),
    wall: () => Date.now(),
    // A browser's is called as a function alone.
    later: (run) => queueMicrotask(run),
  });
  return {
    now: () => elapsed.now(),
    get wokeAt() {
      return elapsed.wokeAt;
    },
    onWake: (run) => elapsed.onWake(run),
    after(ms, run) {
      const timer = setTimeout(run, Math.min(ms, MAX_TIMER_MS));
      return () => clearTimeout(timer);
    },
    random: () => Math.random(),
  };
}
