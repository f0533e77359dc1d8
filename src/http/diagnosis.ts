/**
 * The diagnosis of a space, for people and for load balancers: a rung, a culprit and a summary.
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
import type { OwnerState } from '../state/reading.ts';

/** The lowest rung that counts as ready. */
export type Readiness = 'connected' | 'degraded-live' | 'stale';
export type Rung = Readiness | 'empty';
/** The part that has failed: Redis, the owner, or this process (`us`); `nobody` when all is well. */
export type Culprit = 'nobody' | 'redis' | 'owner' | 'us';

const RUNGS: readonly Rung[] = ['empty', 'stale', 'degraded-live', 'connected'];
export const READINESS: readonly Readiness[] = ['connected', 'degraded-live', 'stale'];

export interface Diagnosis {
  readonly rung: Rung;
  readonly culprit: Culprit;
  /** One or two sentences, for people. */
  readonly summary: string;
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

/** The head of a space in which nothing was ever set. */
const NOWHERE = '0-0';

type Words = Omit<Diagnosis, 'rung'>;

const STOPPED: Readonly<Record<OwnerState, string>> = {
  alive: 'This process has stopped owning the space.',
  never: 'This process has stopped owning the space.',
  lost: 'This process has stopped owning the space, and Redis has not confirmed all of its changes.',
  released: 'This process has stopped, and released the space: Redis holds all of its changes.',
};

function ofOwner(participant: AnyParticipant): Words {
  const { mode, link } = participant;
  const ownership = participant instanceof Owner ? participant.ownership : undefined;
  if (ownership === 'fenced')
    return { culprit: 'us', summary: 'Another process now owns this space. This process writes no more.' };
  if (mode === 'stopped') return { culprit: 'us', summary: STOPPED[participant.proof.owner()] };
  if (mode === 'connected') return { culprit: 'nobody', summary: 'All is well. Redis accepts every change.' };
  if (!link.up)
    return {
      culprit: 'redis',
      summary: 'Redis is out. This process keeps all changes and commits them when Redis is back.',
    };
  if (mode === 'recovering')
    return { culprit: 'redis', summary: 'Redis is back. This process is bringing it up to date.' };
  return {
    culprit: 'redis',
    summary: 'Redis answers, but does not accept the changes. This process keeps trying.',
  };
}

function ofFollower(participant: AnyParticipant): Words {
  const { mode, proof } = participant;
  if (participant instanceof Follower && participant.isRemoved)
    return { culprit: 'nobody', summary: 'The space was removed.' };
  if (mode === 'stopped') return { culprit: 'us', summary: 'This process has stopped following the space.' };
  if (mode === 'connected') return ofConnected(participant);
  const why = participant.link.up ? 'Redis answers, but cannot be followed' : 'Redis is out';
  if (mode === 'recovering' && participant.link.up)
    return { culprit: 'redis', summary: 'This process is catching up: it reads the changes from Redis.' };
  if (proof.freshness() === 'live')
    return {
      culprit: 'redis',
      summary:
        proof.source === 'direct'
          ? `${why}. The state is still live, directly from its owner.`
          : `${why}. The state is from a moment ago.`,
    };
  if (!Number.isFinite(proof.staleMs()))
    return { culprit: 'redis', summary: `${why}. This process has not read any state yet.` };
  return { culprit: 'redis', summary: `${why}. This is the last known state; it may be old.` };
}

function ofConnected({ proof, head }: AnyParticipant): Words {
  if (proof.freshness() === 'live' && proof.ownerAlive()) {
    const summary =
      proof.source === 'direct'
        ? 'The state is live, directly from its owner.'
        : 'All is well. The state is live.';
    return { culprit: 'nobody', summary };
  }
  if (proof.owner() === 'released')
    return {
      culprit: 'owner',
      summary:
        'The owner has stopped and released the space: this is all that it set. Redis and this process are well.',
    };
  if (head === NOWHERE)
    return {
      culprit: 'owner',
      summary: 'Nobody has owned this space yet. Redis and this process are well.',
    };
  if (proof.ownerAlive())
    return {
      culprit: 'owner',
      summary: 'The owner holds its lease, but is silent. Redis and this process are well.',
    };
  return {
    culprit: 'owner',
    summary: 'The owner is gone: its lease has run out. Redis and this process are well.',
  };
}
