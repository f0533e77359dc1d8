/**
 * Time and chance, handed to everything that needs them, so that a simulator can run the real actors.
 * Nothing else in the core reads a clock, sets a timer or draws a random number.
 */

export type Cancel = () => void;

export interface Time {
  /** Milliseconds on a clock that never steps back; its zero means nothing. */
  now(): number;
  /**
   * Runs once, `ms` from now, and not before a millisecond has passed: what is left after rounding is not waited for again and again.
   * After 24.8 days and more it never runs: no timer counts so far.
   */
  after(ms: number, run: () => void): Cancel;
  /** Runs at the end of this turn of the event loop, when all that follows at once is done, before anything is waited for. */
  endOfTurn(run: () => void): void;
  /** Runs in the next turn: what has arrived by now is handled first. */
  nextTurn(run: () => void): void;
  /** In [0, 1). */
  random(): number;
}

/** What is more, Node takes for a millisecond. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Costs less than `queueMicrotask`, which makes a resource for those who trace what is asynchronous. */
const settled = Promise.resolve();

export const systemTime: Time = {
  now: () => performance.now(),
  after(ms, run) {
    if (ms > MAX_TIMER_MS) return () => {};
    const timer = setTimeout(run, Math.max(1, ms));
    return () => clearTimeout(timer);
  },
  // A tick set from a microtask runs once no microtask is left: also after those of the caller's promises.
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
/** Within a second of its return all are back: this, and a round trip or two. */
const MAX_BACKOFF_MS = 800;

/** A pause before the next try: doubles with each failure in a row, from 50 ms to 800 ms, jittered. */
export function backoffMs(time: Time, failures: number): number {
  return jittered(time, Math.min(MAX_BACKOFF_MS, MIN_BACKOFF_MS * 2 ** Math.min(failures, 10)));
}

/** Somewhere in the upper half of `ms`, so that many processes do not come back at once. */
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
 * The result of `work`, or `late()` thrown when it has not come within `ms`.
 *
 * A process whose loop was blocked finds its timers due before it has read its sockets. So a deadline that
 * is due first lets one more turn of the loop pass: an answer that had already arrived still counts.
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
