/**
 * Judges the fleet: who is gone, silent, stale or behind, and who stands first. Pure.
 *
 * Ages are measured by the server, and what a record tells is how long ago something was when it was written. So
 * all moments are on the server's clock, whatever the clocks of the processes say.
 */
import type { Sliced } from '../base/slices.ts';
import { compare, parsePosition } from '../state/position.ts';
import type { Fleet, FleetMember, Standing } from './fleet.ts';
import { isFine, STANDINGS } from './fleet.ts';
import { countsOf } from './part.ts';
import type { MemberRecord, ProcessRecord } from './record.ts';
import { sorted } from './sorted.ts';

/** A process that has written nothing for so long is silent, and then gone, ms. It writes each two seconds. */
export const SILENT_MS = 4_500;
export const GONE_MS = 30_000;
/** What the owner had so long before, a live follower has, ms. */
const BEHIND_MS = 1_000;

/** A record, and how long ago it was written, ms. */
export interface Sighting {
  readonly record: ProcessRecord;
  readonly ageMs: number;
}

/** Where an owner was, at a moment on the server's clock. */
interface Mark {
  readonly head: string;
  readonly at: number;
}

type ProcessState = 'running' | 'silent' | 'gone' | 'replaced' | 'stopped';

/**
 * The fleet as these records tell it. It yields now and then: a fleet may be large.
 * @param now the server's time, ms since 1970
 * @param leftOut processes that were not read
 */
export function* judge(sightings: readonly Sighting[], now: number, leftOut = 0): Sliced<Fleet> {
  const states = statesOf(sightings);
  const marks = yield* marksOf(sightings, now);
  const members: FleetMember[] = [];
  for (const sighting of sightings) {
    const state = states.get(sighting) ?? 'running';
    for (const member of sighting.record.members) {
      members.push(memberOf(member, sighting, { state, now, marks: marks.get(member.space) ?? [] }));
      yield;
    }
  }
  return {
    at: Math.round(now),
    isWell: members.every(({ standing }) => isFine(standing)),
    counts: countsOf(members),
    members: yield* sorted(members, byUrgency),
    leftOut: leftOut + sightings.reduce((sum, { record }) => sum + record.leftOut, 0),
  };
}

/** Worst first. Of those that are not well, who is furthest behind, and then who is so for longest. */
export function byUrgency(a: FleetMember, b: FleetMember): number {
  const rank = STANDINGS.indexOf(a.standing) - STANDINGS.indexOf(b.standing);
  if (rank !== 0) return rank;
  const urgency = isFine(a.standing) ? 0 : (b.behind ?? -1) - (a.behind ?? -1) || a.since - b.since;
  return (
    urgency ||
    inOrder(a.space, b.space) ||
    ROLES.indexOf(a.role) - ROLES.indexOf(b.role) ||
    inOrder(a.name, b.name) ||
    inOrder(a.processId, b.processId)
  );
}

const ROLES = ['owner', 'standby', 'follower'];

function inOrder(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function statesOf(sightings: readonly Sighting[]): Map<Sighting, ProcessState> {
  const states = new Map<Sighting, ProcessState>(sightings.map((one) => [one, stateOf(one)]));
  // Each that was started later takes the place of one at most: the last of its name that had gone by then.
  const gone = sightings.filter((one) => ['silent', 'gone'].includes(states.get(one)!));
  const byName = Map.groupBy(
    gone.toSorted((a, b) => a.ageMs - b.ageMs),
    ({ record }) => record.name,
  );
  const alive = sightings.filter((one) => states.get(one) === 'running');
  for (const one of alive.toSorted((a, b) => startOf(b) - startOf(a))) {
    const before = byName.get(one.record.name) ?? [];
    const place = before.findIndex(({ ageMs }) => ageMs > startOf(one));
    if (place !== -1) states.set(before.splice(place, 1)[0]!, 'replaced');
  }
  return states;
}

/** How long ago a process was started, ms. */
function startOf({ record, ageMs }: Sighting): number {
  return record.startedAgoMs + ageMs;
}

function stateOf({ record, ageMs }: Sighting): ProcessState {
  if (record.isStopped) return 'stopped';
  if (ageMs >= GONE_MS) return 'gone';
  return ageMs >= SILENT_MS ? 'silent' : 'running';
}

/** Where the newest owner of each space was, oldest first. */
function* marksOf(sightings: readonly Sighting[], now: number): Sliced<Map<string, Mark[]>> {
  const marks = new Map<string, Mark[]>();
  for (const { record, ageMs } of sightings) {
    for (const { space, role, head, earlierHeads } of record.members) {
      yield;
      if (role !== 'owner') continue;
      const own = [
        ...earlierHeads.map(({ head, agoMs }) => ({ head, at: now - ageMs - agoMs })),
        { head, at: now - ageMs },
      ];
      const known = marks.get(space);
      if (known === undefined || compareHeads(head, known.at(-1)!.head) > 0) marks.set(space, own);
    }
  }
  return marks;
}

interface About {
  readonly state: ProcessState;
  readonly now: number;
  readonly marks: readonly Mark[];
}

function memberOf(member: MemberRecord, { record, ageMs }: Sighting, about: About): FleetMember {
  const { state, now, marks } = about;
  const at = now - ageMs;
  const standing = standingOf(member, state, at, marks);
  const { id, name, host, pid, version } = record;
  const { space, role, mode, reason, freshness, staleMs, owner, ownerName, head, outages } = member;
  return {
    standing,
    space,
    role,
    name,
    processId: id,
    host,
    pid,
    version,
    at: Math.round(at),
    ageMs: Math.round(ageMs),
    mode,
    reason,
    freshness,
    staleMs: Number.isFinite(staleMs) ? Math.round(staleMs) : null,
    owner,
    ownerName: ownerName === '' ? null : ownerName,
    head,
    behind: role === 'owner' ? null : behindOf(member, standing, at, marks),
    since: Math.round(sinceOf(member, standing, at)),
    openedAt: Math.round(at - member.openedAgoMs),
    connectedAt: member.connectedAgoMs === undefined ? null : Math.round(at - member.connectedAgoMs),
    outages,
    transitions: member.transitions.map((one) => ({ ...one, at: Math.round(at - one.at) })),
  };
}

function standingOf(member: MemberRecord, state: ProcessState, at: number, marks: readonly Mark[]): Standing {
  if (state !== 'running') return state;
  if (member.mode === 'stopped') return 'ended';
  if (member.freshness === 'stale') return 'stale';
  const before = member.role === 'owner' ? undefined : markAt(marks, at - BEHIND_MS);
  if (before !== undefined && compareHeads(member.head, before.head) < 0) return 'behind';
  return member.mode === 'connected' ? 'well' : 'degraded';
}

/** One that is live is compared with what its owner had before; all others with what the owner has. */
function behindOf(
  member: MemberRecord,
  standing: Standing,
  at: number,
  marks: readonly Mark[],
): number | null {
  const isLive = standing === 'well' || standing === 'degraded';
  const mark =
    standing === 'behind' ? markAt(marks, at - BEHIND_MS) : isLive ? markAt(marks, at) : marks.at(-1);
  if (mark === undefined) return null;
  const [own, owners] = [parsePosition(member.head), parsePosition(mark.head)];
  if (compare(own, owners) >= 0) return 0;
  return own.epoch === owners.epoch ? owners.revision - own.revision : null;
}

/** The last mark that was not later than this. */
function markAt(marks: readonly Mark[], at: number): Mark | undefined {
  return marks.findLast((mark) => mark.at <= at);
}

function compareHeads(a: string, b: string): number {
  return compare(parsePosition(a), parsePosition(b));
}

function sinceOf(member: MemberRecord, standing: Standing, at: number): number {
  switch (standing) {
    case 'stale':
      return at - member.freshnessAgoMs;
    case 'ended':
    case 'degraded':
      return at - member.modeAgoMs;
    case 'well':
      return at - Math.min(member.modeAgoMs, member.freshnessAgoMs);
    default:
      return at;
  }
}
