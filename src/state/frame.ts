/**
 * Frames: what changed from one revision to another, as published and as read back.
 *
 * A published frame is text. First line: the server's time of publication, seconds and microseconds, which
 * the script writes. Second line: the header, numbers mostly. Then three lines a change: key, revision, value
 * as JSON, or empty for a delete. Neither keys nor JSON hold a line break, so nothing is escaped and nothing
 * is copied twice. A heartbeat is a frame of no change. Everything that arrives is checked here before anyone
 * acts on it.
 */
import { TandemError } from '../base/errors.ts';
import type { Line } from './position.ts';
import { isSame, ZERO } from './position.ts';
import { Scanner } from './scanner.ts';
import { MAX_KEY_LENGTH, MAX_VALUE_LENGTH } from './space.ts';
import type { FrameTrace } from './trace.ts';
import { readFrameTrace } from './trace.ts';

/**
 * The version of frames, in each header. Another is refused, never guessed at. (In 1 the header was JSON.)
 */
export const FORMAT = 2;

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
  readonly isAhead?: boolean | undefined;
  /**
   * Server's time, ms, when the oldest change in it was set. For whoever measures; nothing is decided by it.
   */
  readonly setAt?: number | undefined;
  /** The bound of the error of `setAt`, ms: that of the owner's idea of the server's clock. */
  readonly setErrorMs?: number | undefined;
  /** The span that it belongs to, where somebody keeps traces. */
  readonly trace?: FrameTrace | undefined;
}

export interface Frame extends Header {
  readonly changes: readonly Change[];
  /** Server's time of publication, ms; on the direct path the owner's. */
  readonly publishedAt: number;
}

/**
 * The header's line: version, epoch, base, `prev`, revision, `cutAt` in µs, `leaseMs`, the kind; then what is
 * for those who measure, where it is known: `setAt` and `setErrorMs` in µs, and the trace, JSON.
 */
export function encodeHeader(header: Header): string {
  const { epoch, base, prev, revision, cutAt, leaseMs, setAt, setErrorMs = 0, trace } = header;
  const line = `${FORMAT} ${epoch} ${base.epoch}-${base.revision} ${prev} ${revision} ${micros(cutAt)} ${leaseMs} ${kindOf(header)}`;
  const set = setAt === undefined ? '' : ` ${micros(setAt)} ${micros(setErrorMs)}`;
  return trace === undefined ? line + set : `${line}${set} ${JSON.stringify(trace)}`;
}

/** What a frame is: told by its commit, an announcement, or a goodbye. */
const COMMITTED = 0x63;
const AHEAD = 0x61;
const BYE = 0x62;

function kindOf({ bye, isAhead }: Header): string {
  return String.fromCharCode(bye ? BYE : isAhead ? AHEAD : COMMITTED);
}

/** A time as it travels in a header, whole microseconds. */
function micros(ms: number): number {
  return Math.round(ms * 1_000);
}

/** A published frame is at most one cut, or one change that is over the limit by itself, and a header. */
const MAX_PUBLISHED_LENGTH = MAX_FRAME_LENGTH + MAX_VALUE_LENGTH + 4096;

const LINE_BREAK = 0x0a;
const BLANK = 0x20;
const DASH = 0x2d;
const BRACE = 0x7b;

export function encodeTime(ms: number): string {
  const whole = micros(ms);
  return `${Math.floor(whole / 1e6)} ${whole % 1e6}`;
}

/** A time as it travels, in ms; NaN for what is none. */
export function decodeTime(text: string): number {
  const scanner = new Scanner(text);
  const ms = readTime(scanner);
  return scanner.isAtEnd ? ms : NaN;
}

/** Seconds and microseconds, as Redis tells its time: in ms; NaN for what is none. */
function readTime(scanner: Scanner): number {
  const seconds = scanner.count();
  const rest = scanner.countAfter(BLANK);
  return rest < 1e6 ? (seconds * 1e6 + rest) / 1e3 : NaN;
}

/** What a claim publishes: from now on nothing of an epoch below `fence` is the owner's. */
export function encodeFence(publishedAt: number, fence: number): string {
  return `${encodeTime(publishedAt)}\n${FORMAT} fence ${fence}`;
}

const FENCE = new RegExp(`^\\d{1,12} \\d{1,6}\\n${FORMAT} fence ([1-9]\\d{0,15})$`);
const MAX_FENCE_LENGTH = 45;

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

/** Keys and values of changes, in UTF-8. */
export function bytesOf(changes: readonly Change[]): number {
  let bytes = 0;
  for (const { key, json } of changes) bytes += Buffer.byteLength(key) + Buffer.byteLength(json);
  return bytes;
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
  const scanner = new Scanner(message);
  const frame = readHead(scanner);
  const { epoch, base, prev, revision, changes } = frame;
  // Epoch 0 is an owner's that could not claim yet: it may be read from its own process. It continues
  // nothing.
  const isBased = epoch === 0 ? isSame(base, ZERO) : base.epoch < epoch;
  if (!isBased) throw invalid('a base that is not before its epoch');
  if (prev > revision) throw invalid('an end before its start');
  let before = prev;
  while (!scanner.isAtEnd) {
    const change = readChange(scanner);
    if (change === undefined) throw invalid(`a change that cannot be, before character ${scanner.at}`);
    if (change.revision <= before) throw invalid(`a change of "${change.key}" out of order`);
    before = change.revision;
    changes.push(change);
  }
  if (before > revision) throw invalid('a change past its end');
  return frame;
}

/** A frame, as it is made. */
type Draft = { -readonly [K in keyof Frame]: Frame[K] } & { changes: Change[] };

/** The first two lines. What is not there in its place is NaN, and found when all are. */
function readHead(scanner: Scanner): Draft {
  const publishedAt = readTime(scanner);
  const version = scanner.countAfter(LINE_BREAK);
  if (version !== FORMAT) throw invalid(`version ${version}, expected ${FORMAT}`);
  const epoch = scanner.countAfter(BLANK);
  const base = { epoch: scanner.countAfter(BLANK), revision: scanner.countAfter(DASH) };
  const prev = scanner.countAfter(BLANK);
  const revision = scanner.countAfter(BLANK);
  const cutAt = scanner.countAfter(BLANK) / 1e3;
  const leaseMs = scanner.countAfter(BLANK);
  const sum = epoch + base.epoch + base.revision + prev + revision + cutAt + leaseMs + publishedAt;
  if (Number.isNaN(sum) || !scanner.passes(BLANK)) throw invalid('a number in its header that is none');
  const isAhead = scanner.passes(AHEAD);
  const bye = !isAhead && scanner.passes(BYE);
  if (!isAhead && !bye && !scanner.passes(COMMITTED)) throw invalid('a kind that is unknown');
  const { setAt, setErrorMs, trace } = readMeasures(scanner);
  // All frames are of one shape, so that what they come by stays compiled for it.
  return {
    epoch,
    base,
    prev,
    revision,
    cutAt,
    leaseMs,
    bye,
    isAhead,
    setAt,
    setErrorMs,
    trace,
    publishedAt,
    changes: [],
  };
}

type Measured = Pick<Draft, 'setAt' | 'setErrorMs' | 'trace'>;

/** What is only for those who measure is never worth a frame: what is not well-formed is left out. */
function readMeasures(scanner: Scanner): Measured {
  const measures: Measured = { setAt: undefined, setErrorMs: undefined, trace: undefined };
  if (!scanner.passes(BLANK)) {
    if (endsHere(scanner)) return measures;
    throw invalid('a header that goes on');
  }
  if (scanner.text.charCodeAt(scanner.at) !== BRACE) {
    const setAt = scanner.count() / 1e3;
    const setErrorMs = scanner.countAfter(BLANK) / 1e3;
    if (!Number.isNaN(setAt + setErrorMs)) {
      measures.setAt = setAt;
      measures.setErrorMs = setErrorMs;
    }
    if (endsHere(scanner)) return measures;
    scanner.passes(BLANK);
  }
  measures.trace = readFrameTrace(parsed(scanner.line()));
  return measures;
}

function endsHere(scanner: Scanner): boolean {
  return scanner.isAtEnd || scanner.text.charCodeAt(scanner.at) === LINE_BREAK;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * Changes of a page. Keys may have been meddled with; what cannot be is passed over, and the page is not
 * sound.
 */
export function decodePage(lines: string): { changes: Change[]; isSound: boolean } {
  const changes: Change[] = [];
  const scanner = new Scanner(lines);
  let isSound = true;
  let before = 0;
  while (!scanner.isAtEnd) {
    const change = readChange(scanner);
    if (change === undefined || change.revision <= before) isSound = false;
    else {
      before = change.revision;
      changes.push(change);
    }
  }
  return { changes, isSound };
}

/**
 * The next three lines, each behind a line break; `undefined` where they are no change. They are behind in
 * either case.
 */
function readChange(scanner: Scanner): Change | undefined {
  const from = scanner.at;
  const key = scanner.passes(LINE_BREAK) ? scanner.printable() : '';
  const revision = scanner.countAfter(LINE_BREAK);
  const isSound =
    revision > 0 && key.length > 0 && key.length <= MAX_KEY_LENGTH && scanner.passes(LINE_BREAK);
  if (isSound) return { key, revision, json: scanner.line() };
  scanner.at = from;
  for (let lines = 0; lines < 3; lines += 1) {
    scanner.passes(LINE_BREAK);
    scanner.line();
  }
  return undefined;
}

function invalid(what: string): TandemError {
  return new TandemError('INVALID_FRAME', `a frame that cannot be used: ${what}`);
}
