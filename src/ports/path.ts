/** The direct path as a follower knows it: it brings frames from the owner's own process, and comes and goes. */
import type { ServerClock } from '../base/clock.ts';
import type { TandemError } from '../base/errors.ts';
import type { Frame } from '../state/frame.ts';
import type { Position } from '../state/position.ts';

export interface DirectOptions {
  /** Where the owner serves its `directRouter`, as in `http://127.0.0.1:7070`. */
  readonly url: string;
  readonly token: string;
  /** `'fallback'` uses it while Redis is out, or brings nothing; `'always'` at all times. Default `'fallback'`. */
  readonly mode?: 'fallback' | 'always';
}

/**
 * What became of a frame that came directly. `applied`: it is in, or was known. `gap`: it does not follow, and the path
 * asks for the whole state. `fenced`: another owner has claimed the space, and the path gives this one up.
 */
export type Reception = 'applied' | 'gap' | 'fenced';

export interface PathListener {
  /** Where the follower is: frames are asked for from there. */
  position(): Position;
  /**
   * @param isWhole the frame is the whole state, and not a change of it
   * @param at when it came, or when the whole state was asked for; on `Time`, ms
   * @throws TandemError `INVALID_FRAME` for a frame that no owner can have sent
   */
  receive(frame: Frame, isWhole: boolean, at: number): Reception;
  up(): void;
  down(error: TandemError): void;
}

export interface Path {
  /** The clock on which the times in its frames are. */
  readonly clock: ServerClock;
  /** Begins, and goes on until `close`: what fails is tried again. Idempotent. */
  open(listener: PathListener): void;
  close(): void;
}
