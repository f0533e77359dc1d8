/** 9. Bounded: a stopped process leaves nothing behind, whatever it was doing. (The soak checks memory.) */
import type { Checker } from './checker.ts';

export const bounded: Checker = {
  name: 'bounded',
  check({ history }, violated) {
    for (const { process, timers, at } of history.of('left'))
      if (timers > 0) violated(at, `${process} left ${timers} timers behind`);
  },
};
