/**
 * Health, for orchestrators and load balancers: `/livez` answers whether this process should be restarted,
 * `/readyz` whether it should get requests.
 */
import type { Context } from 'koa';
import type { AnyDiscovery, Tandem } from '../tandem.ts';
import { hasFlag } from './query.ts';
import type { Readiness } from './diagnosis.ts';
import { isReady, READINESS, diagnosisOf } from './diagnosis.ts';
import { wordsOf } from './headlines.ts';
import { inJson, answerHeadersOf } from './answer-headers.ts';

/**
 * A process that can answer is alive. The state of Redis does not matter here: a restart does not repair
 * Redis.
 */
export function answerLive(ctx: Context): void {
  ctx.set('Cache-Control', 'no-store');
  ctx.body = { status: 'alive' };
}

export interface ReadyOptions {
  /** The lowest rung at which a space counts as ready. */
  readonly least: Readiness;
  /** The names of the spaces that count. `undefined`: those by name, and the discoveries themselves. */
  readonly requires: readonly string[] | undefined;
}

export function answerReady(
  ctx: Context,
  tandem: Tandem,
  { least, requires }: ReadyOptions,
  draining: boolean,
): void {
  const names = requires ?? tandem.spacesByName;
  const spaces = names.map((space) => spaceReadiness(tandem, space, least));
  const discoveries = requires === undefined ? tandem.discoveries.map(discoveryReadiness) : [];
  const counted = [...spaces, ...discoveries];
  const isUp = !draining && !tandem.isStopping;
  // A process that has nothing yet is not ready, unless it was told that nothing counts.
  const hasBegun = requires !== undefined || counted.length > 0;
  const ready = isUp && hasBegun && counted.every(({ ready }) => ready);
  ctx.set('Cache-Control', 'no-store');
  ctx.status = ready ? 200 : 503;
  if (!ready) ctx.set('Retry-After', '1');
  const status = isUp ? (ready ? 'ready' : 'not ready') : 'draining';
  if (!hasFlag(ctx, 'verbose')) ctx.body = { status };
  else ctx.body = { status, readiness: least, spaces, ...(discoveries.length > 0 && { discoveries }) };
}

/** A discovery is ready once it has found the spaces that existed: each of them may still be stale. */
function discoveryReadiness({ pattern, isComplete, participants, error }: AnyDiscovery) {
  const reason = error?.message ?? (isComplete ? 'all spaces are found' : 'the spaces are still being found');
  return { pattern, ready: isComplete, spaces: participants.size, reason };
}

function spaceReadiness(tandem: Tandem, space: string, least: Readiness) {
  const participant = tandem.get(space);
  if (participant === undefined) return absent(space);
  const { rung, ...words } = diagnosisOf(participant);
  const { mode, freshness, staleMs, source, ownerAlive, owner, head } = inJson(answerHeadersOf(participant));
  return {
    space,
    ready: isReady(rung, least),
    diagnosis: rung,
    /** Whether the space would be ready under each policy. */
    policies: Object.fromEntries(READINESS.map((policy) => [policy, isReady(rung, policy)])),
    ...words,
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

/** A space that is required, and neither owned nor followed here. */
function absent(space: string) {
  return {
    space,
    ready: false,
    diagnosis: 'empty',
    policies: Object.fromEntries(READINESS.map((policy) => [policy, false])),
    ...wordsOf('not-followed', 'nobody'),
    reason: 'not followed',
    mode: 'stopped',
    freshness: 'stale',
    staleMs: null,
    source: 'memory',
    ownerAlive: false,
    owner: 'never',
    head: '0-0',
  };
}
