/**
 * The pulse: tells the lease that its owner runs, while no heartbeat does. So a stop of the process can be
 * told from a store that is out. And after a sleep of the machine it has the lease proven anew, at once.
 */
import type { Cancel, Time } from '../base/time.ts';
import type { Lease } from './lease.ts';

export class Pulse {
  readonly #time: Time;
  readonly #lease: Lease;
  readonly #endWatch: Cancel;
  #cancel: Cancel | undefined;

  /** @param woke called when the machine was found to have slept */
  constructor(time: Time, lease: Lease, woke: () => void) {
    this.#time = time;
    this.#lease = lease;
    this.#endWatch = time.onWake(woke);
  }

  /** Starts the pulse, or starts it again. */
  start(): void {
    this.stop();
    this.#lease.runs(this.#time.now(), this.#time.wokeAt);
    this.#cancel = this.#time.after(this.#lease.pulseMs, () => this.start());
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** Stops for good. */
  end(): void {
    this.stop();
    this.#endWatch();
  }
}
