/**
 * Positions: a place in the one order of changes of a space.
 *
 * The epoch dominates; within and across epochs revisions only grow. A new epoch states its base, the
 * position from which it continues, and that alone decides who may carry on and who must start over.
 */
import { show, TandemError } from '../base/errors.ts';

export interface Position {
  /** The fencing token: grows with each claim. Milliseconds of the server's clock, or more. */
  readonly epoch: number;
  /** The number of the change. */
  readonly revision: number;
}

/** One ownership's run of history: the epoch and the position from which it continues. */
export interface Line {
  readonly epoch: number;
  readonly base: Position;
}

export const ZERO: Position = { epoch: 0, revision: 0 };

export function compare(a: Position, b: Position): number {
  return a.epoch - b.epoch || a.revision - b.revision;
}

export function isSame(a: Position, b: Position): boolean {
  return a.epoch === b.epoch && a.revision === b.revision;
}

export function printPosition(position: Position): string {
  return `${position.epoch}-${position.revision}`;
}

const PRINTED = /^(0|[1-9]\d{0,15})-(0|[1-9]\d{0,15})$/;

/**
 * Reads a printed position, `epoch-revision`.
 * @throws TandemError `INVALID_POSITION`
 */
export function parsePosition(printed: string): Position {
  const match = typeof printed === 'string' ? PRINTED.exec(printed) : null;
  const epoch = Number(match?.[1]);
  const revision = Number(match?.[2]);
  if (Number.isSafeInteger(epoch) && Number.isSafeInteger(revision)) return { epoch, revision };
  throw new TandemError(
    'INVALID_POSITION',
    `expected a position such as "1764000000000-42" (epoch-revision), got ${show(printed)}`,
  );
}

/**
 * Orders two printed positions of one space: negative when `a` is before `b`, zero when they are the same,
 * positive when `a` is after `b`.
 * @throws TandemError `INVALID_POSITION`
 */
export function comparePositions(a: string, b: string): number {
  return Math.sign(compare(parsePosition(a), parsePosition(b)));
}

/**
 * Whether someone at `position` may carry on in `line`: it is in the line already, or at its base or before
 * it in the epoch that the line continues. Otherwise it saw what the line never had, or comes from a line
 * that is unknown here, and has to take a full sync.
 */
export function continues(position: Position, line: Line): boolean {
  if (position.epoch === line.epoch) return true;
  return position.epoch === line.base.epoch && position.revision <= line.base.revision;
}

/** A place that can tell others what changed: its line, how far it is, and from where on it remembers deletes. */
export interface Standpoint {
  readonly line: Line;
  readonly revision: number;
  readonly horizon: number;
}

/** Whether someone at `position` can be told what changed since, or has to be given the whole state. */
export function canTell(position: Position, { line, revision, horizon }: Standpoint): boolean {
  return continues(position, line) && position.revision <= revision && position.revision >= horizon;
}
