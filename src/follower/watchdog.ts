/**
 * The watchdog: how long nothing was heard through Redis, and what a follower does about it.
 *
 * A subscription may die without a sign, also while frames come directly. So on silence the other connection is asked
 * for the head. Where there is a direct path, it is taken earlier, before readings go stale: Redis may answer, and yet
 * bring nothing of an owner that lives.
 */
import type { Cancel, Time } from '../base/time.ts';

/** Take the direct path at 60 % of the staleness bound: past two heartbeats, and in time to be live before it ends. */
const DETOUR_SHARE = 0.6;
/** Stay on the direct path for four bounds after Redis was last silent: a quiet owner would have it flap. */
const DETOUR_BOUNDS = 4;

export interface WatchdogOptions {
  /** The staleness bound, ms. */
  readonly maxStaleMs: number;
  /** Whether there is a direct path to take when Redis is silent. */
  readonly hasDetour: boolean;
}

/** Who acts on silence. */
export interface SilenceListener {
  openDetour(): void;
  closeDetour(): void;
  /** Asks the store for its head. Never rejects. */
  askHead(): Promise<void>;
}

export class Watchdog {
  readonly #time: Time;
  readonly #listener: SilenceListener;
  readonly #maxStaleMs: number;
  readonly #detourMs: number;
  #detourAt = -Infinity;
  #heardAt = -Infinity;
  #cancel: Cancel | undefined;

  constructor(time: Time, { maxStaleMs, hasDetour }: WatchdogOptions, listener: SilenceListener) {
    this.#time = time;
    this.#listener = listener;
    this.#maxStaleMs = maxStaleMs;
    this.#detourMs = hasDetour ? maxStaleMs * DETOUR_SHARE : Infinity;
  }

  /** When something was last heard, on `Time`, ms: a published frame, or the keys. */
  get heardAt(): number {
    return this.#heardAt;
  }

  /** Whether silence while Redis can be reached has led to the direct path, and keeps it. */
  get isOnDetour(): boolean {
    return this.#time.now() - this.#detourAt < DETOUR_BOUNDS * this.#maxStaleMs;
  }

  heard(at: number): void {
    this.#heardAt = at;
  }

  watch(): void {
    this.end();
    const silentMs = this.#silentMs;
    const nextMs = Math.min(silentMs < this.#detourMs ? this.#detourMs : Infinity, this.#maxStaleMs);
    const cancel = this.#time.after(Math.max(this.#maxStaleMs / 10, nextMs - silentMs), () => {
      // After a blocked loop the frames that have arrived by now are heard first.
      this.#time.nextTurn(() =>
        this.#time.nextTurn(() => void (this.#cancel === cancel && this.#judge(cancel))),
      );
    });
    this.#cancel = cancel;
  }

  /** Also of a judgement that is due already, and waits for frames that have arrived. */
  end(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  get #silentMs(): number {
    return this.#time.now() - this.#heardAt;
  }

  async #judge(current: Cancel): Promise<void> {
    const silentMs = this.#silentMs;
    if (silentMs >= this.#detourMs) {
      this.#detourAt = this.#time.now();
      this.#listener.openDetour();
    } else if (this.#detourAt !== -Infinity && !this.isOnDetour) {
      this.#detourAt = -Infinity;
      this.#listener.closeDetour();
    }
    // planted: silence
    if (silentMs >= this.#maxStaleMs) await this.#listener.askHead();
    // A watch that has ended, or begun anew, meanwhile is not this one's to go on with.
    if (this.#cancel === current) this.watch();
  }
}
