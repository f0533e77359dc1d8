/** The query of a request: how fresh, from which position on, which keys. */
import type { Context } from 'koa';
import type { Position } from '../state/position.ts';
import { parsePosition } from '../state/position.ts';
import { Problem } from './problem.ts';

const MAX_TIMEOUT_MS = 30_000;

export interface Query {
  /** The greatest staleness that the client accepts, ms; `undefined`: any. */
  readonly maxStaleMs: number | undefined;
  /** The position that the head must reach before the answer; `undefined`: any. */
  readonly atLeast: string | undefined;
  /** The longest wait for `atLeast`, ms, 0 to 30,000; default 1,000. */
  readonly timeoutMs: number;
  /** The answer has only keys that begin with this; default all. */
  readonly prefix: string;
}

/** @throws Problem `INVALID_PARAMETER` */
export function readQuery(ctx: Context): Query {
  return {
    maxStaleMs: milliseconds(ctx, 'maxStaleMs', Number.MAX_SAFE_INTEGER),
    atLeast: single(ctx, 'atLeast'),
    timeoutMs: milliseconds(ctx, 'timeoutMs', MAX_TIMEOUT_MS) ?? 1_000,
    prefix: single(ctx, 'prefix') ?? '',
  };
}

/**
 * The position of a client of events: its `Last-Event-ID`, which is the newer one, or else `?from=`.
 * @throws Problem `INVALID_PARAMETER`; TandemError `INVALID_POSITION`
 */
export function readPosition(ctx: Context): Position | undefined {
  const from = single(ctx, 'from');
  const printed = ctx.get('Last-Event-ID') || from;
  return printed === undefined ? undefined : parsePosition(printed);
}

/** Whether the query has a flag such as `?verbose`, with any value. */
export function hasFlag(ctx: Context, name: string): boolean {
  return single(ctx, name) !== undefined;
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
  const value = /^\d+$/.test(text) ? Number(text) : NaN;
  if (value <= max) return value;
  throw new Problem(
    'INVALID_PARAMETER',
    `${name}: expected whole milliseconds from 0 to ${max}, got ${JSON.stringify(text)}`,
  );
}
