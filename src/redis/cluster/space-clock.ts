/** The clock of a space: that of the server that its shard is on now. */
import { ServerClock } from '../../base/clock.ts';
import type { Time } from '../../base/time.ts';

export class SpaceClock extends ServerClock {
  readonly #current: () => ServerClock | undefined;

  /** @param current the clock of the shard; undefined before it is known */
  constructor(time: Time, current: () => ServerClock | undefined) {
    super(time);
    this.#current = current;
  }

  override sample(sentAt: number, serverMs: number, receivedAt: number): void {
    this.#current()?.sample(sentAt, serverMs, receivedAt);
  }

  override reset(): void {
    this.#current()?.reset();
  }

  override get errorMs(): number {
    return this.#current()?.errorMs ?? Infinity;
  }

  override now(): number {
    return this.#current()?.now() ?? NaN;
  }

  override earliest(at?: number): number {
    return this.#current()?.earliest(at) ?? -Infinity;
  }

  override latest(at?: number): number {
    return this.#current()?.latest(at) ?? Infinity;
  }
}
