/** A frame that has arrived, by either path. */
import type { ServerClock } from '../base/clock.ts';
import type { FramePath } from '../ports/observer.ts';
import type { Frame } from '../state/frame.ts';

export interface Arrival {
  readonly frame: Frame;
  /** The time of arrival, on `Time`, ms. For a whole state of the direct path: the time of the request. */
  readonly receivedAt: number;
  readonly path: FramePath;
  /** The clock that the times in the frame are on. */
  readonly clock: ServerClock;
}
