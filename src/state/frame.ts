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
import { AHEAD, BYE, COMMITTED, encodeHeader, FORMAT, readMeasurements } from './header.ts';
import { invalidFrame } from './invalid-frame.ts';
import { isSame, ZERO } from './position.ts';
import { BLANK, DASH, LINE_BREAK, Scanner } from './scanner.ts';
import { MAX_VALUE_LENGTH } from './value.ts';
import { encodeTime, readTime } from './wire-time.ts';

/** A cut with more text is neither published nor committed in one call, UTF-16 code units. */
export const MAX_FRAME_LENGTH = 2 * 1024 * 1024;

/** The most that one cut has, or one change that is over the limit by itself, and a header. */
const MAX_PUBLISHED_LENGTH = MAX_FRAME_LENGTH + MAX_VALUE_LENGTH + 4096;

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
 * Reads and checks a frame.
 * @param maxLength UTF-16 code units; default the longest frame that may be published
 * @throws TandemError `INVALID_FRAME`
 */
export function decodeFrame(message: string, maxLength = MAX_PUBLISHED_LENGTH): Frame {
  if (message.length > maxLength) throw invalidFrame(`${message.length} characters`);
  const scanner = new Scanner(message);
  const frame = readHead(scanner);
  const { epoch, base, prev, revision, changes } = frame;
  // An owner that could not claim yet has epoch 0. Its own process may serve such frames; they continue
  // nothing.
  const isBased = epoch === 0 ? isSame(base, ZERO) : base.epoch < epoch;
  if (!isBased) throw invalidFrame('its base does not come before its epoch');
  if (prev > revision) throw invalidFrame('its end comes before its start');
  let before = prev;
  while (!scanner.isAtEnd) {
    const change = readChange(scanner);
    if (change === undefined) throw invalidFrame(`a malformed change before character ${scanner.at}`);
    if (change.revision <= before) throw invalidFrame(`a change of "${change.key}" out of order`);
    before = change.revision;
    changes.push(change);
  }
  if (before > revision) throw invalidFrame('a change past its end');
  return frame;
}

/** A frame while it is being read. */
type Draft = { -readonly [K in keyof Frame]: Frame[K] } & { changes: Change[] };

/** Reads the first two lines. A missing number is NaN, and one check of their sum finds it. */
function readHead(scanner: Scanner): Draft {
  const publishedAt = readTime(scanner);
  const version = scanner.countAfter(LINE_BREAK);
  if (version !== FORMAT) throw invalidFrame(`version ${version}, expected ${FORMAT}`);
  const epoch = scanner.countAfter(BLANK);
  const base = { epoch: scanner.countAfter(BLANK), revision: scanner.countAfter(DASH) };
  const prev = scanner.countAfter(BLANK);
  const revision = scanner.countAfter(BLANK);
  const cutAt = scanner.countAfter(BLANK) / 1e3;
  const leaseMs = scanner.countAfter(BLANK);
  const sum = epoch + base.epoch + base.revision + prev + revision + cutAt + leaseMs + publishedAt;
  if (Number.isNaN(sum) || !scanner.passes(BLANK)) throw invalidFrame('a malformed number in its header');
  const isAhead = scanner.passes(AHEAD);
  const bye = !isAhead && scanner.passes(BYE);
  if (!isAhead && !bye && !scanner.passes(COMMITTED)) throw invalidFrame('an unknown kind');
  const { setAt, setErrorMs, trace } = readMeasurements(scanner);
  // All frames have one shape, so that the code that reads them stays compiled for that shape.
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
