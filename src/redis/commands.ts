/**
 * The scripts as commands: the arguments that each is given, and what its reply means. This is the table of
 * `docs/protocol.md` as code. Nothing here knows a connection, a clock or a file.
 */
import { TandemError } from '../base/errors.ts';
import type { Change } from '../state/change.ts';
import type { Header } from '../state/header.ts';
import { decodePage, encodeTexts, sizeOf } from '../state/change.ts';
import { encodeHeader, ownerAfter } from '../state/header.ts';
import { encodePartLine } from '../state/part.ts';
import { headerOf, turnHeaderOf } from '../ports/cut-header.ts';
import { decodeTime } from '../state/wire-time.ts';
import type { Position } from '../state/position.ts';
import type {
  Claim,
  Committed,
  Cut,
  CutHead,
  HistoryChange,
  HistoryPage,
  HistoryRequest,
  Head,
  LargeCut,
  Outcome,
  Page,
  Replacement,
  SinceOptions,
  WrongType,
} from '../ports/store.ts';

/** A light commit that was carried out is answered with one string, all else with a list. */
export type Reply = string | readonly string[];

/** Most replies begin with the head, in this many places. */
const HEAD_LENGTH = 19;
/** A staged portion holds Redis for 4 ms where its keys are new among a million, else for about one. */
const PORTION_CHANGES = 1_000;
const PORTION_LENGTH = 512 * 1024;
/** One call of `settle` holds Redis for two milliseconds or so. */
const SETTLED_KEYS = 500;
/** For so long a follower that was away finds out that a space was removed, ms: a day. */
const REMOVAL_KEPT_MS = 86_400_000;

export const claim = {
  args(wanted: Claim, channel: string): string[] {
    const {
      owner,
      ownerName,
      known,
      leaseMs,
      notAfter = Infinity,
      outwaited,
      hasLed = false,
      takesOver = false,
    } = wanted;
    return [
      owner,
      ownerName,
      String(known),
      String(leaseMs),
      channel,
      notAfter === Infinity ? '' : notAfter.toFixed(3),
      printOutwaited(outwaited),
      hasLed ? '1' : '',
      takesOver ? '1' : '',
    ];
  },
  read: readOutcome<'claimed', 'held' | 'late'>,
};

export const commit = {
  args(cut: Cut, channel: string): string[] {
    const { owner, leaseMs, epoch, prev, revision, base, horizon, cutAt } = cut;
    const header = headerOf(cut.isAnnounced ? { ...cut, times: undefined } : cut, prev.revision);
    const args = [
      owner,
      String(epoch),
      String(prev.epoch),
      String(prev.revision),
      String(revision),
      String(cutAt),
      // What was announced is not published once more.
      cut.isAnnounced === true ? '' : channel,
      timesOf(cut),
      historyOf(cut),
      ...counted(encodeTexts(encodeHeader(header), cut.changes)),
    ];
    if (cut.isLight !== true)
      args.push(...[leaseMs, base.epoch, base.revision, horizon].map(String), ...cut.dropped);
    return args;
  },

  /**
   * A commit that was carried out is answered with what its owner cannot know: the head is rebuilt from the
   * cut.
   */
  read(reply: Reply, { owner, leaseMs, epoch, revision, base, horizon, cutAt }: Cut): Committed {
    if (typeof reply === 'string') return { outcome: 'committed' };
    if (!isShort(reply)) return readOutcome<never, 'fenced' | 'head_moved' | 'keys_lost'>(reply);
    const lease = { leaseMs, leaseAskedMs: leaseMs };
    const known = { epoch, revision, base, horizon, cutAt, owner, ...lease, fence: epoch };
    const [now, size, ownerName = ''] = [timeAt(reply, 0), numberAt(reply, 1), reply[2]];
    const wrongTypes = readWrongTypes(reply[3]);
    return {
      outcome: 'committed',
      timesLength: reply[4] === undefined ? undefined : Number(reply[4]),
      head: {
        ...known,
        size,
        ownerName,
        keysLost: false,
        wrongTypes,
        doubtedAt: 0,
        unsettled: 0,
        removedAt: 0,
        now,
      },
    };
  },
};

/** Times of changes, behind a `;` where they go behind those that the store has; else they take the place of those. */
function timesOf({ times = '', allTimes }: CutHead): string {
  return allTimes ?? (times && `;${times}`);
}

/** What is to be kept of these changes. */
function historyOf({ history, times = '' }: CutHead): string {
  return history === undefined ? '' : `${history.maxChanges} ${Math.ceil(history.maxAgeMs)} ${times}`;
}

/** Texts behind their number. */
function counted(texts: readonly string[]): string[] {
  return [String(texts.length), ...texts];
}

/** Who stages something. */
type Stager = Pick<Cut, 'owner' | 'leaseMs' | 'epoch' | 'base'>;

export const stage = {
  /** @param part for a portion of a turn, which is published as it is staged: its number, and the channel */
  args(
    stager: Stager,
    attempt: string,
    portion: Portion,
    part?: { number: number; channel: string },
  ): string[] {
    const { owner, leaseMs, epoch, base } = stager;
    const { isFirst, changes } = portion;
    const args = [
      owner,
      String(leaseMs),
      String(epoch),
      attempt,
      isFirst ? '1' : '0',
      ...counted(encodeTexts('', changes)),
    ];
    if (part) args.push(part.channel, encodePartLine({ epoch, base, attempt, number: part.number }));
    return args;
  },
  read: readOutcome<'staged', 'fenced' | 'head_moved'>,
};

export const flip = {
  args(cut: LargeCut, attempt: string, staged: Staged, channel: string): string[] {
    const { owner, leaseMs, epoch, prev, revision, base, horizon, cutAt } = cut;
    const { size, indexed, longest, parts } = staged;
    const header = encodeHeader(turnHeaderOf(cut, { attempt, parts }));
    const numbers = [leaseMs, epoch, prev.epoch, prev.revision, revision, base.epoch, base.revision];
    const place = [...numbers, horizon, cutAt].map(String);
    const counts = [size, indexed, longest].map(String);
    return [owner, ...place, channel, header, ...counts, attempt, timesOf(cut), historyOf(cut)];
  },
  read: readOutcome<'committed', 'fenced' | 'head_moved' | 'keys_lost'>,
};

export const settle = {
  args: (owner: string, epoch: number, leaseMs: number): string[] => [
    owner,
    String(leaseMs),
    String(epoch),
    String(SETTLED_KEYS),
  ],
  read: readOutcome<'settled', 'fenced' | 'head_moved' | 'keys_lost'>,
};

export const replaceAll = {
  /** Call it once all portions of the whole state are staged. */
  args(replacement: Replacement, attempt: string, channel: string): string[] {
    const { owner, leaseMs, epoch, revision, base, horizon, cutAt, whole } = replacement;
    const { size, count, digest } = whole;
    const header = encodeHeader(headerOf({ ...replacement, digest }, revision));
    const numbers = [leaseMs, epoch, revision, base.epoch, base.revision, horizon, cutAt].map(String);
    return [owner, ...numbers, channel, header, String(size), String(count), attempt, timesOf(replacement)];
  },
  read: readOutcome<'committed', 'fenced' | 'head_moved' | 'keys_lost'>,
};

export const since = {
  args: (
    { epoch, revision }: Position,
    limit: number,
    { horizon = 0, seen = 0, isDoubted = false, withTimes = false }: SinceOptions,
  ): string[] => [
    ...[epoch, revision, limit, horizon, seen].map(String),
    isDoubted ? '1' : '0',
    withTimes === 'always' ? '2' : withTimes ? '1' : '0',
  ],
  read: readPage,
};

export const history = {
  args: ({ key = '', before, newestMs, oldestMs, limit }: HistoryRequest): string[] => [
    before ?? wholeMs(newestMs) ?? '+',
    wholeMs(oldestMs) ?? '-',
    key,
    String(limit),
  ],
  read: readHistoryPage,
};

/** A time as the beginning of an id of a stream: all ids of that millisecond. */
function wholeMs(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : String(Math.max(0, Math.floor(ms)));
}

export const renew = {
  args: (owner: string, epoch: number, leaseMs: number): string[] => [owner, String(leaseMs), String(epoch)],
  read: readOutcome<'renewed', 'fenced' | 'head_moved'>,
};

export const release = {
  args: (owner: string, epoch: number, channel: string, farewell: Header | undefined): string[] => [
    owner,
    String(epoch),
    channel,
    farewell ? encodeHeader(farewell) : '',
    ownerAfter(farewell),
  ],
  read: readOutcome<'released', 'refused'>,
};

export const remove = {
  args: (outwaited: number | undefined, channel: string): string[] => [
    printOutwaited(outwaited),
    channel,
    String(REMOVAL_KEPT_MS),
  ],
  read: readOutcome<'removed', 'held' | 'absent'>,
};

function printOutwaited(outwaited: number | undefined): string {
  if (outwaited === undefined) return '';
  return outwaited === Infinity ? '-1' : outwaited.toFixed(3);
}

/** A part of a whole state, or of a turn, small enough for one call of `stage`. */
export interface Portion {
  /** It clears what an attempt that was given up has left. */
  readonly isFirst: boolean;
  readonly changes: readonly Change[];
}

/** What was staged: the number of values, of keys, and of portions. */
export interface Staged {
  readonly size: number;
  readonly indexed: number;
  /** The greatest length of a value, bytes. */
  readonly longest: number;
  readonly parts: number;
}

/**
 * There is always a first portion; without any change it is empty.
 * @param most bytes of a portion; a single change may be longer. Default: no limit
 */
export function* portionsOf(changes: Iterable<Change>, most = Infinity): Generator<Portion> {
  let isFirst = true;
  let portion: Change[] = [];
  let length = 0;
  let bytes = 0;
  for (const change of changes) {
    length += change.json.length;
    if (most < Infinity) bytes += sizeOf(change);
    const isOver = portion.length === PORTION_CHANGES || length > PORTION_LENGTH || bytes > most;
    if (isOver && portion.length > 0) {
      yield { isFirst, changes: portion };
      isFirst = false;
      portion = [];
      length = change.json.length;
      bytes = most < Infinity ? sizeOf(change) : 0;
    }
    portion.push(change);
  }
  yield { isFirst, changes: portion };
}

/** The server's time, ms: each reply has it. NaN where a light commit was answered with no time. */
export function readTime(reply: Reply): number {
  return typeof reply === 'string' ? decodeTime(reply) : timeAt(reply, isShort(reply) ? 0 : 1);
}

/** A full commit that was carried out has a reply without a head. */
function isShort(reply: readonly string[]): boolean {
  return reply.length < HEAD_LENGTH;
}

function readOutcome<Good extends string, Bad extends string>(reply: Reply): Outcome<Good, Bad> {
  return { outcome: (reply[0] ?? '') as Good, head: readHead(reply) };
}

function readPage(reply: Reply): Page {
  const head = readHead(reply);
  const [full, more, times, ...texts] = reply.slice(HEAD_LENGTH);
  if (texts.length === 0) throw new TandemError('INVALID_FRAME', 'expected a page in a reply, got none');
  const { changes, isSound } = decodePage(...texts);
  return {
    head: isSound ? head : { ...head, keysLost: true },
    full: full === '1',
    more: more === '1',
    changes,
    ...(times && { times }),
  };
}

function readHistoryPage(reply: Reply): HistoryPage {
  const head = readHead(reply);
  const [upTo, from, oldest = '', isGap, next, ...fields] = reply.slice(HEAD_LENGTH);
  const changes: HistoryChange[] = [];
  for (let at = 0; at + 5 < fields.length; at += 6) {
    const [key, revision, epoch, times, has, json] = fields.slice(at, at + 6) as [
      string,
      string,
      string,
      string,
      string,
      string,
    ];
    const change = { key, revision: Number(revision), epoch: Number(epoch), times };
    changes.push({ ...change, json: has === '1' ? json : '' });
  }
  return {
    head,
    upTo: Number(upTo),
    fromMs: Number(from),
    oldestMs: oldest === '' ? undefined : Number(oldest.split('-')[0]),
    isTrimmed: isGap !== '1',
    changes,
    next: next || undefined,
  };
}

function readHead(reply: Reply): Head {
  const number = (at: number): number => numberAt(reply, at);
  return {
    now: timeAt(reply, 1),
    fence: number(2),
    epoch: number(3),
    revision: number(4),
    base: { epoch: number(5), revision: number(6) },
    size: number(7),
    horizon: number(8),
    cutAt: number(9),
    owner: reply[10] ?? '',
    ownerName: reply[11] ?? '',
    leaseMs: reply[12] === '-1' ? Infinity : number(12),
    leaseAskedMs: number(14),
    keysLost: reply[13] !== '0',
    ...(reply[13] === '2' && { keysAdded: true }),
    wrongTypes: readWrongTypes(reply[15]),
    doubtedAt: number(16),
    unsettled: number(17),
    removedAt: number(18),
  };
}

const NO_WRONG_TYPES: readonly WrongType[] = [];

/** A line for each: the key, the type that it has, and its right type. None of them has a blank in it. */
function readWrongTypes(lines: string | undefined): readonly WrongType[] {
  if (!lines) return NO_WRONG_TYPES;
  return lines.split('\n').map((line) => {
    const [key = '', found = '', expected = ''] = line.split(' ');
    return { key, found, expected };
  });
}

function numberAt(reply: Reply, at: number): number {
  const value = Number(reply[at]);
  if (reply[at] !== undefined && Number.isFinite(value)) return value;
  throw new TandemError('INVALID_FRAME', `expected a number at ${at} in a reply, got ${reply[at]}`);
}

function timeAt(reply: Reply, at: number): number {
  const ms = decodeTime(reply[at] ?? '');
  if (!Number.isNaN(ms)) return ms;
  throw new TandemError('INVALID_FRAME', `expected a time at ${at} in a reply, got ${reply[at]}`);
}
