/**
 * For how long nothing was heard through Redis, and what is done about it.
 *
 * The subscription may have died without a word, also while frames come directly: on silence the other connection is asked.
 * Where there is another way it is taken earlier, before the state is stale: Redis may answer, and yet bring nothing of an
 * owner that lives.
 */
import type { Cancel, Time } from '../base/time.ts';

/** Of the bound of staleness: past two heartbeats, and with time left to be live by then. */
const AROUND_SHARE = 0.6;
/** The way around is kept for so many bounds of staleness after the last silence: an owner that says little would have it come and go. */
const AROUND_BOUNDS = 4;

export interface WatchdogOptions {
  /** The bound of staleness, ms. */
  readonly boundMs: number;
  readonly hasWayAround: boolean;
  readonly goAround: () => void;
  readonly comeBack: () => void;
  /** Asks the store for its head. Never rejects. */
  readonly ask: () => Promise<void>;
  /** Whether silence still means anything. */
  readonly isWatched: () => boolean;
}

export class Watchdog {
  readonly #time: Time;
  readonly #options: WatchdogOptions;
  readonly #aroundMs: number;
  /** When the way around was last found to be needed, while Redis can be reached. */
  #aroundAt = -Infinity;
  #heardAt = -Infinity;
  #cancel: Cancel | undefined;

  constructor(time: Time, options: WatchdogOptions) {
    this.#time = time;
    this.#options = options;
    this.#aroundMs = options.hasWayAround ? options.boundMs * AROUND_SHARE : Infinity;
  }

  /** When something was last heard, on `Time`: a frame that was published, or the keys. */
  get heardAt(): number {
    return this.#heardAt;
  }

  /** Whether the way around is kept. */
  get isAround(): boolean {
    return this.#time.now() - this.#aroundAt < AROUND_BOUNDS * this.#options.boundMs;
  }

  heard(at: number): void {
    this.#heardAt = at;
  }

  watch(): void {
    this.end();
    const { boundMs } = this.#options;
    const silentMs = this.#silentMs;
    const nextMs = silentMs < this.#aroundMs ? Math.min(this.#aroundMs, boundMs) : boundMs;
    const cancel = this.#time.after(Math.max(boundMs / 10, nextMs - silentMs), () => {
      // After a blocked loop what has arrived by now is heard first.
      this.#time.nextTurn(() => this.#time.nextTurn(() => void (this.#cancel === cancel && this.#judge())));
    });
    this.#cancel = cancel;
  }

  /** Also of a judgement that is due already, and waits for what has arrived. */
  end(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  get #silentMs(): number {
    return this.#time.now() - this.#heardAt;
  }

  async #judge(): Promise<void> {
    const { boundMs, goAround, comeBack, ask, isWatched } = this.#options;
    const silentMs = this.#silentMs;
    if (silentMs >= this.#aroundMs) {
      this.#aroundAt = this.#time.now();
      goAround();
    } else if (this.#aroundAt !== -Infinity && !this.isAround) {
      this.#aroundAt = -Infinity;
      comeBack();
    }
    if (silentMs >= boundMs) await ask();
    if (isWatched()) this.watch();
  }
}
