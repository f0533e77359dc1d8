/** What a follower knows of a way to its owner that is not Redis: it brings frames, and comes and goes. */
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

export interface PathListener {
  /** Where the follower is: frames are asked for from there. */
  position(): Position;
  /** The whole state, asked for at `askedAt`. False when it is behind what was seen: it cannot be used. */
  replace(frame: Frame, askedAt: number): boolean;
  /** A frame that should follow, and when it came, on `Time`. False when it does not follow: the path then asks for the whole state. */
  take(frame: Frame, receivedAt: number): boolean;
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
