/** Callers that wait for something to become true, each with a deadline. */
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
  readonly #waiting = new Set<Waiter>();
  #refusal: TandemError | undefined;

  constructor(time: Time) {
    this.#time = time;
  }

  /**
   * Resolves once `isDone` holds.
   * @param what completes "… within 500 ms" in the error
   * @throws TandemError `TIMEOUT`, with `why()` as its cause; or what `refuse` was given
   */
  wait(isDone: () => boolean, what: string, timeoutMs: number, why?: () => unknown): Promise<void> {
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
        reject(timeoutError(what, timeoutMs, why?.()));
      };
      const cancel = this.#time.after(Math.max(0, timeoutMs), late);
      const waiter: Waiter = { isDone, resolve, reject, cancel };
      this.#waiting.add(waiter);
    });
  }

  get isEmpty(): boolean {
    return this.#waiting.size === 0;
  }

  /** Something has changed: lets go whose condition holds. */
  check(): void {
    if (this.#waiting.size === 0) return;
    for (const waiter of this.#waiting) if (waiter.isDone()) this.#settle(waiter, waiter.resolve);
  }

  /** It will never hold: turns away who waits, and all who come. */
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
