/** 1. Order: one total order per space; epochs only grow; a position means one change, to everyone. */
import { comparePlaces, placeOf } from '../place.ts';
import type { Checker } from './checker.ts';

const LATE_MS = 1_000;

export const order: Checker = {
  name: 'order',
  check({ history, lines }, violated) {
    let last = { epoch: 0, owner: '' };
    for (const { owner, head, at } of history.of('claimed')) {
      const { epoch } = placeOf(head);
      // Who was paused in the middle of its claim hears of it late, and in the same breath that it is fenced.
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
    // What was told of a change within a line is what its owner did there.
    for (const { follower, key, id, position, at } of history.of('told')) {
      const { epoch, revision } = placeOf(position);
      const candidates = lines.of(epoch).filter(({ startRevision }) => revision > startRevision);
      if (epoch === 0 || candidates.length === 0 || id === null) continue;
      const isTrue = candidates.some((line) => {
        const step = line.stepAt(revision);
        return step?.key === key && step.id === id;
      });
      if (!isTrue)
        violated(at, `${follower} was told ${key}=${id} at ${position}, where its owner did something else`);
    }
  },
};
