/**
 * 7. Convergence: once nothing is harmed any more, an owner leads, and soon every follower equals it, untouched; and
 * from then on every change is seen at once, and every reading is live.
 */
import { placeOf } from '../place.ts';
import type { Phase } from '../phases.ts';
import { phasesOf } from '../phases.ts';
import type { Checker, FreshnessTracker } from './checker.ts';

export const convergence: Checker = {
  name: 'convergence',
  check(evidence, violated) {
    const { history, bounds } = evidence;
    const phases = phasesOf(history);
    if (phases.length === 0) return violated(0, 'the run has no end without faults');
    for (const phase of phases) checkPhase(evidence, phase, violated);
    for (const { at, tookMs } of history.of('handover'))
      if (tookMs > bounds.calmMs) violated(at, `another led only ${tookMs} ms after an owner was stopped`);
  },
};

function checkPhase(
  evidence: FreshnessTracker,
  phase: Phase,
  violated: (at: number, what: string) => void,
): void {
  const { history, bounds } = evidence;
  const { healedAt, convergedAt, restedAt, finals } = phase;
  if (convergedAt === undefined) {
    const all = finals.map(({ participant, mode, head }) => `${participant} ${mode} ${head}`).join(', ');
    return violated(healedAt, `not all became equal: ${all || 'nobody leads'}`);
  }
  const led = history.of('claimed').findLast(({ at }) => at <= convergedAt);
  const ledAt = Math.max(healedAt, led?.at ?? 0);
  // Who was killed last leaves a lease behind.
  const leadMs = bounds.leaseMs + bounds.convergenceMs;
  if (ledAt - healedAt > leadMs)
    violated(ledAt, `an owner led only ${ledAt - healedAt} ms after the last fault`);
  if (convergedAt - ledAt > bounds.convergenceMs)
    violated(convergedAt, `all were equal only ${convergedAt - ledAt} ms after the last fault`);
  const from = Math.max(convergedAt, healedAt + bounds.convergenceMs);
  if (restedAt !== undefined) checkCalm(evidence, from, restedAt, violated);
}

/** With nothing in the way readings are live, and hold what was done a moment ago. */
function checkCalm(
  { history, lines, bounds }: FreshnessTracker,
  from: number,
  until: number,
  violated: (at: number, what: string) => void,
): void {
  const since = new Map(history.of('follows').map(({ follower, at }) => [follower, at]));
  for (const { at, owner } of history.of('claimed'))
    if (at > from && at < until) violated(at, `${owner} claimed from one that lives`);
  for (const { at, follower, freshness, ownerAlive, head } of history.of('read')) {
    if (at < from || at > until || at < (since.get(follower) ?? 0) + bounds.calmMs) continue;
    if (freshness !== 'live' || !ownerAlive)
      violated(
        at,
        `${follower} is ${freshness}, owner ${ownerAlive ? '' : 'not '}alive, with nothing in its way`,
      );
    const { epoch, revision } = placeOf(head);
    for (const line of lines.of(epoch)) {
      const missed = line.steps.find((step) => step.revision > revision && step.at > from);
      if (missed !== undefined && missed.at < at - bounds.visibleMs)
        violated(
          at,
          `${follower} lacks revision ${missed.revision}, done ${at - missed.at} ms ago, with nothing in its way`,
        );
    }
  }
}
