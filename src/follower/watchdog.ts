/**
 * The watchdog: acts when nothing came through Redis for some time.
 *
 * A subscription may die without a sign, also while frames come directly. So after `maxStaleMs` of silence,
 * Redis is asked for its head by the other connection. A direct path, where there is one, is taken earlier,
 * before readings go stale: Redis may answer, and yet bring nothing of an owner that lives.
 */
import type { Cancel, Time } from '../base/time.ts';

/**
 * Take the direct path at 60 % of the staleness bound: past two heartbeats, and in time to be live by its
 * end.
 */
const DETOUR_SHARE = 0.6;
/**
 * Stay on the direct path for four bounds after Redis was last silent: else a quiet owner would make it
 * flap.
 */
const DETOUR_BOUNDS = 4;

export interface WatchdogOptions {
  /** The staleness bound, ms. */
  readonly maxStaleMs: number;
  /** Whether there is a direct path that is taken when Redis is silent. */
  readonly hasDetour: boolean;
}

/** The part that acts on silence. */
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

  /** The time at which a published frame or the keys last came, on `Time`, ms. */
  get heardAt(): number {
    return this.#heardAt;
  }

  /** Whether a silence of Redis has led to the direct path, and still keeps it. */
  get isOnDetour(): boolean {
    return this.#time.now() - this.#detourAt < DETOUR_BOUNDS * this.#maxStaleMs;
  }

  /** A published frame or the keys came at this time, on `Time`, ms. */
  heard(at: number): void {
    this.#heardAt = at;
  }

  /** Starts to watch, or starts again. */
  watch(): void {
    this.end();
    const silentMs = this.#silentMs;
    const nextMs = Math.min(silentMs < this.#detourMs ? this.#detourMs : Infinity, this.#maxStaleMs);
    const cancel = this.#time.after(Math.max(this.#maxStaleMs / 10, nextMs - silentMs), () => {
      // After a blocked loop, the frames that have arrived by now count first.
      this.#time.nextTurn(() =>
        this.#time.nextTurn(() => void (this.#cancel === cancel && this.#judge(cancel))),
      );
    });
    this.#cancel = cancel;
  }

  /** Ends the watch, also one that is due and lets frames come first. */
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
    // Meanwhile this watch may have ended, or another may have begun.
    if (this.#cancel === current) this.watch();
  }
}
