/**
 * Positions: places in the one order of changes of a space.
 *
 * Positions compare by epoch first, then by revision. Revisions only grow, also from one epoch to the next. A
 * new epoch names its base, the position from which it continues. The base alone decides which readers may
 * carry on and which must start over.
 */
import { show, TandemError } from '../base/errors.ts';

export interface Position {
  /** The fencing token: grows with each claim. At least the server's time of the claim, ms since 1970. */
  readonly epoch: number;
  /** The number of the change. */
  readonly revision: number;
}

/** The changes of one owner: its epoch, and the position from which that epoch continues. */
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
 * Whether a reader at `position` may carry on in `line`. It may when it is in the line's epoch, or in the
 * epoch of the line's base and not past the base. Any other reader has seen changes that the line never had,
 * or comes from a line that is unknown here: it needs a full sync.
 */
export function continues(position: Position, line: Line): boolean {
  if (position.epoch === line.epoch) return true;
  return position.epoch === line.base.epoch && position.revision <= line.base.revision;
}

/** The epoch of a change in a line. Those up to the base count for the epoch of the base. */
export function epochIn({ epoch, base }: Line, revision: number): number {
  return revision > base.revision ? epoch : base.epoch;
}

/** The changes that a copy of the state can give to a reader. */
export interface Extent {
  readonly line: Line;
  /** The last change. */
  readonly revision: number;
  /** Deletes at or below this revision are forgotten. */
  readonly horizon: number;
}

/** Whether the extent has every change since `position`. A reader elsewhere needs the whole state. */
export function reaches({ line, revision, horizon }: Extent, position: Position): boolean {
  return continues(position, line) && position.revision <= revision && position.revision >= horizon;
}
