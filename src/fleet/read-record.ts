/**
 * Reads the record of a process. Anybody may write under a key of the fleet, and another version writes what this
 * one does not know: what is no record is none, and what is unknown is passed over. Pure.
 */
import type { Mode } from '../state/mode.ts';
import type { Freshness, OwnerState } from '../state/reading.ts';
import { parsePosition } from '../state/position.ts';
import { isSpaceName } from '../state/space-name.ts';
import type { EarlierHead, FleetRole, MemberRecord, ProcessRecord } from './record.ts';
import type { Transition, TransitionKind } from './transition.ts';
import { TRANSITION_KINDS } from './transition.ts';

const ROLES: readonly FleetRole[] = ['owner', 'standby', 'follower'];
const MODES: readonly Mode[] = ['recovering', 'connected', 'degraded', 'stopped'];
const FRESHNESS: readonly Freshness[] = ['live', 'stale'];
const OWNERS: readonly OwnerState[] = ['alive', 'released', 'lost', 'never'];
/** Of a name or a version, characters. */
const LONGEST = 256;

type Cells = readonly unknown[];

/** The record; `undefined` where the text is none. */
export function decodeRecord(text: string): ProcessRecord | undefined {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isObject(given) || given.format !== 1) return undefined;
  const { id, name, host, version, words, members, transitions } = given;
  if (!isText(id) || !isText(name) || !isText(host) || !isText(version)) return undefined;
  if (!Array.isArray(words) || !Array.isArray(members)) return undefined;
  const lists = transitionsOf(Array.isArray(transitions) ? transitions : [], words);
  const listed = members.flatMap((row: unknown, place) => memberOf(row, words, lists.get(place) ?? []) ?? []);
  return {
    id,
    name,
    host,
    version,
    pid: count(given.pid),
    keptMs: count(given.keptMs),
    isStopped: given.isStopped === true,
    startedAgoMs: count(given.startedAgoMs),
    members: listed,
    leftOut: count(given.leftOut) + members.length - listed.length,
  };
}

function memberOf(row: unknown, words: Cells, transitions: readonly Transition[]): MemberRecord | undefined {
  if (!Array.isArray(row)) return undefined;
  const [space, role, mode, reason, freshness, stale, owner, ownerName, head, ...rest] = row as Cells;
  const [opened, modeAgo, freshnessAgo, connected, outages, ...earlier] = rest;
  const [knownRole, knownMode] = [oneOf(ROLES, role, words), oneOf(MODES, mode, words)];
  const [knownFreshness, knownOwner] = [oneOf(FRESHNESS, freshness, words), oneOf(OWNERS, owner, words)];
  if (typeof space !== 'string' || !isSpaceName(space) || !isPosition(head)) return undefined;
  if (!knownRole || !knownMode || !knownFreshness || !knownOwner) return undefined;
  return {
    space,
    role: knownRole,
    mode: knownMode,
    reason: word(words, reason),
    freshness: knownFreshness,
    staleMs: isCount(stale) ? stale : Infinity,
    owner: knownOwner,
    ownerName: word(words, ownerName),
    head,
    openedAgoMs: count(opened),
    modeAgoMs: count(modeAgo),
    freshnessAgoMs: count(freshnessAgo),
    connectedAgoMs: isCount(connected) ? connected : undefined,
    outages: count(outages),
    earlierHeads: headsOf(earlier),
    transitions,
  };
}

function headsOf(cells: Cells): EarlierHead[] {
  const heads: EarlierHead[] = [];
  for (let at = 0; at + 1 < cells.length; at += 2) {
    const [head, agoMs] = [cells[at], cells[at + 1]];
    if (isPosition(head) && isCount(agoMs)) heads.push({ head, agoMs });
  }
  return heads;
}

/** By the place of the participant, oldest first. */
function transitionsOf(rows: Cells, words: Cells): Map<number, Transition[]> {
  const lists = new Map<number, Transition[]>();
  for (const row of rows) {
    if (!Array.isArray(row)) continue;
    const [place, kind, from, to, reason, at] = row as Cells;
    const known = oneOf<TransitionKind>(TRANSITION_KINDS, kind, words);
    if (!isCount(place) || !isCount(at) || known === undefined) continue;
    const list = lists.get(place) ?? [];
    lists.set(place, list);
    list.unshift({
      kind: known,
      from: word(words, from),
      to: word(words, to),
      reason: word(words, reason),
      at,
    });
  }
  return lists;
}

function word(words: Cells, place: unknown): string {
  const found = isCount(place) ? words[place] : undefined;
  return typeof found === 'string' ? found.slice(0, LONGEST) : '';
}

function oneOf<T extends string>(all: readonly T[], place: unknown, words: Cells): T | undefined {
  const found = word(words, place);
  return all.find((one) => one === found);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= LONGEST;
}

function isPosition(value: unknown): value is string {
  try {
    return parsePosition(value as string) !== undefined;
  } catch {
    return false;
  }
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function count(value: unknown): number {
  return isCount(value) ? value : 0;
}
