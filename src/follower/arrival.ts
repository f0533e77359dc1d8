/** A frame that has arrived. */
import type { ServerClock } from '../base/clock.ts';
import type { FramePath } from '../ports/observer.ts';
import type { Frame } from '../state/frame.ts';

export interface Arrival {
  readonly frame: Frame;
  /** On `Time`, ms. */
  readonly receivedAt: number;
  readonly path: FramePath;
  /** The clock on which its times are. */
  readonly clock: ServerClock;
}
