/**
 * The query of a request: how fresh, from which position on, which keys. Each route reads the parameters that
 * its description has, and no other. The rules here are those of `openapi/operations.ts`.
 */
import type { Context } from 'koa';
import { show, TandemError } from '../base/errors.ts';
import type { Position } from '../state/position.ts';
import { parsePosition } from '../state/position.ts';
import { EXPECTED_PATTERN, isSpacePattern } from '../state/space-name.ts';
import { Problem } from './problem.ts';

/** The greatest staleness that can be asked for, ms: a number in JSON is no greater whole number. */
export const MAX_STALE_MS = Number.MAX_SAFE_INTEGER;
export const MAX_TIMEOUT_MS = 30_000;
export const DEFAULT_TIMEOUT_MS = 1_000;
/**
 * A position over HTTP: two whole numbers without leading zeros. No owner gets past fifteen digits, and
 * with sixteen a pattern could not say where the safe integers end.
 */
export const POSITION_PATTERN = String.raw`^(0|[1-9][0-9]{0,14})-(0|[1-9][0-9]{0,14})$`;

const POSITION = new RegExp(POSITION_PATTERN);
const WHOLE = /^(0|[1-9][0-9]*)$/;

/** The most members of the fleet in one answer. */
export const MAX_LIMIT = 10_000;
export const DEFAULT_LIMIT = 1_000;
/** A name of a space in which `*` and `?` may stand for others. */
export const SPACES_PATTERN = '^[A-Za-z0-9*?][A-Za-z0-9._:*?-]{0,63}$';

/** How long to wait for which position. */
export interface Wait {
  /** The position that the head must reach before the answer, `epoch-revision`; `undefined`: any. */
  readonly atLeast: string | undefined;
  /** The longest wait for it, ms, 0 to 30,000; default 1,000. */
  readonly timeoutMs: number;
}

/**
 * The greatest staleness that the client accepts, ms; `undefined`: any.
 * @throws Problem `INVALID_PARAMETER`
 */
export function readMaxStale(ctx: Context): number | undefined {
  return milliseconds(ctx, 'maxStaleMs', MAX_STALE_MS);
}

/** @throws Problem `INVALID_PARAMETER`; TandemError `INVALID_POSITION` */
export function readWait(ctx: Context): Wait {
  const atLeast = single(ctx, 'atLeast');
  if (atLeast !== undefined) readPosition(atLeast);
  return { atLeast, timeoutMs: milliseconds(ctx, 'timeoutMs', MAX_TIMEOUT_MS) ?? DEFAULT_TIMEOUT_MS };
}

/**
 * The answer has only the keys that begin with this; default all.
 * @throws Problem `INVALID_PARAMETER`
 */
export function readPrefix(ctx: Context): string {
  return single(ctx, 'prefix') ?? '';
}

/**
 * How many members of the fleet the answer has at most, 1 to 10,000; default 1,000.
 * @throws Problem `INVALID_PARAMETER`
 */
export function readLimit(ctx: Context): number {
  const text = single(ctx, 'limit');
  if (text === undefined) return DEFAULT_LIMIT;
  const value = WHOLE.test(text) ? Number(text) : NaN;
  if (value >= 1 && value <= MAX_LIMIT) return value;
  throw new Problem(
    'INVALID_PARAMETER',
    `limit: expected a whole number from 1 to ${MAX_LIMIT}, got ${show(text)}`,
  );
}

/**
 * The pattern that names of spaces have to match; default all.
 * @throws Problem `INVALID_PARAMETER`
 */
export function readSpaces(ctx: Context): string {
  const pattern = single(ctx, 'space') ?? '*';
  if (isSpacePattern(pattern)) return pattern;
  throw new Problem('INVALID_PARAMETER', `space: ${EXPECTED_PATTERN}, got ${show(pattern)}`);
}

/**
 * The position of a client of events: its `Last-Event-ID`, which is the newer one, or else `?from=`.
 * @throws Problem `INVALID_PARAMETER`; TandemError `INVALID_POSITION`
 */
export function readResume(ctx: Context): Position | undefined {
  const from = single(ctx, 'from');
  const begin = from === undefined ? undefined : readPosition(from);
  const last = ctx.get('Last-Event-ID');
  return last === '' ? begin : readPosition(last);
}

/**
 * The position of a reader of the direct path.
 * @throws Problem `INVALID_PARAMETER`; TandemError `INVALID_POSITION`
 */
export function requireFrom(ctx: Context): Position {
  return parsePosition(single(ctx, 'from') ?? '');
}

/** The greatest number of changes of a history, and how many come where nobody says it. */
export const MAX_HISTORY = 1_000;
export const DEFAULT_HISTORY = 100;

/** Which part of a history is asked for. */
export interface HistoryParameters {
  readonly key: string | undefined;
  readonly from: number | undefined;
  readonly to: number | undefined;
  readonly limit: number;
}

/** @throws Problem `INVALID_PARAMETER` */
export function readHistoryQuery(ctx: Context): HistoryParameters {
  const [key, limit] = [single(ctx, 'key'), single(ctx, 'limit')];
  const [from, to] = [milliseconds(ctx, 'from', MAX_STALE_MS), milliseconds(ctx, 'to', MAX_STALE_MS)];
  const most = limit === undefined ? DEFAULT_HISTORY : WHOLE.test(limit) ? Number(limit) : NaN;
  if (!(most >= 1 && most <= MAX_HISTORY)) {
    const expected = `expected a whole number from 1 to ${MAX_HISTORY}`;
    throw new Problem('INVALID_PARAMETER', `limit: ${expected}, got ${show(limit)}`);
  }
  return { key, from, to, limit: most };
}

/**
 * Whether the query has a flag such as `?verbose`, with any value.
 * @throws Problem `INVALID_PARAMETER`
 */
export function hasFlag(ctx: Context, name: string): boolean {
  return single(ctx, name) !== undefined;
}

function readPosition(printed: string): Position {
  if (POSITION.test(printed)) return parsePosition(printed);
  const expected = 'expected a position such as "1764000000000-42" (epoch-revision, of 15 digits at most)';
  throw new TandemError('INVALID_POSITION', `${expected}, got ${show(printed)}`);
}

function single(ctx: Context, name: string): string | undefined {
  const value = ctx.query[name];
  if (Array.isArray(value))
    throw new Problem('INVALID_PARAMETER', `${name}: expected it once, got it ${value.length} times`);
  return value;
}

function milliseconds(ctx: Context, name: string, max: number): number | undefined {
  const text = single(ctx, name);
  if (text === undefined) return undefined;
  const value = WHOLE.test(text) ? Number(text) : NaN;
  if (value <= max) return value;
  throw new Problem(
    'INVALID_PARAMETER',
    `${name}: expected whole milliseconds from 0 to ${max}, got ${show(text)}`,
  );
}
