/**
 * 6. Fencing: a follower that has seen epoch e applies nothing of a lower epoch. Nobody sees what an owner
 * sets after another has replaced it.
 */
import { placeOf } from '../place.ts';
import type { Checker } from './checker.ts';

export const fencing: Checker = {
  name: 'fencing',
  check({ history, lines }, violated) {
    const seen = new Map<string, number>();
    for (const event of history.events) {
      if (!('follower' in event) || !('head' in event)) continue;
      const { epoch } = placeOf(event.head);
      const highest = seen.get(event.follower) ?? 0;
      if (epoch < highest) violated(event.at, `${event.follower} applied epoch ${epoch} after ${highest}`);
      seen.set(event.follower, Math.max(highest, epoch));
    }
    const late = new Set<number>();
    for (const line of lines.all) {
      const until = lines.supersededAt(line);
      for (const { id, at } of line.steps) if (id !== null && at > until) late.add(id);
    }
    const byRedisOnly = new Set(
      history.of('follows').flatMap(({ follower, direct }) => (direct ? [] : [follower])),
    );
    for (const { follower, state, at } of history.of('read')) {
      if (!byRedisOnly.has(follower)) continue;
      for (const [key, id] of state)
        if (id !== null && late.has(id))
          violated(at, `${follower} holds ${key}=${id}, set by a fenced owner`);
    }
    for (const { owner, state, at } of history.of('claimed')) {
      for (const [key, id] of state) {
        if (id !== null && late.has(id) && !setBy(lines.life(owner).ops, id))
          violated(at, `${owner} took over ${key}=${id}, set by a fenced owner`);
      }
    }
  },
};

function setBy(ops: readonly { id: number | null }[], id: number): boolean {
  return ops.some((op) => op.id === id);
}
