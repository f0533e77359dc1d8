/**
 * Frames: what changed from one revision to another, as published and as read back.
 *
 * A published frame is text. First line: the server's time of publication, which the script writes. Second
 * line: the header, JSON. Then three lines a change: key, revision, value as JSON, or empty for a delete.
 * Neither keys nor JSON hold a line break, so nothing is escaped and nothing is copied twice. A beacon is a
 * frame of no change. Everything that arrives is checked here before anyone acts on it.
 */
import { show, TandemError } from './errors.ts';
import type { Line, Position } from './position.ts';
import { isSame, parsePosition, printPosition, ZERO } from './position.ts';
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

/** Milliseconds with or without fractions. */
const TIME = /^\d{1,15}(\.\d{1,18})?$/;

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
  if (message.length > maxLength) throw invalid(`${message.length} characters`);
  const lines = message.split('\n');
  const publishedAt = Number(lines[0]);
  expect(TIME.test(lines[0]!), 'no time in its first line');
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
    if (change === undefined) throw invalid(`a change of ${show(lines[at])} that cannot be`);
    if (change.revision <= (changes.at(-1)?.revision ?? 0))
      throw invalid(`a change of "${change.key}" out of order`);
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
  const key = flat[at]!;
  const printed = flat[at + 1]!;
  const revision = Number(printed);
  // Digits and nothing else: what `Number` takes for one is more than that.
  const isRevision = Number.isSafeInteger(revision) && revision > 0 && String(revision) === printed;
  return isRevision && keyProblem(key) === undefined ? { key, revision, json: flat[at + 2]! } : undefined;
}

function decodeHeader(text: string): Header {
  let fields: Record<string, unknown>;
  try {
    fields = JSON.parse(text) as Record<string, unknown>;
  } catch (error) {
    throw invalid(`a header that is no JSON: ${(error as Error).message}`);
  }
  if (typeof fields !== 'object' || fields === null) throw invalid('a header that is no object');
  if (fields.v !== FORMAT) throw invalid(`version ${show(fields.v)}, expected ${FORMAT}`);
  const header = {
    epoch: count(fields, 'epoch'),
    base: position(fields.base),
    prev: count(fields, 'prev'),
    revision: count(fields, 'revision'),
    cutAt: fields.cutAt as number,
    leaseMs: count(fields, 'leaseMs'),
    bye: fields.bye === true,
  };
  expect(Number.isFinite(header.cutAt), 'no cutAt');
  // Epoch 0 is an owner's that could not claim yet: it may be read from its own process. It continues nothing.
  const isBased = header.epoch === 0 ? isSame(header.base, ZERO) : header.base.epoch < header.epoch;
  expect(isBased, 'a base that is not before its epoch');
  expect(header.prev <= header.revision, 'an end before its start');
  return header;
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
