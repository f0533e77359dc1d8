/** 9. Bounded: what is stopped leaves nothing behind, whatever it was doing. (Memory is shown by the soak.) */
import type { Checker } from './checker.ts';

export const bounded: Checker = {
  name: 'bounded',
  check({ history }, violated) {
    for (const { process, timers, at } of history.of('left'))
      if (timers > 0) violated(at, `${process} left ${timers} timers behind`);
  },
};
