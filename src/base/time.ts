/**
 * Time and chance. Every object that needs them gets a `Time`, so that a simulator can run the real actors.
 * No other file of the core reads a clock, sets a timer or draws a random number. Whatever runs later runs in
 * the root (`root.ts`), and not in the async context of the request that happened to set it.
 */

import { Elapsed } from './elapsed.ts';
import { TandemError } from './errors.ts';
import { kindOf } from './kind.ts';
import { inRoot } from './root.ts';

export type Cancel = () => void;

/** Time and chance, as all actors of a process get them. */
export interface Time {
  /**
   * The time that has passed, ms. It never steps back, and its zero means nothing. It counts the time for
   * which the machine slept (`Elapsed`), as far as the wall clock shows it.
   */
  now(): number;
  /** The wall clock, ms since 1970: for people. Somebody may set it, so nothing is measured by it. */
  wall(): number;
  /**
   * When the machine was last found to have slept, on `now()`: nothing that was measured before holds.
   * -Infinity when it never was. It is as of the last call of `now()`.
   * @internal
   */
  readonly wokeAt: number;
  /**
   * Calls back at the end of the turn in which `now()` noticed a sleep. Returns a function that ends it.
   * @internal
   */
  onWake(run: () => void): () => void;
  /**
   * Runs once, `ms` from now, and never before 1 ms has passed: a caller that waits for a rest below 1 ms
   * would otherwise wait again and again. From 24.8 days on it never runs, since no timer of Node's counts
   * that far. The time for which the machine sleeps does not count: the rest of `ms` passes after waking.
   * Returns a function that ends it.
   */
  after(ms: number, run: () => void): () => void;
  /**
   * Runs at the end of this turn of the event loop, after all microtasks and before any I/O.
   * @internal
   */
  endOfTurn(run: () => void): void;
  /**
   * Runs in the next turn, after everything that has arrived by now.
   * @internal
   */
  nextTurn(run: () => void): void;
  /**
   * A random number in [0, 1).
   * @internal
   */
  random(): number;
}

/** Node turns a longer delay into 1 ms. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/** Costs less than `queueMicrotask`, which creates an async resource for async hooks. */
const settled = Promise.resolve();

/**
 * A tick set from a microtask runs once no microtask is left, so it also follows the caller's own promises.
 */
const endOfTurn = (run: () => void): void => inRoot(onceSettled, run);
const onceSettled = (run: () => void): void => void settled.then(() => process.nextTick(run));

/** Taken once: fake timers of a user's test replace them. */
const wall = Date.now;
const elapsed = new Elapsed({ monotonic: performance.now.bind(performance), wall, later: endOfTurn });

export const systemTime: Time = {
  now: () => elapsed.now(),
  get wokeAt() {
    return elapsed.wokeAt;
  },
  onWake: (run) => elapsed.onWake(run),
  wall,
  after(ms, run) {
    if (ms > MAX_TIMER_MS) return () => {};
    const timer = inRoot(setTimeout, run, Math.max(1, ms));
    return () => clearTimeout(timer);
  },
  endOfTurn,
  nextTurn: (run) => void inRoot(setImmediate, run),
  random: () => Math.random(),
};

/** The form in which XState takes a time, for the delays of machines. */
export interface MachineClock {
  /** Runs once, `ms` from now. Returns a function that ends it. */
  setTimeout(run: (...args: any[]) => void, ms: number): () => void;
  /** Ends what `setTimeout` returned. */
  clearTimeout(cancel: (() => void) | undefined): void;
}

export function machineClock(time: Time): MachineClock {
  return {
    setTimeout: (run, ms) => time.after(ms, run),
    clearTimeout: (cancel) => cancel?.(),
  };
}

/** @throws TandemError `INVALID_OPTION` */
export function requireTime(name: string, value: unknown): void {
  const { now, after, endOfTurn } = (value ?? {}) as Partial<Time>;
  if ([now, after, endOfTurn].every((method) => typeof method === 'function')) return;
  const expected = 'a fakeTime() of tandem-sync/testing';
  throw new TandemError('INVALID_OPTION', `${name}: expected ${expected}, got ${kindOf(value)}`);
}

/** A time by the wall clock, ms since 1970, as ISO 8601 in UTC. What is no time is `?`. */
export function isoTime(wall: number): string {
  const date = new Date(wall);
  return Number.isNaN(date.getTime()) ? '?' : date.toISOString();
}

/** Reads a time in ISO 8601: ms since 1970; NaN for any other text. */
export function parseIsoTime(text: string): number {
  return /^\d{4}-/.test(text) ? Date.parse(text) : NaN;
}

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
