/** 4. No going back: the position of a follower never falls, and no `waitFor` resolves too early. */
import { comparePlaces } from '../place.ts';
import type { Checker } from './checker.ts';

export const noGoingBack: Checker = {
  name: 'no going back',
  check({ history }, violated) {
    const heads = new Map<string, string>();
    for (const event of history.events) {
      if (!('follower' in event) || !('head' in event)) continue;
      const { follower, head, at } = event;
      const before = heads.get(follower) ?? '0-0';
      if (comparePlaces(head, before) < 0) violated(at, `${follower} went back from ${before} to ${head}`);
      heads.set(follower, head);
      if (event.type === 'waited' && comparePlaces(head, event.position) < 0)
        violated(at, `${follower} waited for ${event.position}, but the wait ended at ${head}`);
    }
  },
};
