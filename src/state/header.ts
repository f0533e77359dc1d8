/**
 * The header of a frame, one line: version, epoch, base, `prev`, `revision`, `cutAt` in µs, `leaseMs`, the
 * kind. Where they are known, measurements follow: `setAt` and `setErrorMs` in µs, and the trace as JSON.
 */
import { invalidFrame } from './invalid-frame.ts';
import type { Line } from './position.ts';
import { BLANK, LINE_BREAK } from './scanner.ts';
import type { Scanner } from './scanner.ts';
import type { FrameTrace } from './trace.ts';
import { readFrameTrace } from './trace.ts';
import { micros } from './wire-time.ts';

/**
 * The version of frames, in each header. A frame of another version is refused. (In 1 the header was JSON.)
 */
export const FORMAT = 2;

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
  /**
   * Server's time at which the oldest change in the frame was set, ms. A measurement: no decision uses it.
   */
  readonly setAt?: number | undefined;
  /** The error bound of `setAt`, ms: that of the owner's estimate of the server's clock. */
  readonly setErrorMs?: number | undefined;
  /** The span that the frame belongs to, where the owner traces. */
  readonly trace?: FrameTrace | undefined;
}

/** The kinds of frames: published by its commit, an announcement, or a goodbye. */
export const COMMITTED = 0x63;
export const AHEAD = 0x61;
export const BYE = 0x62;

const BRACE = 0x7b;

export function encodeHeader(header: Header): string {
  const { epoch, base, prev, revision, cutAt, leaseMs, setAt, setErrorMs = 0, trace } = header;
  const line = `${FORMAT} ${epoch} ${base.epoch}-${base.revision} ${prev} ${revision} ${micros(cutAt)} ${leaseMs} ${kindOf(header)}`;
  const set = setAt === undefined ? '' : ` ${micros(setAt)} ${micros(setErrorMs)}`;
  return trace === undefined ? line + set : `${line}${set} ${JSON.stringify(trace)}`;
}

function kindOf({ bye, isAhead }: Header): string {
  return String.fromCharCode(bye ? BYE : isAhead ? AHEAD : COMMITTED);
}

type Measurements = {
  -readonly [K in 'setAt' | 'setErrorMs' | 'trace']: Header[K];
};

/**
 * Reads the end of the header. A malformed measurement is left out: it is no reason to refuse a frame.
 * @throws TandemError `INVALID_FRAME` where neither a blank nor the end of the line comes next
 */
export function readMeasurements(scanner: Scanner): Measurements {
  const measurements: Measurements = { setAt: undefined, setErrorMs: undefined, trace: undefined };
  if (!scanner.passes(BLANK)) {
    if (endsHere(scanner)) return measurements;
    throw invalidFrame('its header goes on after the kind');
  }
  if (scanner.text.charCodeAt(scanner.at) !== BRACE) {
    const setAt = scanner.count() / 1e3;
    const setErrorMs = scanner.countAfter(BLANK) / 1e3;
    if (!Number.isNaN(setAt + setErrorMs)) {
      measurements.setAt = setAt;
      measurements.setErrorMs = setErrorMs;
    }
    if (endsHere(scanner)) return measurements;
    scanner.passes(BLANK);
  }
  measurements.trace = readFrameTrace(parsed(scanner.line()));
  return measurements;
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
