/** 3. Atomic: a follower's position is always one that some owner had between two batches. */
import { placeOf } from '../place.ts';
import type { Checker } from './checker.ts';

export const atomic: Checker = {
  name: 'atomic',
  check({ history, lines }, violated) {
    for (const event of history.events) {
      if (event.type !== 'read' && event.type !== 'told' && event.type !== 'sync') continue;
      const { epoch, revision } = placeOf(event.head);
      if (revision === 0) continue;
      if (lines.of(epoch).some((line) => line.stateAt(revision) !== undefined)) continue;
      violated(
        event.at,
        `${event.follower} was at ${event.head}, which was never an owner's position between two batches`,
      );
    }
  },
};
