/**
 * 1. Order: one total order per space. Epochs only grow, and a position means the same change to everyone.
 */
import { comparePlaces, placeOf } from '../place.ts';
import type { Checker } from './checker.ts';

const LATE_MS = 1_000;

export const order: Checker = {
  name: 'order',
  check({ history, lines }, violated) {
    let last = { epoch: 0, owner: '' };
    for (const { owner, head, at } of history.of('claimed')) {
      const { epoch } = placeOf(head);
      // An owner that was paused during its claim learns of the claim late, just before it learns that it is
      // fenced.
      const isLate = history
        .of('fenced')
        .some((fenced) => fenced.owner === owner && fenced.at >= at && fenced.at - at < LATE_MS);
      if (isLate && epoch < last.epoch) continue;
      if (epoch <= last.epoch)
        violated(at, `${owner} claimed ${epoch}, after ${last.owner} had ${last.epoch}`);
      last = { epoch, owner };
    }
    for (const { owner, ops } of lines.lives.values()) {
      for (const [n, op] of ops.entries()) {
        const before = ops[n - 1];
        if (before !== undefined && comparePlaces(before.head, op.head) >= 0)
          violated(op.at, `${owner} set ${op.key} at ${op.head}, after ${before.head}`);
      }
    }
    // The change that a watch callback got for a position is the change that the owner made there.
    for (const { follower, key, id, position, at } of history.of('told')) {
      const { epoch, revision } = placeOf(position);
      const candidates = lines.of(epoch).filter(({ startRevision }) => revision > startRevision);
      if (epoch === 0 || candidates.length === 0 || id === null) continue;
      const isTrue = candidates.some((line) => {
        const step = line.stepAt(revision);
        return step?.key === key && step.id === id;
      });
      if (!isTrue)
        violated(at, `${follower} watched ${key}=${id} at ${position}, where its owner made another change`);
    }
  },
};
