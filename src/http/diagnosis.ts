/**
 * The diagnosis of a space, for people and for load balancers: a rung and a headline.
 *
 * The rungs, best first:
 *
 *   connected       live through Redis
 *   degraded-live   live without Redis
 *   stale           there is a state, which may be old
 *   empty           no state was ever read
 */
import type { AnyParticipant } from '../actor/participant.ts';
import { Follower } from '../follower/follower.ts';
import { Owner } from '../owner/owner.ts';
import type { OwnerState, Proof } from '../state/reading.ts';
import type { Words } from './headlines.ts';
import { wordsOf } from './headlines.ts';

/** The lowest rung that counts as ready. */
export type Readiness = 'connected' | 'degraded-live' | 'stale';
export type Rung = Readiness | 'empty';

const RUNGS: readonly Rung[] = ['empty', 'stale', 'degraded-live', 'connected'];
export const READINESS: readonly Readiness[] = ['connected', 'degraded-live', 'stale'];

export interface Diagnosis extends Words {
  readonly rung: Rung;
}

export function diagnosisOf(participant: AnyParticipant): Diagnosis {
  return {
    rung: rungOf(participant),
    ...(participant.isOwner && !isStandby(participant) ? ofOwner(participant) : ofFollower(participant)),
  };
}

export function isReady(rung: Rung, least: Readiness): boolean {
  return RUNGS.indexOf(rung) >= RUNGS.indexOf(least);
}

function rungOf({ mode, proof }: AnyParticipant): Rung {
  if (!Number.isFinite(proof.staleMs())) return 'empty';
  if (proof.freshness() === 'stale') return 'stale';
  return mode === 'connected' ? 'connected' : 'degraded-live';
}

function isStandby(participant: AnyParticipant): boolean {
  return participant instanceof Owner && participant.ownership === 'standby';
}

/** After an outage of Redis, an owner has so long to give a sign before its silence is its own fault, ms. */
const SETTLED_MS = 1_000;

/** The head of a space in which nothing was ever set. */
const NOWHERE = '0-0';

const STOPPED: Readonly<Record<OwnerState, 'owner' | 'lost' | 'released'>> = {
  alive: 'owner',
  never: 'owner',
  lost: 'lost',
  released: 'released',
};

function ofOwner(participant: AnyParticipant): Words {
  const { mode, link } = participant;
  const ownership = participant instanceof Owner ? participant.ownership : undefined;
  if (ownership === 'fenced') return wordsOf('fenced', 'owner');
  if (mode === 'stopped') return wordsOf('stopped', STOPPED[participant.proof.owner()]);
  if (mode === 'connected') return wordsOf('all-well', 'owner');
  if (!link.up) return wordsOf('redis-out', 'owner');
  if (mode === 'recovering') return wordsOf('catching-up', 'owner');
  return wordsOf('redis-unusable', 'owner');
}

function ofFollower(participant: AnyParticipant): Words {
  const { mode } = participant;
  if (participant instanceof Follower && participant.isRemoved) return wordsOf('removed', 'follower');
  if (mode === 'stopped') return wordsOf('stopped', 'follower');
  if (mode === 'connected') return ofConnected(participant);
  if (participant.isUpstream) return wordsOf('upstream-out', ageOf(participant.proof));
  if (mode === 'recovering' && participant.link.up) return wordsOf('catching-up', 'follower');
  return withDirectFailure(withoutRedis(participant), participant);
}

function withoutRedis({ link, proof }: AnyParticipant): Words {
  const why = link.up ? 'redis-unusable' : 'redis-out';
  if (proof.freshness() === 'live' && proof.source === 'direct') return wordsOf(why, 'direct');
  return wordsOf(why, ageOf(proof));
}

function ageOf(proof: Proof): 'recent' | 'old' | 'nothing' {
  if (!Number.isFinite(proof.staleMs())) return 'nothing';
  return proof.freshness() === 'live' ? 'recent' : 'old';
}

/** Where both ways are cut, both are named. */
function withDirectFailure(words: Words, participant: AnyParticipant): Words {
  const failure = participant instanceof Follower ? participant.directFailure : undefined;
  if (failure === undefined) return words;
  return { ...words, summary: `${words.summary} And ${failure.message}.` };
}

function ofConnected(participant: AnyParticipant): Words {
  const { proof, head, isUpstream } = participant;
  const isDetour = proof.source === 'direct' && !isUpstream;
  if (proof.freshness() === 'live' && proof.ownerAlive())
    return wordsOf(isDetour ? 'live-direct' : 'all-well', 'follower');
  const form = isUpstream ? 'upstream' : 'follower';
  if (proof.owner() === 'released') return wordsOf('owner-released', form);
  if (head === NOWHERE) return wordsOf('no-owner-yet', 'follower');
  if (!isUpstream && !participant.hasBeenBackFor(SETTLED_MS)) return wordsOf('catching-up', 'waits');
  return wordsOf(proof.ownerAlive() ? 'owner-silent' : 'owner-gone', form);
}
