/**
 * The record of a process, as it is kept for others. Pure.
 *
 * It holds no moments, only how long ago something was when it was written: the server knows when that was. Words
 * that come again and again stand once, in a list. A record is bounded: participants that are not live come first,
 * and what does not fit is counted.
 *
 * It never holds a value or a secret. Reasons are those that the page and the log show.
 */
import type { Sliced } from '../base/slices.ts';
import type { Mode } from '../state/mode.ts';
import type { Freshness, OwnerState } from '../state/reading.ts';
import type { Transition } from './transition.ts';

/** How a participant stands in its space. */
export type FleetRole = 'owner' | 'standby' | 'follower';

/** The head of an owner some time before its record was written. */
export interface EarlierHead {
  readonly head: string;
  readonly agoMs: number;
}

/** A participant, as of the moment at which the record was written. */
export interface MemberRecord {
  readonly space: string;
  readonly role: FleetRole;
  readonly mode: Mode;
  /** Of the mode, for people. */
  readonly reason: string;
  readonly freshness: Freshness;
  /** The time since the owner last proved the state current, ms; Infinity where it never did. */
  readonly staleMs: number;
  readonly owner: OwnerState;
  /** Empty where it is not known. */
  readonly ownerName: string;
  readonly head: string;
  /** How long ago it was opened, entered its mode, and became as fresh as it is, ms. */
  readonly openedAgoMs: number;
  readonly modeAgoMs: number;
  readonly freshnessAgoMs: number;
  /** How long ago it was last connected anew, ms; `undefined` where it never was. */
  readonly connectedAgoMs: number | undefined;
  /** How often it lost its connection. */
  readonly outages: number;
  /** Of an owner: its head some seconds ago. */
  readonly earlierHeads: readonly EarlierHead[];
  /** Oldest first; `at` is how long ago, ms. */
  readonly transitions: readonly Transition[];
}

/** The process itself. */
export interface ProcessFacts {
  /** Another one with each start. */
  readonly id: string;
  /** Its `connect({ name })`. */
  readonly name: string;
  readonly host: string;
  readonly pid: number;
  /** Of this package. */
  readonly version: string;
}

export interface ProcessRecord extends ProcessFacts {
  /** For how long it is kept after it was written, ms. */
  readonly keptMs: number;
  /** Whether the process said goodbye. */
  readonly isStopped: boolean;
  readonly startedAgoMs: number;
  readonly members: readonly MemberRecord[];
  /** How many participants did not fit. */
  readonly leftOut: number;
}

/** What is written: the participants may be many, so they are walked. */
export interface Written extends ProcessFacts {
  readonly keptMs: number;
  readonly isStopped: boolean;
  readonly startedAgoMs: number;
  readonly members: readonly MemberRecord[];
}

const FORMAT = 1;
/** The greatest length of the participants, and of their transitions, characters. */
const MOST_OF_MEMBERS = 256 * 1024;
const MOST_OF_TRANSITIONS = 32 * 1024;
/** Of a reason or a name, characters. */
const LONGEST_WORD = 160;

/** The words of a record, each once. */
class Words {
  readonly list: string[] = [];
  readonly #places = new Map<string, number>();
  length = 0;

  place(text: string): number {
    const word = text.length > LONGEST_WORD ? `${text.slice(0, LONGEST_WORD)}…` : text;
    let place = this.#places.get(word);
    if (place === undefined) {
      place = this.list.length;
      this.#places.set(word, place);
      this.list.push(word);
      this.length += word.length + 3;
    }
    return place;
  }
}

/** The text of a record. It yields after each participant. */
export function* encodeRecord(written: Written): Sliced<string> {
  const words = new Words();
  const rows: string[] = [];
  const listed: MemberRecord[] = [];
  let length = 0;
  for (const isLive of [false, true]) {
    for (const member of written.members) {
      if ((member.freshness === 'live') !== isLive) continue;
      yield;
      if (length + words.length >= MOST_OF_MEMBERS) break;
      const row = JSON.stringify(rowOf(member, words));
      length += row.length + 1;
      rows.push(row);
      listed.push(member);
    }
  }
  const transitions = yield* transitionRows(listed, words);
  const { id, name, host, pid, version, keptMs, isStopped, startedAgoMs, members } = written;
  const head = JSON.stringify({
    format: FORMAT,
    id,
    name,
    host,
    pid,
    version,
    keptMs,
    isStopped,
    startedAgoMs: Math.round(startedAgoMs),
    leftOut: members.length - listed.length,
    words: words.list,
  });
  return `${head.slice(0, -1)},"members":[${rows.join(',')}],"transitions":[${transitions.join(',')}]}`;
}

function rowOf(member: MemberRecord, words: Words): readonly unknown[] {
  const { space, role, mode, reason, freshness, staleMs, owner, ownerName, head } = member;
  const { openedAgoMs, modeAgoMs, freshnessAgoMs, connectedAgoMs = -1, outages, earlierHeads } = member;
  return [
    space,
    words.place(role),
    words.place(mode),
    words.place(reason),
    words.place(freshness),
    Number.isFinite(staleMs) ? Math.round(staleMs) : -1,
    words.place(owner),
    words.place(ownerName),
    head,
    Math.round(openedAgoMs),
    Math.round(modeAgoMs),
    Math.round(freshnessAgoMs),
    Math.round(connectedAgoMs),
    outages,
    ...earlierHeads.flatMap(({ head, agoMs }) => [head, Math.round(agoMs)]),
  ];
}

/** The newest of each participant first, round by round, until they are too long. */
function* transitionRows(members: readonly MemberRecord[], words: Words): Sliced<string[]> {
  const rows: string[] = [];
  const before = words.length;
  let length = 0;
  let isMore = true;
  for (let back = 1; isMore; back += 1) {
    isMore = false;
    for (const [place, { transitions }] of members.entries()) {
      const one = transitions.at(-back);
      if (one === undefined || back > transitions.length) continue;
      isMore = true;
      yield;
      if (length + words.length - before >= MOST_OF_TRANSITIONS) return rows;
      const { kind, from, to, reason, at } = one;
      const cells = [place, ...[kind, from, to, reason].map((word) => words.place(word)), Math.round(at)];
      const row = JSON.stringify(cells);
      length += row.length + 1;
      rows.push(row);
    }
  }
  return rows;
}
