/**
 * 7. Convergence: once no more faults happen, an owner leads, and soon every follower equals it without help.
 * From then on, every change is visible at once, and every reading is live.
 */
import { placeOf } from '../place.ts';
import type { Phase } from '../phases.ts';
import { phasesOf } from '../phases.ts';
import type { Checker, Material } from './checker.ts';

export const convergence: Checker = {
  name: 'convergence',
  check(material, violated) {
    const { history, bounds } = material;
    const phases = phasesOf(history);
    if (phases.length === 0) return violated(0, 'the run has no last phase without faults');
    for (const phase of phases) checkPhase(material, phase, violated);
    for (const { at, tookMs } of history.of('handover'))
      if (tookMs > bounds.calmMs)
        violated(at, `it took ${tookMs} ms until another owner led after one was stopped`);
  },
};

function checkPhase(material: Material, phase: Phase, violated: (at: number, what: string) => void): void {
  const { history, bounds } = material;
  const { healedAt, convergedAt, restedAt, finals } = phase;
  if (convergedAt === undefined) {
    const all = finals.map(({ participant, mode, head }) => `${participant} ${mode} ${head}`).join(', ');
    return violated(healedAt, `not all participants became equal: ${all || 'nobody leads'}`);
  }
  const led = history.of('claimed').findLast(({ at }) => at <= convergedAt);
  const ledAt = Math.max(healedAt, led?.at ?? 0);
  // An owner that was killed last leaves its lease behind.
  const leadMs = bounds.leaseMs + bounds.convergenceMs;
  if (ledAt - healedAt > leadMs)
    violated(ledAt, `it took ${ledAt - healedAt} ms after the last fault until an owner led`);
  if (convergedAt - ledAt > bounds.convergenceMs)
    violated(
      convergedAt,
      `it took ${convergedAt - ledAt} ms after the last fault until all participants were equal`,
    );
  const from = Math.max(convergedAt, healedAt + bounds.convergenceMs);
  if (restedAt !== undefined) checkCalm(material, from, restedAt, violated);
}

/** Without faults, readings are live and hold each recent change. */
function checkCalm(
  { history, lines, bounds }: Material,
  from: number,
  until: number,
  violated: (at: number, what: string) => void,
): void {
  const since = new Map(history.of('follows').map(({ follower, at }) => [follower, at]));
  for (const { at, owner } of history.of('claimed'))
    if (at > from && at < until) violated(at, `${owner} claimed the space of a living owner`);
  for (const { at, follower, freshness, ownerAlive, head } of history.of('read')) {
    if (at < from || at > until || at < (since.get(follower) ?? 0) + bounds.calmMs) continue;
    if (freshness !== 'live' || !ownerAlive)
      violated(
        at,
        `${follower} is ${freshness}, owner ${ownerAlive ? '' : 'not '}alive, although no fault happens`,
      );
    const { epoch, revision } = placeOf(head);
    for (const line of lines.of(epoch)) {
      const missed = line.steps.find((step) => step.revision > revision && step.at > from);
      if (missed !== undefined && missed.at < at - bounds.visibleMs)
        violated(
          at,
          `${follower} lacks revision ${missed.revision} after ${at - missed.at} ms, although no fault happens`,
        );
    }
  }
}
