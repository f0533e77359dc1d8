/**
 * Frames: the changes from one revision to another, as published and as read back.
 *
 * A frame is text. Its first line is the server's time of publication, seconds and microseconds; the
 * publishing script writes it. The second line is the header. Three lines a change follow. A heartbeat is a
 * frame without changes.
 *
 * Invariants of a decoded frame: the base comes before the epoch, `prev <= revision`, and the revisions of
 * the changes grow strictly within `(prev, revision]`. `decodeFrame` refuses every other text.
 */
import type { Change } from './change.ts';
import { encodeChanges, readChange } from './change.ts';
import type { Header } from './header.ts';
import { AHEAD, BYE, COMMITTED, encodeHeader, readFields, TURN } from './header.ts';
import { invalidFrame } from './invalid-frame.ts';
import { isSame, ZERO } from './position.ts';
import type { Scanner } from './scanner.ts';
import { BLANK, DASH } from './scanner.ts';
import { MAX_VALUE_LENGTH } from './value.ts';
import { encodeTime } from './wire-time.ts';

/** A cut with more text is neither published nor committed in one call, UTF-16 code units. */
export const MAX_FRAME_LENGTH = 1024 * 1024;

/**
 * The most that one cut has, or one change that is over the limit by itself, and a header. The cuts of earlier
 * versions have twice as much.
 */
export const MAX_PUBLISHED_LENGTH = 2 * MAX_FRAME_LENGTH + MAX_VALUE_LENGTH + 65_536;

export interface Frame extends Header {
  readonly changes: readonly Change[];
  /** Server's time of publication, ms; on the direct path the owner's time. */
  readonly publishedAt: number;
}

/** A whole frame as it travels. */
export function encodeFrame(publishedAt: number, header: Header, changes: readonly Change[]): string {
  return `${encodeTime(publishedAt)}\n${encodeHeader(header)}${encodeChanges(changes)}`;
}

/**
 * Reads and checks a frame, from the epoch in its header on.
 * @returns the frame; `undefined` for one of a kind that this version does not know
 * @throws TandemError `INVALID_FRAME`
 */
export function readFrame(scanner: Scanner, publishedAt: number): Frame | undefined {
  const frame = readHead(scanner, publishedAt);
  if (frame === undefined) return undefined;
  const { epoch, base, prev, revision, changes } = frame;
  // An owner that could not claim yet has epoch 0. Its own process may serve such frames; they continue
  // nothing.
  const isBased = epoch === 0 ? isSame(base, ZERO) : base.epoch < epoch;
  if (!isBased) throw invalidFrame('its base does not come before its epoch');
  if (prev > revision) throw invalidFrame('its end comes before its start');
  let before = prev;
  while (!scanner.isAtEnd) {
    const change = readFrameChange(scanner, before, revision);
    before = change.revision;
    changes.push(change);
  }
  if (frame.turn !== undefined && changes.length > 0) throw invalidFrame('a change at the end of a turn');
  return frame;
}

/**
 * Reads and checks the next change of a frame.
 * @param before the revision of the change before it
 * @param last the revision of the frame
 * @throws TandemError `INVALID_FRAME`
 */
export function readFrameChange(scanner: Scanner, before: number, last: number): Change {
  const change = readChange(scanner);
  if (change === undefined) throw invalidFrame(`a malformed change before character ${scanner.at}`);
  if (change.revision <= before) throw invalidFrame(`a change of "${change.key}" out of order`);
  if (change.revision > last) throw invalidFrame('a change past its end');
  return change;
}

/** A frame while it is being read. */
type Draft = { -readonly [K in keyof Frame]: Frame[K] } & { changes: Change[] };

/** Reads the header. A missing number is NaN, and one check of their sum finds it. */
function readHead(scanner: Scanner, publishedAt: number): Draft | undefined {
  const epoch = scanner.count();
  const base = { epoch: scanner.countAfter(BLANK), revision: scanner.countAfter(DASH) };
  const prev = scanner.countAfter(BLANK);
  const revision = scanner.countAfter(BLANK);
  const cutAt = scanner.countAfter(BLANK) / 1e3;
  const leaseMs = scanner.countAfter(BLANK);
  const sum = epoch + base.epoch + base.revision + prev + revision + cutAt + leaseMs;
  if (Number.isNaN(sum) || !scanner.passes(BLANK)) throw invalidFrame('a malformed number in its header');
  const kind = readKind(scanner);
  if (kind === undefined) return undefined;
  // All frames have one shape, so that the code that reads them stays compiled for that shape.
  const frame: Draft = {
    epoch,
    base,
    prev,
    revision,
    cutAt,
    leaseMs,
    bye: kind === BYE,
    isAhead: kind === AHEAD,
    digest: undefined,
    heartbeatMs: undefined,
    setAt: undefined,
    setErrorMs: undefined,
    times: undefined,
    trace: undefined,
    turn: undefined,
    publishedAt,
    changes: [],
  };
  readFields(scanner, frame as Required<Draft>);
  if (kind !== TURN) frame.turn = undefined;
  // Where its parts are not known, the frame must not pass for one without changes.
  else if (frame.turn === undefined) return undefined;
  return frame;
}

/** The kind, one letter; `undefined` for an unknown word. */
function readKind(scanner: Scanner): number | undefined {
  const word = scanner.word();
  const kind = word.length === 1 ? word.charCodeAt(0) : NaN;
  if (word === '') throw invalidFrame('no kind');
  return kind === COMMITTED || kind === AHEAD || kind === BYE || kind === TURN ? kind : undefined;
}
