/**
 * The header of a frame, one line. Eight parts always come: version, epoch, base, `prev`, `revision`, `cutAt`
 * in µs, `leaseMs`, the kind. Then come fields, `name=value`, in any order. No value has a blank.
 *
 *   d   digest of the state at `revision`
 *   h   heartbeatMs
 *   s   setAt, µs           only with `e`
 *   e   setErrorMs, µs      only with `s`
 *   m   times               when the changes were set, as `change-times.ts` prints it
 *   p   turn                `<attempt>.<number of parts>`, with the kind `t` only
 *   t   trace, JSON
 *
 * So the wire can grow: a reader passes over a field that it does not know, and ignores a frame of an unknown
 * kind. A field that is malformed is left out: no field is a reason to refuse a frame.
 */
import type { Line } from './position.ts';
import { BLANK, LINE_BREAK } from './scanner.ts';
import type { Scanner } from './scanner.ts';
import type { FrameTrace } from './trace.ts';
import { readFrameTrace } from './trace.ts';
import { micros } from './wire-time.ts';

/**
 * The version of the wire, in each message. A message of another version is refused. (In 1 the header was
 * JSON; in 2 it had no fields with names, so nothing could be added.)
 */
export const FORMAT = 3;

export interface Header extends Line {
  readonly prev: number;
  readonly revision: number;
  /** Server's time, ms: every change set earlier is in this frame or in one before it. */
  readonly cutAt: number;
  /** The owner's lease runs for this long from this frame on, ms. */
  readonly leaseMs: number;
  /** The owner has given up its lease; no frame of its epoch follows. */
  readonly bye: boolean;
  /** An announcement: the frame went out ahead of its commit. Default false. */
  readonly isAhead?: boolean | undefined;
  /** The digest of the owner's state at `revision`, 0 to 2^32 - 1; `undefined` where it is not known. */
  readonly digest?: number | undefined;
  /** The longest time between two signs of life of the owner, ms. Heartbeats carry it. */
  readonly heartbeatMs?: number | undefined;
  /**
   * Server's time at which the oldest change in the frame was set, ms. A measurement: no decision uses it.
   */
  readonly setAt?: number | undefined;
  /** The error bound of `setAt`, ms: that of the owner's estimate of the server's clock. */
  readonly setErrorMs?: number | undefined;
  /** When the changes in the frame were set, on the server's clock: see `change-times.ts`. */
  readonly times?: string | undefined;
  /** The span that the frame belongs to, where the owner traces. */
  readonly trace?: FrameTrace | undefined;
  /** The frame ends the parts of a large turn, and its changes are theirs. */
  readonly turn?: Turn | undefined;
}

/** Where the changes of a large turn are: see `part.ts`. */
export interface Turn {
  readonly attempt: string;
  readonly parts: number;
}

/** The fields with names. */
export type Fields = {
  -readonly [K in 'digest' | 'heartbeatMs' | 'setAt' | 'setErrorMs' | 'times' | 'trace' | 'turn']: Header[K];
};

/** The kinds of frames: published by its commit, an announcement, a goodbye, or the end of a large turn. */
export const COMMITTED = 0x63;
export const AHEAD = 0x61;
export const BYE = 0x62;
export const TURN = 0x74;

const EQUALS = 0x3d;
const MAX_DIGEST = 2 ** 32 - 1;

export function encodeHeader(header: Header): string {
  const { epoch, base, prev, revision, cutAt, leaseMs, digest, heartbeatMs, setAt, times, trace, turn } =
    header;
  let line = `${FORMAT} ${epoch} ${base.epoch}-${base.revision} ${prev} ${revision} ${micros(cutAt)} ${leaseMs} ${kindOf(header)}`;
  if (digest !== undefined) line += ` d=${digest}`;
  if (heartbeatMs !== undefined) line += ` h=${Math.floor(heartbeatMs)}`;
  if (setAt !== undefined) line += ` s=${micros(setAt)} e=${micros(header.setErrorMs ?? 0)}`;
  if (times) line += ` m=${times}`;
  if (turn !== undefined) line += ` p=${turn.attempt}.${turn.parts}`;
  // A blank can stand in a string of the trace alone, where JSON has an escape for it.
  if (trace !== undefined) line += ` t=${JSON.stringify(trace).replaceAll(' ', '\\u0020')}`;
  return line;
}

function kindOf({ bye, isAhead, turn }: Header): string {
  if (turn !== undefined) return String.fromCharCode(TURN);
  return String.fromCharCode(bye ? BYE : isAhead ? AHEAD : COMMITTED);
}

/**
 * What stands for the owner in the keys once it has given up its lease: nothing where it had committed
 * everything, else a dash. An owner's id is neither.
 */
export function ownerAfter(farewell: Header | undefined): '' | '-' {
  return farewell !== undefined && farewell.cutAt > 0 ? '' : '-';
}

/** Reads the fields behind the kind, up to the end of the line. */
export function readFields(scanner: Scanner, into: Fields): void {
  while (scanner.passes(BLANK)) {
    if (scanner.text.charCodeAt(scanner.at + 1) === EQUALS) readField(scanner, into);
    // The rest of a field that is not known, or not well-formed.
    // planted: unknown-field
    scanner.word();
  }
  if (into.setAt === undefined || into.setErrorMs === undefined) into.setAt = into.setErrorMs = undefined;
}

/** Reads a field whose name is one letter. The scanner may stop within the value. */
function readField(scanner: Scanner, into: Fields): void {
  const name = scanner.text[scanner.at];
  scanner.at += 2;
  switch (name) {
    case 'd':
      into.digest = upTo(MAX_DIGEST, wholeNumber(scanner));
      break;
    case 'h':
      into.heartbeatMs = wholeNumber(scanner);
      break;
    case 's':
      into.setAt = inMs(wholeNumber(scanner));
      break;
    case 'e':
      into.setErrorMs = inMs(wholeNumber(scanner));
      break;
    case 'm':
      into.times = scanner.word();
      break;
    case 'p':
      into.turn = turnOf(scanner.word());
      break;
    case 't':
      into.trace = readFrameTrace(parsed(scanner.word()));
      break;
    default:
  }
}

/** A number that takes up the whole value of a field; `undefined` for any other text. */
function wholeNumber(scanner: Scanner): number | undefined {
  const value = scanner.count();
  const isWhole = scanner.isAtEnd || isBetween(scanner.text.charCodeAt(scanner.at));
  return isWhole && !Number.isNaN(value) ? value : undefined;
}

function isBetween(character: number): boolean {
  return character === BLANK || character === LINE_BREAK;
}

function upTo(most: number, value: number | undefined): number | undefined {
  return value !== undefined && value <= most ? value : undefined;
}

function inMs(micros: number | undefined): number | undefined {
  return micros === undefined ? undefined : micros / 1e3;
}

function turnOf(text: string): Turn | undefined {
  const [, attempt, parts] = /^([^.]+)\.([1-9]\d{0,8})$/.exec(text) ?? [];
  return attempt === undefined ? undefined : { attempt, parts: Number(parts) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
