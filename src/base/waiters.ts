/** Callers that wait for a condition, each with a deadline. `wait()` and `check()` evaluate the condition. */
import type { Obstacle } from './errors.ts';
import { TandemError, timeoutError } from './errors.ts';
import type { Cancel, Time } from './time.ts';

interface Waiter {
  readonly isDone: () => boolean;
  readonly resolve: () => void;
  readonly reject: (error: TandemError) => void;
  readonly cancel: Cancel;
}

export class Waiters {
  readonly #time: Time;
  readonly #obstacle: (() => Obstacle) | undefined;
  readonly #waiting = new Set<Waiter>();
  #refusal: TandemError | undefined;

  /** @param obstacle says what stands in the way, as of the moment at which a deadline passes */
  constructor(time: Time, obstacle?: () => Obstacle) {
    this.#time = time;
    this.#obstacle = obstacle;
  }

  /**
   * Resolves once `isDone` returns true.
   * @param what completes "… within 500 ms" in the error; a function is asked once the time is over
   * @param timeoutMs from now; ms
   * @throws TandemError `INVALID_OPTION` for a `timeoutMs` that is no number, `TIMEOUT`, or the error given
   *   to `refuse`
   */
  wait(isDone: () => boolean, what: string | (() => string), timeoutMs: number): Promise<void> {
    if (typeof timeoutMs !== 'number' || Number.isNaN(timeoutMs)) {
      const error = new TandemError(
        'INVALID_OPTION',
        `timeoutMs: expected a number, got ${String(timeoutMs)}`,
      );
      return Promise.reject(error);
    }
    if (isDone()) return Promise.resolve();
    if (this.#refusal) return Promise.reject(this.#refusal);
    return new Promise((resolve, reject) => {
      const late = (): void => {
        this.#waiting.delete(waiter);
        reject(timeoutError(typeof what === 'string' ? what : what(), timeoutMs, this.obstacle));
      };
      const cancel = this.#time.after(Math.max(0, timeoutMs), late);
      const waiter: Waiter = { isDone, resolve, reject, cancel };
      this.#waiting.add(waiter);
    });
  }

  /** What stands in the way now; `undefined` where nobody says it. */
  get obstacle(): Obstacle | undefined {
    return this.#obstacle?.();
  }

  get isEmpty(): boolean {
    return this.#waiting.size === 0;
  }

  /** Something has changed: resolves every wait whose condition now holds. */
  check(): void {
    if (this.#waiting.size === 0) return;
    for (const waiter of this.#waiting) if (waiter.isDone()) this.#settle(waiter, waiter.resolve);
  }

  /**
   * No condition will ever hold again: rejects every wait, present and future, with the first error given.
   */
  refuse(error: TandemError): void {
    this.#refusal ??= error;
    for (const waiter of this.#waiting) this.#settle(waiter, () => waiter.reject(error));
  }

  #settle(waiter: Waiter, settle: () => void): void {
    this.#waiting.delete(waiter);
    waiter.cancel();
    settle();
  }
}
