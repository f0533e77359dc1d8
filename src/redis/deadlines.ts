/**
 * The calls that wait for a reply over one client. Each is settled once: by its reply, by a deadline, or by
 * the end of the client.
 *
 *   due       a deadline after it was sent, and the time that all bytes under way take on a slow network
 *   missed    due, and no bytes have moved for half a deadline: the server is dead
 *   too late  ten deadlines after it was due, while bytes went on moving: this call alone is given up
 *
 * Replies come in order, so a late one is behind others, or is long, while bytes move. One timer serves all
 * calls. It looks at the traffic half a deadline before a call is due: what moved since then is found by the
 * deadline itself. So a server that stops is found within one deadline, whatever moved before.
 */
import type { TandemError } from '../base/errors.ts';
import type { Cancel, Time } from '../base/time.ts';
import { unavailable } from './errors.ts';
import type { Traffic } from './traffic.ts';

/** A call that waits for its reply. */
export interface Call {
  readonly dueAt: number;
  readonly bytes: number;
  readonly reject: (error: TandemError) => void;
}

/** The slowest network that large calls are made for: 32 Mbit a second. */
const BYTES_PER_MS = 4_000;
/** So many deadlines after it was due, a call is given up although bytes move. */
const MOST_DEADLINES = 10;

export class Deadlines {
  readonly #time: Time;
  readonly #ms: number;
  readonly #traffic: Traffic;
  readonly #missed: () => void;
  /** Oldest first. */
  readonly #calls = new Set<Call>();
  /** Of all calls that wait. */
  #bytes = 0;
  /** When bytes were last found to have moved, on `Time`. */
  #movedAt = -Infinity;
  #isWatching = false;
  #cancel: Cancel | undefined;

  /**
   * @param ms how long each call may take
   * @param missed told that a call is due, and nothing moves; the call still waits, until `end`
   */
  constructor(time: Time, ms: number, traffic: Traffic, missed: () => void) {
    this.#time = time;
    this.#ms = ms;
    this.#traffic = traffic;
    this.#missed = missed;
  }

  /** @param bytes of the call and of its reply, where they are many */
  add(reject: Call['reject'], bytes = 0): Call {
    this.#bytes += bytes;
    const call = { dueAt: this.#time.now() + this.#ms + this.#bytes / BYTES_PER_MS, bytes, reject };
    this.#calls.add(call);
    this.#watch();
    return call;
  }

  /** A reply or an error came. Gives false where the call was settled before. */
  settle(call: Call): boolean {
    const isWaiting = this.#calls.delete(call);
    if (isWaiting) this.#bytes -= call.bytes;
    return isWaiting;
  }

  /** Rejects all who wait. */
  end(error: TandemError): void {
    for (const { reject } of this.#calls) reject(error);
    this.#calls.clear();
    this.#bytes = 0;
    this.#cancel?.();
  }

  /**
   * A process whose loop was blocked finds its timers due before it has read its sockets. So a call that is
   * due gets two more turns of the loop: a reply that had arrived by then still counts.
   */
  #watch(): void {
    if (this.#isWatching || this.#calls.size === 0) return;
    this.#isWatching = true;
    const restMs = this.#missedAt - this.#time.now();
    const half = this.#ms / 2;
    // Another call, sent by the next look, is not due before half a deadline after that look.
    this.#cancel = this.#time.after(restMs > half ? Math.min(half, restMs - half) : restMs, () => {
      const asOf = this.#time.now();
      this.#time.nextTurn(() => this.#time.nextTurn(() => this.#check(asOf)));
    });
  }

  /** When the first call is missed, unless bytes move until then. */
  get #missedAt(): number {
    let dueAt = Infinity;
    for (const call of this.#calls) dueAt = Math.min(dueAt, call.dueAt);
    return Math.max(dueAt, this.#movedAt + this.#ms / 2);
  }

  /** @param asOf the time before the two turns: who came due during them has two turns of its own */
  #check(asOf: number): void {
    this.#isWatching = false;
    if (this.#traffic.moved()) this.#movedAt = asOf;
    if (this.#calls.size > 0 && this.#missedAt <= asOf) return this.#missed();
    this.#giveUpLate(asOf);
    this.#watch();
  }

  /** Gives up the calls that bytes have kept waiting for too long. */
  #giveUpLate(asOf: number): void {
    const mostMs = MOST_DEADLINES * this.#ms;
    for (const call of this.#calls) {
      if (call.dueAt + mostMs > asOf) continue;
      this.settle(call);
      call.reject(unavailable(`Redis did not answer within ${this.#ms + mostMs} ms, although bytes moved`));
    }
  }
}
