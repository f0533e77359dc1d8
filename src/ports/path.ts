/**
 * The direct path: it brings frames from the owner's own process to a follower, without Redis. It comes and
 * goes.
 */
import type { ServerClock } from '../base/clock.ts';
import type { TandemError } from '../base/errors.ts';
import type { Change } from '../state/change.ts';
import type { Frame } from '../state/frame.ts';
import type { Position } from '../state/position.ts';

/** The direct path of a follower to the process of its owner. */
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

/** The processes that a process without Redis follows: those that own spaces, and others that follow them. */
export interface UpstreamOptions {
  /**
   * The addresses of their `directRouter`s, such as `http://127.0.0.1:7070`, at least one. Where one fails, or has
   * lost what it follows itself, the next one is asked.
   */
  readonly urls: readonly string[];
  /** The token that these routers expect. */
  readonly token: string;
}

/** The other end of a path, in order of preference: what it is to an error, and where. */
export interface PathTarget {
  /** What an error calls the process at the other end. */
  readonly peer: string;
  /** The name of the option, for an error. */
  readonly option: string;
  readonly urls: readonly string[];
  readonly token: string;
}

/**
 * What became of a frame that came directly. `applied`: it is in the copy now, or was before. `gap`: it does
 * not continue the copy, and the path requests the whole state. `fenced`: another owner has claimed the
 * space, and the path gives this owner up.
 */
export type Reception = 'applied' | 'gap' | 'fenced';

/** Takes a whole state as it comes. Nobody sees it before its end. */
export interface WholeState {
  /** Takes changes in slices. */
  take(changes: Iterable<Change>): Promise<void>;
  /**
   * Everything was taken: puts it in place.
   * @throws TandemError as `PathListener.receive`
   */
  end(): Promise<Reception>;
}

/** The follower, for its direct path. */
export interface PathListener {
  /** The follower's position: the path requests the frames after it. */
  position(): Position;
  /**
   * Applies a frame.
   * @param at the time of arrival, on `Time`, ms
   * @throws TandemError `INVALID_FRAME` for a frame that no owner can have sent
   */
  receive(frame: Frame, at: number): Reception;
  /**
   * Begins to take a whole state.
   * @param frame the state's frame, without its changes
   * @param at the time of the request, on `Time`, ms
   * @param signal aborted: the rest does not come
   * @returns what takes it, or why it is not taken
   * @throws TandemError as `receive`
   */
  begin(frame: Frame, at: number, signal: AbortSignal): WholeState | Exclude<Reception, 'applied'>;
  /** A message came of a kind that this version does not know. */
  ignored(): void;
  /** The path delivers. */
  up(): void;
  /** The path has ceased to deliver. */
  down(error: TandemError): void;
}

export interface Path {
  /** The clock of the process at the other end: the times in the path's frames are on it. */
  readonly clock: ServerClock;
  /** The ids of the processes that the frames have come through, the one at the other end last. */
  readonly via: readonly string[];
  /** Connects, and after each failure connects again, until `close`. Idempotent. */
  open(listener: PathListener): void;
  close(): void;
}
