/**
 * Supervises a connection that is up: whenever nothing has come over it for 200 ms, asks the server for a
 * sign of life.
 *
 * The word is ping, since a heartbeat is an owner's.
 */
import type { TandemError } from '../base/errors.ts';
import type { Cancel, Time } from '../base/time.ts';
import { fromRedis } from './errors.ts';

const PING_MS = 200;

export class Ping {
  readonly #time: Time;
  readonly #ask: () => Promise<void>;
  readonly #failed: (failure: TandemError) => void;
  #heardAt: number;
  #cancel: Cancel | undefined;
  #hasEnded = false;

  /**
   * Begins at once, as if something had just come.
   * @param ask sends a ping, and resolves when it is answered in time
   * @param failed told why a ping got no answer: the connection is not to be trusted any more
   */
  constructor(time: Time, ask: () => Promise<void>, failed: (failure: TandemError) => void) {
    this.#time = time;
    this.#ask = ask;
    this.#failed = failed;
    this.#heardAt = time.now();
    this.#schedule();
  }

  /** Something came over the connection: as good as an answer. */
  heard(): void {
    this.#heardAt = this.#time.now();
  }

  end(): void {
    this.#hasEnded = true;
    this.#cancel?.();
  }

  #schedule(): void {
    const quietMs = Math.min(PING_MS, this.#time.now() - this.#heardAt);
    this.#cancel = this.#time.after(PING_MS - quietMs, () => void this.#due());
  }

  async #due(): Promise<void> {
    if (this.#time.now() - this.#heardAt < PING_MS) return this.#schedule();
    try {
      await this.#ask();
    } catch (error) {
      const failure = fromRedis(error);
      // A busy or loading server is alive; the calls themselves find out what it refuses.
      if (failure.code !== 'REDIS_NOT_READY') return this.#failed(failure);
    }
    if (this.#hasEnded) return;
    this.heard();
    this.#schedule();
  }
}
