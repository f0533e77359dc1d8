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
  /** Server's time of publication, ms; on the direct path the owner's. */
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

/** A published frame is at most one cut, or one change that is over the limit by itself, and a header. */
const MAX_PUBLISHED_LENGTH = MAX_FRAME_LENGTH + MAX_VALUE_LENGTH + 4096;

/** A whole frame, as it travels. */
export function encodeFrame(publishedAt: number, header: Header, changes: readonly Change[]): string {
  const lines = [String(publishedAt), encodeHeader(header)];
  for (const { key, revision, json } of changes) lines.push(key, String(revision), json);
  return lines.join('\n');
}

/**
 * @param maxLength in UTF-16 code units; by default what may be published
 * @throws TandemError `INVALID_FRAME`
 */
export function decodeFrame(message: string, maxLength = MAX_PUBLISHED_LENGTH): Frame {
  expect(message.length <= maxLength, `${message.length} characters`);
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

/** Changes of a frame, from its lines. */
function decodeChanges(lines: readonly string[], from: number): Change[] {
  expect((lines.length - from) % 3 === 0, 'a change that is cut short');
  const changes: Change[] = [];
  for (let at = from; at < lines.length; at += 3) {
    const change = changeAt(lines, at);
    expect(change !== undefined, `a change of ${JSON.stringify(lines[at])} that cannot be`);
    expect(change.revision > (changes.at(-1)?.revision ?? 0), `a change of "${change.key}" out of order`);
    changes.push(change);
  }
  return changes;
}

/**
 * Changes of a page, from a flat list of key, revision, value. Keys may have been meddled with; what cannot be
 * is passed over, and the page is not sound.
 */
export function decodePage(flat: readonly string[], from: number): { changes: Change[]; isSound: boolean } {
  const changes: Change[] = [];
  let isSound = true;
  for (let at = from; at + 2 < flat.length; at += 3) {
    const change = changeAt(flat, at);
    if (change !== undefined && change.revision > (changes.at(-1)?.revision ?? 0)) changes.push(change);
    else isSound = false;
  }
  return { changes, isSound };
}

function changeAt(flat: readonly string[], at: number): Change | undefined {
  const [key, revision, json] = [flat[at]!, Number(flat[at + 1]), flat[at + 2]!];
  return keyProblem(key) === undefined && Number.isSafeInteger(revision) && revision > 0
    ? { key, revision, json }
    : undefined;
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
  // Epoch 0 is an owner's that could not claim yet: it may be read from its own process.
  expect(header.base.epoch < header.epoch || header.epoch === 0, 'a base that is not before its epoch');
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
