/**
 * A reading says when its key was set: wrong by at most 1 % of the age, and by what the setter did not know of the
 * server's clock. While the state is live, it says so for each key.
 */
import type { Checker } from './checker.ts';

/** The largest error of a change's time by its age. */
const ERROR_PER_AGE = 0.01;
/** And while a machine that has slept has not heard the server again: what is not known of the sleep. */
const SLEPT_MS = 1_000;
/**
 * A clock that is set is taken for a sleep, and its length for that of a sleep. What was set so shortly before or after,
 * while the owner had no answer of the server, may be wrong by as much.
 */
const CLOCK_SET_MS = 1_000;
/** What an owner may not know of the server's clock, and the rounding to whole ms. */
const CLOCK_MS = 260;

export const honestTimes: Checker = {
  name: 'honest times',
  check({ history, bounds }, violated) {
    // Somebody has put another type at what Redis has of times: until it is mended, newcomers do not know them.
    const faults = history.of('fault').map(({ name }) => name);
    const isLost = faults.some((name) => name.endsWith(' at times'));
    const setAt = new Map<number, number>();
    const clockSets = history.of('clockSet').map(({ at }) => at);
    const isJudged = (at: number): boolean => clockSets.every((one) => Math.abs(one - at) > CLOCK_SET_MS);
    for (const { id, at } of history.of('op')) if (id !== null && isJudged(at)) setAt.set(id, at);
    for (const { at, follower, freshness, dates = [] } of history.of('read'))
      for (const [id, changedAt] of dates) {
        const truth = id === null ? undefined : setAt.get(id);
        if (truth === undefined) continue;
        if (changedAt === undefined) {
          if (freshness === 'live' && !isLost)
            violated(at, `${follower} is live, and does not know when ${id} was set`);
          continue;
        }
        const error = Math.abs(changedAt - truth);
        const hasSlept = bounds.clockErrorMs > 0;
        const bound = (at - truth) * ERROR_PER_AGE + CLOCK_MS + (hasSlept ? SLEPT_MS : 0);
        if (error > bound) {
          const ago = `${Math.round(at - truth)} ms ago`;
          violated(
            at,
            `${follower} shows that ${id} was set at ${changedAt}, and it was at ${truth}, ${ago}`,
          );
        }
      }
  },
};
