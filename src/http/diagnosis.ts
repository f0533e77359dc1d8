/**
 * How a space stands, for people and for load balancers: what works, what does not, and whose fault it is.
 *
 * The rungs, best first: `connected`, live through Redis; `degraded-live`, live by another way; `stale`, there is a
 * state, which may be old; `empty`, nothing was ever read.
 */
import type { AnyParticipant } from '../actor/participant.ts';
import { Owner } from '../owner/owner.ts';

/** The least that counts as ready. */
export type Readiness = 'connected' | 'degraded-live' | 'stale';
export type Rung = Readiness | 'empty';
/** Who is in the way; `nobody` when all is well. */
export type Culprit = 'nobody' | 'redis' | 'owner' | 'us';

const RUNGS: readonly Rung[] = ['empty', 'stale', 'degraded-live', 'connected'];
export const READINESS: readonly Readiness[] = ['connected', 'degraded-live', 'stale'];

export interface Diagnosis {
  readonly rung: Rung;
  readonly culprit: Culprit;
  /** In a sentence, for people. */
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

function ofOwner(participant: AnyParticipant): Words {
  const { mode, link } = participant;
  const ownership = participant instanceof Owner ? participant.ownership : undefined;
  if (ownership === 'fenced')
    return { culprit: 'us', summary: 'Another process has taken this space over. This one writes no more.' };
  if (mode === 'stopped') return { culprit: 'us', summary: 'This process has stopped owning the space.' };
  if (mode === 'connected') return { culprit: 'nobody', summary: 'All is well. Redis takes every change.' };
  if (!link.up)
    return {
      culprit: 'redis',
      summary: 'Redis is out. Changes are kept here, and go out when it is back: nothing set is lost.',
    };
  if (mode === 'recovering') return { culprit: 'redis', summary: 'Redis is back; it is brought to here.' };
  return {
    culprit: 'redis',
    summary: 'Redis answers, but does not take the changes. Tried again and again.',
  };
}

function ofFollower(participant: AnyParticipant): Words {
  const { mode, proof } = participant;
  if (mode === 'stopped') return { culprit: 'us', summary: 'This process has stopped following the space.' };
  if (mode === 'connected') return ofConnected(participant);
  const why = participant.link.up ? 'Redis answers, but cannot be followed' : 'Redis is out';
  if (mode === 'recovering' && participant.link.up)
    return { culprit: 'redis', summary: 'Catching up: asking Redis what changed since.' };
  if (proof.freshness() === 'live')
    return {
      culprit: 'redis',
      summary:
        proof.source === 'direct'
          ? `${why}. The state is live all the same, directly from its owner.`
          : `${why}. What is shown is from a moment ago.`,
    };
  if (!Number.isFinite(proof.staleMs()))
    return { culprit: 'redis', summary: `${why}. Nothing has been read yet.` };
  return { culprit: 'redis', summary: `${why}. Shown is what was last known; it may be old.` };
}

function ofConnected({ proof, head }: AnyParticipant): Words {
  if (proof.freshness() === 'live' && proof.ownerAlive()) {
    const summary =
      proof.source === 'direct'
        ? 'What is shown is live, directly from its owner.'
        : 'All is well. What is shown is live.';
    return { culprit: 'nobody', summary };
  }
  if (head === NOWHERE)
    return {
      culprit: 'owner',
      summary: 'Nobody has owned this space yet. Redis and this process are well.',
    };
  if (proof.ownerAlive())
    return {
      culprit: 'owner',
      summary: 'The owner holds its lease, but says nothing. Redis and this process are well.',
    };
  return {
    culprit: 'owner',
    summary: 'The owner is gone: its lease has run out. Redis and this process are well.',
  };
}
