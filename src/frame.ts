/**
 * Frames: what changed from one revision to another, as published and as read back.
 *
 * A published frame is text. First line: the server's time of publication, which the script writes. Second
 * line: the header, JSON. Then three lines a change: key, revision, value as JSON, or empty for a delete.
 * Neither keys nor JSON hold a line break, so nothing is escaped and nothing is copied twice. A beacon is a
 * frame of no change. Everything that arrives is checked here before anyone acts on it.
 */
import { TandemError } from './errors.ts';
import type { Line } from './position.ts';
import { parsePosition, printPosition } from './position.ts';
import { keyProblem, MAX_VALUE_LENGTH } from './space.ts';

/** The version of the format, in `meta` and in each header. Another version is refused, never guessed at. */
export const FORMAT = 1;

/** A cut with more changes or more text is not published and not committed in one call. */
export const MAX_FRAME_CHANGES = 5_000;
export const MAX_FRAME_LENGTH = 2 * 1024 * 1024;

export interface Change {
  readonly key: string;
  readonly revision: number;
  /** JSON text; empty for a delete. */
  readonly json: string;
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
}

export interface Frame extends Header {
  readonly changes: readonly Change[];
  /** Server's time of publication, ms. */
  readonly publishedAt: number;
}

export function encodeHeader(header: Header): string {
  const { epoch, base, prev, revision, cutAt, leaseMs, bye } = header;
  const fields = {
    v: FORMAT,
    epoch,
    base: printPosition(base),
    prev,
    revision,
    cutAt,
    leaseMs,
  };
  return JSON.stringify(bye ? { ...fields, bye } : fields);
}

/** @throws TandemError `INVALID_FRAME` */
export function decodeFrame(message: string): Frame {
  // A frame is at most one cut, or one change that is over the limit by itself, and a header.
  expect(message.length <= MAX_FRAME_LENGTH + MAX_VALUE_LENGTH + 4096, `${message.length} characters`);
  const lines = message.split('\n');
  const publishedAt = Number(lines[0]);
  expect(publishedAt > 0, 'no time in its first line');
  const header = decodeHeader(lines[1] ?? '');
  const changes = decodeChanges(lines, 2);
  const first = changes[0];
  const last = changes.at(-1);
  expect(first === undefined || first.revision > header.prev, 'a change at or before its start');
  expect(last === undefined || last.revision <= header.revision, 'a change past its end');
  return { ...header, publishedAt, changes };
}

/**
 * Changes from a flat list of key, revision, value.
 * @throws TandemError `INVALID_FRAME`
 */
export function decodeChanges(flat: readonly string[], from = 0): Change[] {
  expect((flat.length - from) % 3 === 0, 'a change that is cut short');
  const changes: Change[] = [];
  let before = 0;
  for (let at = from; at < flat.length; at += 3) {
    const key = flat[at]!;
    const revision = Number(flat[at + 1]);
    const problem = keyProblem(key);
    expect(problem === undefined, `a key that cannot be: ${problem}`);
    expect(Number.isSafeInteger(revision) && revision > before, `a change of "${key}" out of order`);
    before = revision;
    changes.push({ key, revision, json: flat[at + 2]! });
  }
  return changes;
}

function decodeHeader(text: string): Header {
  let fields: Record<string, unknown>;
  try {
    fields = JSON.parse(text) as Record<string, unknown>;
    expect(typeof fields === 'object' && fields !== null, 'a header that is no object');
  } catch (error) {
    throw new TandemError('INVALID_FRAME', `expected a header in JSON: ${(error as Error).message}`, {
      cause: error,
    });
  }
  expect(fields.v === FORMAT, `version ${JSON.stringify(fields.v)}, expected ${FORMAT}`);
  const header = {
    epoch: count(fields, 'epoch'),
    base: parsePosition(fields.base as string),
    prev: count(fields, 'prev'),
    revision: count(fields, 'revision'),
    cutAt: fields.cutAt as number,
    leaseMs: count(fields, 'leaseMs'),
    bye: fields.bye === true,
  };
  expect(typeof header.cutAt === 'number' && Number.isFinite(header.cutAt), 'no cutAt');
  expect(header.base.epoch < header.epoch, 'a base that is not before its epoch');
  expect(header.prev <= header.revision, 'an end before its start');
  return header;
}

function count(fields: Record<string, unknown>, name: string): number {
  const value = fields[name];
  expect(Number.isSafeInteger(value) && (value as number) >= 0, `${name} ${JSON.stringify(value)}`);
  return value as number;
}

function expect(holds: boolean, what: string): asserts holds {
  if (!holds) throw new TandemError('INVALID_FRAME', `a frame that cannot be used: ${what}`);
}
