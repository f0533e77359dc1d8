/**
 * Frames: what changed from one revision to another, as published and as read back.
 *
 * A published frame is text. First line: the server's time of publication, seconds and microseconds, which the script writes. Second
 * line: the header, JSON. Then three lines a change: key, revision, value as JSON, or empty for a delete.
 * Neither keys nor JSON hold a line break, so nothing is escaped and nothing is copied twice. A beacon is a
 * frame of no change. Everything that arrives is checked here before anyone acts on it.
 */
import { show, TandemError } from './errors.ts';
import type { Line, Position } from './position.ts';
import { isSame, parsePosition, printPosition, ZERO } from './position.ts';
import { keyProblem, MAX_VALUE_LENGTH } from './space.ts';
import type { FrameTrace } from './trace.ts';
import { readFrameTrace } from './trace.ts';

/** The version of the format, in `meta` and in each header. Another version is refused, never guessed at. */
export const FORMAT = 1;

/** A cut with more text is not published and not committed in one call. */
export const MAX_FRAME_LENGTH = 2 * 1024 * 1024;

export interface Change {
  readonly key: string;
  readonly revision: number;
  /** JSON text; empty for a delete. */
  readonly json: string;
  /** What its schema reads from it, where that was done ahead. */
  value?: unknown;
}

export interface Header extends Line {
  readonly prev: number;
  readonly revision: number;
  /** Server's time, ms: everything set before is in this frame or in an earlier one. */
  readonly cutAt: number;
  /** For how long the owner's lease is renewed with this frame, ms. */
  readonly leaseMs: number;
  /** The owner says goodbye: it has given up its lease. */
  readonly bye: boolean;
  /** An announcement: it went out ahead of its commit. Default false. */
  readonly isAhead?: boolean;
  /** Server's time, ms, when the oldest change in it was set. For whoever measures; nothing is decided by it. */
  readonly setAt?: number;
  /** The bound of the error of `setAt`, ms: that of the owner's idea of the server's clock. */
  readonly setErrorMs?: number;
  /** The span that it belongs to, where somebody keeps traces. */
  readonly trace?: FrameTrace;
}

export interface Frame extends Header {
  readonly changes: readonly Change[];
  /** Server's time of publication, ms; on the direct path the owner's. */
  readonly publishedAt: number;
}

/** JSON, written down: `HEAD` reads it just as it is written here. */
export function encodeHeader(header: Header): string {
  const { epoch, base, prev, revision, cutAt, leaseMs, bye, isAhead, setAt, setErrorMs, trace } = header;
  const place = `"epoch":${epoch},"base":"${printPosition(base)}","prev":${prev},"revision":${revision}`;
  const set = setAt === undefined ? '' : `,"setAt":${JSON.stringify(setAt)}`;
  const error = setErrorMs === undefined ? '' : `,"setErrorMs":${JSON.stringify(setErrorMs)}`;
  const flags = (isAhead ? ',"ahead":true' : '') + (bye ? ',"bye":true' : '');
  const rest = flags + (trace ? `,"trace":${JSON.stringify(trace)}` : '');
  return `{"v":${FORMAT},${place},"cutAt":${cutAt},"leaseMs":${leaseMs}${set}${error}${rest}}`;
}

/**
 * The first two lines of nearly every frame: its time, and a header as `encodeHeader` writes it where nothing is traced.
 * Read by one expression they cost a third of what parsing and checking each field does; what it does not match is parsed.
 */
const N = '(0|[1-9]\\d{0,14})';
const MS = '((?:0|[1-9]\\d{0,14})(?:\\.\\d{1,3})?)';
const HEAD = new RegExp(
  `^(\\d{1,12}) (\\d{1,6})\\n\\{"v":${FORMAT},"epoch":${N},"base":"${N}-${N}","prev":${N},"revision":${N},"cutAt":${MS},` +
    `"leaseMs":${N}(?:,"setAt":${MS},"setErrorMs":${MS})?(,"ahead":true)?\\}(?![^\\n])`,
);

/** A published frame is at most one cut, or one change that is over the limit by itself, and a header. */
const MAX_PUBLISHED_LENGTH = MAX_FRAME_LENGTH + MAX_VALUE_LENGTH + 4096;

/** Seconds and microseconds, as Redis tells its time. */
const TIME = /^(\d{1,12}) (\d{1,6})$/;

export function encodeTime(ms: number): string {
  const micros = Math.round(ms * 1_000);
  return `${Math.floor(micros / 1e6)} ${micros % 1e6}`;
}

/** A time as it travels, in ms; NaN for what is none. */
export function decodeTime(text: string): number {
  const [, seconds = '', micros = ''] = TIME.exec(text) ?? [];
  return seconds === '' ? NaN : msOf(seconds, micros);
}

function msOf(seconds: string, micros: string): number {
  return (Number(seconds) * 1e6 + Number(micros)) / 1e3;
}

/** What a claim publishes: from now on nothing of an epoch below `fence` is the owner's. */
export function encodeFence(publishedAt: number, fence: number): string {
  return `${encodeTime(publishedAt)}\n{"v":${FORMAT},"fence":${fence}}`;
}

const FENCE = new RegExp(`^\\d{1,12} \\d{1,6}\\n\\{"v":${FORMAT},"fence":([1-9]\\d{0,15})\\}$`);
const MAX_FENCE_LENGTH = 64;

/** The fence that a message tells; `undefined` where it is a frame. */
export function decodeFence(message: string): number | undefined {
  // Looked at with every frame, so nearly all are told apart by their length.
  if (message.length > MAX_FENCE_LENGTH) return undefined;
  const [, fence] = FENCE.exec(message) ?? [];
  return fence === undefined ? undefined : Number(fence);
}

/** Changes as they travel, each line of theirs behind a line break. */
export function encodeChanges(changes: Iterable<Change>): string {
  let lines = '';
  for (const { key, revision, json } of changes) lines += `\n${key}\n${revision}\n${json}`;
  return lines;
}

/** A whole frame, as it travels. */
export function encodeFrame(publishedAt: number, header: Header, changes: readonly Change[]): string {
  return `${encodeTime(publishedAt)}\n${encodeHeader(header)}${encodeChanges(changes)}`;
}

/**
 * @param maxLength in UTF-16 code units; by default what may be published
 * @throws TandemError `INVALID_FRAME`
 */
export function decodeFrame(message: string, maxLength = MAX_PUBLISHED_LENGTH): Frame {
  if (message.length > maxLength) throw invalid(`${message.length} characters`);
  const known = HEAD.exec(message);
  const frame = known ? readHead(known) : parseHead(message);
  // Epoch 0 is an owner's that could not claim yet: it may be read from its own process. It continues nothing.
  const isBased = frame.epoch === 0 ? isSame(frame.base, ZERO) : frame.base.epoch < frame.epoch;
  expect(isBased, 'a base that is not before its epoch');
  expect(frame.prev <= frame.revision, 'an end before its start');
  const { changes } = frame;
  decodeChanges(message, known ? known[0].length : lineEnd(message, lineEnd(message, 0) + 1), changes);
  const first = changes[0];
  const last = changes.at(-1);
  expect(first === undefined || first.revision > frame.prev, 'a change at or before its start');
  expect(last === undefined || last.revision <= frame.revision, 'a change past its end');
  return frame;
}

/** A frame, as it is made. */
type Draft = { -readonly [K in keyof Frame]: Frame[K] } & { changes: Change[] };

function readHead(head: RegExpExecArray): Draft {
  const frame: Draft = {
    epoch: Number(head[3]),
    base: { epoch: Number(head[4]), revision: Number(head[5]) },
    prev: Number(head[6]),
    revision: Number(head[7]),
    cutAt: Number(head[8]),
    leaseMs: Number(head[9]),
    bye: false,
    publishedAt: msOf(head[1]!, head[2]!),
    changes: [],
  };
  if (head[12] !== undefined) frame.isAhead = true;
  if (head[10] === undefined) return frame;
  frame.setAt = Number(head[10]);
  frame.setErrorMs = Number(head[11]);
  return frame;
}

function parseHead(message: string): Draft {
  const timeEnd = lineEnd(message, 0);
  const publishedAt = decodeTime(message.slice(0, timeEnd));
  expect(!Number.isNaN(publishedAt), 'no time in its first line');
  const fields = parseHeader(message.slice(timeEnd + 1, lineEnd(message, timeEnd + 1)));
  const frame: Draft = {
    epoch: count(fields, 'epoch'),
    base: position(fields.base),
    prev: count(fields, 'prev'),
    revision: count(fields, 'revision'),
    cutAt: fields.cutAt as number,
    leaseMs: count(fields, 'leaseMs'),
    bye: fields.bye === true,
    publishedAt,
    changes: [],
  };
  expect(Number.isFinite(frame.cutAt), 'no cutAt');
  if (fields.ahead === true) frame.isAhead = true;
  return withMeasures(frame, fields);
}

function lineEnd(message: string, from: number): number {
  const at = message.indexOf('\n', from);
  return at === -1 ? message.length : at;
}

/** Reads the changes of a frame, from behind its header. */
function decodeChanges(message: string, from: number, changes: Change[]): void {
  let before = 0;
  const end = eachChange(message, from, (key, change) => {
    if (change === undefined) throw invalid(`a change of ${show(key)} that cannot be`);
    if (change.revision <= before) throw invalid(`a change of "${key}" out of order`);
    before = change.revision;
    changes.push(change);
  });
  if (end < message.length) throw invalid('a change that is cut short');
}

/** Changes of a page. Keys may have been meddled with; what cannot be is passed over, and the page is not sound. */
export function decodePage(lines: string): { changes: Change[]; isSound: boolean } {
  const changes: Change[] = [];
  let isSound = true;
  const end = eachChange(lines, 0, (_key, change) => {
    if (change !== undefined && change.revision > (changes.at(-1)?.revision ?? 0)) changes.push(change);
    else isSound = false;
  });
  return { changes, isSound: isSound && end === lines.length };
}

/**
 * Takes changes apart, each three lines, each line behind a line break. Returns up to where they are whole.
 * @param take is given `undefined` for a change that cannot be
 */
function eachChange(
  lines: string,
  from: number,
  take: (key: string, change: Change | undefined) => void,
): number {
  let at = from;
  while (lines[at] === '\n') {
    const keyEnd = lines.indexOf('\n', at + 1);
    const revisionEnd = keyEnd === -1 ? -1 : lines.indexOf('\n', keyEnd + 1);
    if (revisionEnd === -1) return at;
    const end = lineEnd(lines, revisionEnd + 1);
    const key = lines.slice(at + 1, keyEnd);
    take(key, changeOf(key, lines.slice(keyEnd + 1, revisionEnd), lines.slice(revisionEnd + 1, end)));
    at = end;
  }
  return at;
}

function changeOf(key: string, printed: string, json: string): Change | undefined {
  const revision = Number(printed);
  // Digits and nothing else: what `Number` takes for one is more than that.
  const isRevision = Number.isSafeInteger(revision) && revision > 0 && String(revision) === printed;
  return isRevision && keyProblem(key) === undefined ? { key, revision, json } : undefined;
}

function parseHeader(text: string): Record<string, unknown> {
  let fields: Record<string, unknown>;
  try {
    fields = JSON.parse(text) as Record<string, unknown>;
  } catch {
    throw invalid('a header that is no JSON');
  }
  if (typeof fields !== 'object' || fields === null) throw invalid('a header that is no object');
  if (fields.v !== FORMAT) throw invalid(`version ${show(fields.v)}, expected ${FORMAT}`);
  return fields;
}

/** What is only for those who measure is never worth a frame: what is not well-formed is left out. */
function withMeasures(frame: Draft, { setAt, setErrorMs, trace }: Record<string, unknown>): Draft {
  if (isTime(setAt) && isTime(setErrorMs)) {
    frame.setAt = setAt;
    frame.setErrorMs = setErrorMs;
  }
  const read = trace === undefined ? undefined : readFrameTrace(trace);
  if (read) frame.trace = read;
  return frame;
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

function count(fields: Record<string, unknown>, name: string): number {
  const value = fields[name];
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
  throw invalid(`${name} ${show(value)}`);
}

function position(printed: unknown): Position {
  try {
    return parsePosition(printed as string);
  } catch (error) {
    throw invalid((error as Error).message);
  }
}

function expect(holds: boolean, what: string): asserts holds {
  if (!holds) throw invalid(what);
}

function invalid(what: string): TandemError {
  return new TandemError('INVALID_FRAME', `a frame that cannot be used: ${what}`);
}
