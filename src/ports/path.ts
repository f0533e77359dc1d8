/**
 * The direct path: it brings frames from the owner's own process to a follower, without Redis. It comes and
 * goes.
 */
import type { ServerClock } from '../base/clock.ts';
import type { TandemError } from '../base/errors.ts';
import type { Frame } from '../state/frame.ts';
import type { Position } from '../state/position.ts';

export interface DirectOptions {
  /** The address of the owner's `directRouter`, such as `http://127.0.0.1:7070`. */
  readonly url: string;
  /** The token that the owner's `directRouter` expects. */
  readonly token: string;
  /**
   * `'fallback'` uses the path while Redis is out or silent; `'always'` at all times. Default `'fallback'`.
   */
  readonly mode?: 'fallback' | 'always';
}

/**
 * What became of a frame that came directly. `applied`: it is in the copy now, or was before. `gap`: it does
 * not continue the copy, and the path requests the whole state. `fenced`: another owner has claimed the
 * space, and the path gives this owner up.
 */
export type Reception = 'applied' | 'gap' | 'fenced';

/** The follower, for its direct path. */
export interface PathListener {
  /** The follower's position: the path requests the frames after it. */
  position(): Position;
  /**
   * Applies a frame, or a whole state.
   * @param isWhole whether the frame is the whole state, and not a change of it
   * @param at the time of arrival, or for a whole state the time of the request; on `Time`, ms
   * @throws TandemError `INVALID_FRAME` for a frame that no owner can have sent
   */
  receive(frame: Frame, isWhole: boolean, at: number): Reception;
  /** A message came of a kind that this version does not know. */
  ignored(): void;
  /** The path delivers. */
  up(): void;
  /** The path has ceased to deliver. */
  down(error: TandemError): void;
}

export interface Path {
  /** The owner's clock: the times in the path's frames are on it. */
  readonly clock: ServerClock;
  /** Connects, and after each failure connects again, until `close`. Idempotent. */
  open(listener: PathListener): void;
  close(): void;
}
