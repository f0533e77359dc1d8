/**
 * 5. Honest staleness: a reading marked `live` misses nothing that was set more than the staleness bound ago.
 *
 * Set by whom: by the owner whose line it is read from; and by one that has claimed since, where Redis is the only way. (An owner's own process cannot know, and says nothing of those: see docs/decisions.md.)
 */
import { placeOf } from '../place.ts';
import type { Checker, FreshnessTracker } from './checker.ts';
import type { OwnerLine } from '../lines.ts';

export const honestStaleness: Checker = {
  name: 'honest staleness',
  check(evidence, violated) {
    const { history, lines, bounds } = evidence;
    const byRedisOnly = new Set(
      history.of('follows').flatMap(({ follower, direct }) => (direct ? [] : [follower])),
    );
    const losses = [...history.of('fault').filter(({ losesData }) => losesData), ...history.of('loss')];
    for (const read of history.of('read')) {
      if (read.freshness === 'stale') continue;
      if (read.staleMs > bounds.stalenessMs)
        violated(read.at, `${read.follower} is live, ${read.staleMs} ms stale`);
      const dueAt = read.at - bounds.stalenessMs - bounds.clockErrorMs;
      const { epoch, revision } = placeOf(read.head);
      const candidates = lines.of(epoch);
      const missed = Math.min(...candidates.map((line) => missing(evidence, line, revision, dueAt)));
      if (candidates.length > 0 && missed > 0)
        violated(read.at, `${read.follower} is live at ${read.head}, and misses ${missed} older changes`);
      if (!byRedisOnly.has(read.follower)) continue;
      const newest = leadingSince(evidence, losses, dueAt, read.at);
      if (newest === undefined || candidates.some(({ owner }) => owner === newest.owner)) continue;
      if (newest.epoch > epoch && newest.steps.some(({ at }) => at <= dueAt))
        violated(read.at, `${read.follower} is live at ${read.head}, while ${newest.owner} leads`);
    }
  },
};

/** Who had claimed by then, unless Redis has lost the claim, or may have. */
function leadingSince(
  { lines }: FreshnessTracker,
  losses: readonly { at: number }[],
  dueAt: number,
  readAt: number,
): OwnerLine | undefined {
  const newest = lines.newestAt(dueAt);
  if (newest === undefined) return undefined;
  const isForgotten = losses.some(({ at }) => at >= newest.claimedAt - 1_000 && at <= readAt);
  return isForgotten ? undefined : newest;
}

/** How many operations of the line's owner, done by `dueAt` and while it led, are not in the state at `revision`. */
function missing({ lines }: FreshnessTracker, line: OwnerLine, revision: number, dueAt: number): number {
  const { ops } = lines.life(line.owner);
  const until = Math.min(dueAt, lines.supersededAt(line));
  let due = line.indexAt(revision);
  while (due < ops.length && ops[due]!.at <= until) due += 1;
  return due - line.indexAt(revision);
}
