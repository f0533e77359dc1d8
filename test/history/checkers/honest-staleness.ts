/**
 * 5. Honest staleness: a reading marked `live` misses nothing that was set more than the staleness bound ago.
 *
 * That holds for what the owner of the reading's epoch has set. Where Redis is the only path, it also holds
 * for a later owner. (A superseded owner's process cannot know of later owners, so its readings promise
 * nothing about them: see docs/decisions.md.)
 */
import { placeOf } from '../place.ts';
import type { Checker, Material } from './checker.ts';
import type { OwnerLine } from '../lines.ts';

export const honestStaleness: Checker = {
  name: 'honest staleness',
  check(material, violated) {
    const { history, lines, bounds } = material;
    const byRedisOnly = new Set(
      history.of('follows').flatMap(({ follower, direct }) => (direct ? [] : [follower])),
    );
    const losses = [...history.of('fault').filter(({ losesData }) => losesData), ...history.of('loss')];
    for (const read of history.of('read')) {
      if (read.freshness === 'stale') continue;
      if (read.staleMs > bounds.stalenessMs)
        violated(read.at, `${read.follower} is live, but ${read.staleMs} ms stale`);
      const dueAt = read.at - bounds.stalenessMs - bounds.clockErrorMs;
      const { epoch, revision } = placeOf(read.head);
      const candidates = lines.of(epoch);
      const missed = Math.min(...candidates.map((line) => missing(material, line, revision, dueAt)));
      if (candidates.length > 0 && missed > 0)
        violated(read.at, `${read.follower} is live at ${read.head}, but misses ${missed} older changes`);
      if (!byRedisOnly.has(read.follower)) continue;
      const newest = leadingSince(material, losses, dueAt, read.at);
      if (newest === undefined || candidates.some(({ owner }) => owner === newest.owner)) continue;
      if (newest.epoch > epoch && newest.steps.some(({ at }) => at <= dueAt))
        violated(read.at, `${read.follower} is live at ${read.head}, while ${newest.owner} leads`);
    }
  },
};

/** The newest owner at `dueAt`; `undefined` if Redis has lost its claim, or may have. */
function leadingSince(
  { lines }: Material,
  losses: readonly { at: number }[],
  dueAt: number,
  readAt: number,
): OwnerLine | undefined {
  const newest = lines.newestAt(dueAt);
  if (newest === undefined) return undefined;
  const isForgotten = losses.some(({ at }) => at >= newest.claimedAt - 1_000 && at <= readAt);
  return isForgotten ? undefined : newest;
}

/** How many operations the owner did by `dueAt`, while it led, that the state at `revision` lacks. */
function missing({ lines }: Material, line: OwnerLine, revision: number, dueAt: number): number {
  const { ops } = lines.life(line.owner);
  const until = Math.min(dueAt, lines.supersededAt(line));
  let due = line.indexAt(revision);
  while (due < ops.length && ops[due]!.at <= until) due += 1;
  return due - line.indexAt(revision);
}
