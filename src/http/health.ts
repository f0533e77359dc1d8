/**
 * Health, for orchestrators and load balancers: `/livez` answers whether this process should be restarted,
 * `/readyz` whether it should get requests.
 */
import type { Context } from 'koa';
import type { Tandem } from '../tandem.ts';
import { hasFlag } from './query.ts';
import type { Readiness } from './diagnosis.ts';
import { isReady, READINESS, diagnosisOf } from './diagnosis.ts';
import { requireParticipant } from './state.ts';
import { inJson, answerHeadersOf } from './answer-headers.ts';

/**
 * A process that can answer is alive. The state of Redis does not matter here: a restart does not repair
 * Redis.
 */
export function answerLive(ctx: Context): void {
  ctx.set('Cache-Control', 'no-store');
  ctx.body = { status: 'alive' };
}

export function answerReady(ctx: Context, tandem: Tandem, least: Readiness, draining: boolean): void {
  const spaces = tandem.spaces.map((space) => spaceReadiness(tandem, space, least));
  const isUp = !draining && !tandem.isStopping;
  const ready = isUp && spaces.length > 0 && spaces.every(({ ready }) => ready);
  ctx.set('Cache-Control', 'no-store');
  ctx.status = ready ? 200 : 503;
  if (!ready) ctx.set('Retry-After', '1');
  const status = isUp ? (ready ? 'ready' : 'not ready') : 'draining';
  ctx.body = hasFlag(ctx, 'verbose') ? { status, readiness: least, spaces } : { status };
}

function spaceReadiness(tandem: Tandem, space: string, least: Readiness) {
  const participant = requireParticipant(tandem, space);
  const { rung, culprit, summary } = diagnosisOf(participant);
  const { mode, freshness, staleMs, source, ownerAlive, owner, head } = inJson(answerHeadersOf(participant));
  return {
    space,
    ready: isReady(rung, least),
    diagnosis: rung,
    /** Whether the space would be ready under each policy. */
    policies: Object.fromEntries(READINESS.map((policy) => [policy, isReady(rung, policy)])),
    culprit,
    summary,
    reason: participant.reason,
    mode,
    freshness,
    staleMs,
    source,
    ownerAlive,
    owner,
    head,
  };
}
