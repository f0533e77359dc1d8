/**
 * The calls that wait for a reply over one client. Each is settled once: by its reply, by its deadline, or by
 * the end of the client.
 *
 * All calls may take equally long. So the oldest is due first, and one timer serves all of them.
 */
import type { TandemError } from '../base/errors.ts';
import type { Cancel, Time } from '../base/time.ts';

/** A call that waits for its reply. */
export interface Call {
  readonly dueAt: number;
  readonly reject: (error: TandemError) => void;
}

export class Deadlines {
  readonly #time: Time;
  readonly #ms: number;
  readonly #missed: () => void;
  /** Oldest first. */
  readonly #calls = new Set<Call>();
  #isWatching = false;
  #cancel: Cancel | undefined;

  /**
   * @param ms how long each call may take
   * @param missed told that a call is due and has no reply; the call still waits, until `end`
   */
  constructor(time: Time, ms: number, missed: () => void) {
    this.#time = time;
    this.#ms = ms;
    this.#missed = missed;
  }

  add(reject: Call['reject']): Call {
    const call = { dueAt: this.#time.now() + this.#ms, reject };
    this.#calls.add(call);
    this.#watch();
    return call;
  }

  /** A reply or an error came. Gives false where the call was settled before. */
  settle(call: Call): boolean {
    return this.#calls.delete(call);
  }

  /** Rejects all who wait. */
  end(error: TandemError): void {
    for (const { reject } of this.#calls) reject(error);
    this.#calls.clear();
    this.#cancel?.();
  }

  /**
   * A process whose loop was blocked finds its timers due before it has read its sockets. So a call that is
   * due gets two more turns of the loop: a reply that had arrived by then still counts.
   */
  #watch(): void {
    const [oldest] = this.#calls;
    if (this.#isWatching || oldest === undefined) return;
    this.#isWatching = true;
    this.#cancel = this.#time.after(oldest.dueAt - this.#time.now(), () => {
      const asOf = this.#time.now();
      this.#time.nextTurn(() => this.#time.nextTurn(() => this.#check(asOf)));
    });
  }

  /** @param asOf the time before the two turns: who came due during them has two turns of its own */
  #check(asOf: number): void {
    this.#isWatching = false;
    const [oldest] = this.#calls;
    if (oldest !== undefined && oldest.dueAt <= asOf) this.#missed();
    else this.#watch();
  }
}
