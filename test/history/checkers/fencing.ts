/**
 * 6. Fencing: a follower that has seen epoch e applies nothing of a lower epoch. Nobody sees what an owner
 * sets after another has replaced it: through Redis, from the claim on; by any path, from when the follower's
 * process has heard of the claim. And an owner that was stopped past its lease does not show its own state as
 * live on waking, where another has claimed.
 */
import { placeOf } from '../place.ts';
import type { EventOf, History } from '../event.ts';
import type { Checker, Material } from './checker.ts';

export const fencing: Checker = {
  name: 'fencing',
  check({ history, lines, bounds }, violated) {
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
      for (const { id, at } of line.steps)
        if (id !== null && at > until && !lines.isReinstated(line, at)) late.add(id);
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
    for (const { follower, key, id, at } of heldAgainstFence(history))
      violated(at, `${follower} holds ${key}=${id}, set after it had heard of the next claim`);
    checkWaking({ history, lines, bounds }, violated);
    for (const { owner, state, at } of history.of('claimed')) {
      for (const [key, id] of state) {
        if (id !== null && late.has(id) && !setBy(lines.life(owner).ops, id))
          violated(at, `${owner} took over ${key}=${id}, set by a fenced owner`);
      }
    }
  },
};

/**
 * An owner that was stopped past its lease, while another claimed: it is not live on waking, and nobody sees
 * what it sets before it is fenced. Where it claims again, Redis had forgotten the other.
 */
function checkWaking(
  { history, lines, bounds }: Pick<Material, 'history' | 'lines' | 'bounds'>,
  violated: (at: number, what: string) => void,
): void {
  const late = new Map<number, string>();
  for (const { owner, at, stoppedMs, freshness } of history.of('awoke')) {
    const other = lines.all.find(
      (line) => line.owner !== owner && line.claimedAt > at - stoppedMs && line.claimedAt < at,
    );
    const { lines: own, ops } = lines.life(owner);
    if (stoppedMs < bounds.leaseMs || other === undefined || own.at(-1)!.claimedAt > at) continue;
    if (freshness === 'live')
      violated(at, `${owner} is live on waking, although ${other.owner} has claimed meanwhile`);
    for (const { id, at: setAt } of ops)
      if (id !== null && setAt >= at && !lines.isReinstated(own.at(-1)!, setAt)) late.set(id, owner);
  }
  for (const { follower, state, at } of late.size === 0 ? [] : history.of('read'))
    for (const [key, id] of state)
      if (id !== null && late.has(id))
        violated(
          at,
          `${follower} holds ${key}=${id}, which ${late.get(id)} set after it had slept past its lease`,
        );
}

function setBy(ops: readonly { id: number | null }[], id: number): boolean {
  return ops.some((op) => op.id === id);
}

interface Held {
  readonly follower: string;
  readonly key: string;
  readonly id: number;
  readonly at: number;
}

/**
 * Values that a follower shows as live under an epoch below a fence that it had heard of before they were
 * set.
 */
function* heldAgainstFence(history: History): Generator<Held> {
  const setAt = new Map(history.of('op').map(({ id, at }) => [id, at]));
  const heard = Map.groupBy(history.of('heard'), ({ follower }) => follower);
  for (const { follower, head, state, at, freshness } of history.of('read')) {
    if (freshness === 'stale') continue;
    const { epoch } = placeOf(head);
    const heardAt = firstAbove(heard.get(follower) ?? [], epoch);
    if (heardAt >= at) continue;
    for (const [key, id] of state)
      if (id !== null && (setAt.get(id) ?? 0) > heardAt) yield { follower, key, id, at };
  }
}

/** When a fence above the epoch was heard of first; `Infinity` where none was. */
function firstAbove(heard: readonly EventOf<'heard'>[], epoch: number): number {
  return heard.find(({ fence }) => fence > epoch)?.at ?? Infinity;
}
