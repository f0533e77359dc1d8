/**
 * Time and chance, handed to everything that needs them, so that a simulator can run the real actors.
 * Nothing else in the core reads a clock, sets a timer or draws a random number.
 */

export type Cancel = () => void;

export interface Time {
  /** Milliseconds on a clock that never steps back; its zero means nothing. */
  now(): number;
  /** Runs once after at least `ms`. */
  after(ms: number, run: () => void): Cancel;
  /** Runs at the end of this turn of the event loop. */
  endOfTurn(run: () => void): void;
  /** In [0, 1). */
  random(): number;
}

export const systemTime: Time = {
  now: () => performance.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
  endOfTurn: (run) => void setImmediate(run),
  random: () => Math.random(),
};

/** A random name with 104 bits in it. */
export function randomId(time: Time): string {
  const part = (): string => Math.floor(time.random() * 2 ** 52).toString(36);
  return `${part()}${part()}`;
}

const MIN_BACKOFF_MS = 50;
const MAX_BACKOFF_MS = 1_000;

/** A pause before the next try: doubles with each failure in a row, from 50 ms to 1 s, jittered. */
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
      time.endOfTurn(() => time.endOfTurn(() => reject(late())));
    });
    work.then(
      (value) => (cancel(), resolve(value)),
      (error: unknown) => (cancel(), reject(error as Error)),
    );
  });
}
