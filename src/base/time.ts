/**
 * Time and chance. Every object that needs them gets a `Time`, so that a simulator can run the real actors.
 * No other file of the core reads a clock, sets a timer or draws a random number.
 */

export type Cancel = () => void;

export interface Time {
  /** Milliseconds on a clock that never steps back; its zero means nothing. */
  now(): number;
  /**
   * Runs once, `ms` from now, and never before 1 ms has passed: a caller that waits for a rest below 1 ms
   * would otherwise wait again and again. From 24.8 days on it never runs, since no timer of Node's counts
   * that far.
   */
  after(ms: number, run: () => void): Cancel;
  /** Runs at the end of this turn of the event loop, after all microtasks and before any I/O. */
  endOfTurn(run: () => void): void;
  /** Runs in the next turn, after everything that has arrived by now. */
  nextTurn(run: () => void): void;
  /** A random number in [0, 1). */
  random(): number;
}

/** Node turns a longer delay into 1 ms. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Costs less than `queueMicrotask`, which creates an async resource for async hooks. */
const settled = Promise.resolve();

export const systemTime: Time = {
  now: () => performance.now(),
  after(ms, run) {
    if (ms > MAX_TIMER_MS) return () => {};
    const timer = setTimeout(run, Math.max(1, ms));
    return () => clearTimeout(timer);
  },
  // A tick set from a microtask runs once no microtask is left, so it also follows the caller's own promises.
  endOfTurn: (run) => void settled.then(() => process.nextTick(run)),
  nextTurn: (run) => void setImmediate(run),
  random: () => Math.random(),
};

/** A random name with 104 bits in it. */
export function randomId(time: Time): string {
  const part = (): string => Math.floor(time.random() * 2 ** 52).toString(36);
  return `${part()}${part()}`;
}

const MIN_BACKOFF_MS = 50;
/** Every process is back within a second of Redis's return: one pause, and a round trip or two. */
const MAX_BACKOFF_MS = 800;

/** The pause before the next try, ms: it doubles with each failure in a row, from 50 to 800 ms, jittered. */
export function backoffMs(time: Time, failures: number): number {
  return jittered(time, Math.min(MAX_BACKOFF_MS, MIN_BACKOFF_MS * 2 ** Math.min(failures, 10)));
}

/** A random time in the upper half of `ms`, so that many processes do not come back at once. */
export function jittered(time: Time, ms: number): number {
  return ms * (0.5 + time.random() / 2);
}

/** Resolves after at least `ms`, or as soon as `signal` is aborted. */
export function pause(time: Time, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      cancel();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const cancel = time.after(ms, done);
    signal.addEventListener('abort', done);
    if (signal.aborted) done();
  });
}

/**
 * The result of `work`; rejects with `late()` when the result has not come within `ms`.
 *
 * After a blocked loop, timers run before sockets are read. So a deadline that is due first lets two more
 * turns of the loop pass: an answer that had already arrived still counts.
 */
export function withDeadline<T>(time: Time, ms: number, work: Promise<T>, late: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = time.after(ms, () => {
      time.nextTurn(() => time.nextTurn(() => reject(late())));
    });
    work.then(
      (value) => (cancel(), resolve(value)),
      (error: unknown) => (cancel(), reject(error as Error)),
    );
  });
}
