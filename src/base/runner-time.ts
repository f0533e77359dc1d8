/**
 * The time of a test runner: real, or whatever fake timers the runner has put in place (`vi.useFakeTimers()`,
 * `jest.useFakeTimers()`, `mock.timers.enable()`). They may come and go at any moment, so every global is
 * looked up when it is called.
 *
 * Time never jumps where fakes come or go: each clock goes on from where the last one was. A runner that
 * fakes `Date` but not `performance` is followed by `Date`.
 *
 * Turns of the event loop are not left to the fakes: they would stand still until somebody moves them, and
 * `await ready()` would hang. Where turns are faked, they are as short as promises, so a fake timer and
 * everything that follows from it are over before the next timer. Otherwise a turn is a real one, and I/O
 * comes in between.
 */
import { setImmediate } from 'node:timers';
import { inRoot } from './root.ts';
import type { Time } from './time.ts';
import { MAX_TIMER_MS } from './time.ts';

/** The clocks, and what ends a turn, as they were when this module was loaded. */
const nextTick = process.nextTick.bind(process);
const realMonotonic = monotonicInForce();
const realWall = Date.now;

/** The function itself shows whether a runner has replaced it. */
function monotonicInForce(): unknown {
  return Reflect.get(performance, 'now');
}

/** The time that has passed by the clock in force, ms. It never steps back. */
class Passed {
  #clock: unknown = realMonotonic;
  #at = 0;
  #passedMs = 0;

  now(): number {
    const monotonic = monotonicInForce();
    const isByDate = Date.now !== realWall && monotonic === realMonotonic;
    const clock = isByDate ? Date.now : monotonic;
    const at = isByDate ? Date.now() : performance.now();
    if (clock === this.#clock) this.#passedMs += Math.max(0, at - this.#at);
    this.#clock = clock;
    this.#at = at;
    return this.#passedMs;
  }
}

const passed = new Passed();
const settled = Promise.resolve();

/** After all promises that can settle now, as `endOfTurn` of the system's time. */
const afterPromises = (run: () => void): void => void settled.then(() => nextTick(run));

export const runnerTime: Time = {
  now: () => passed.now(),
  wall: () => Date.now(),
  // A sleep of the machine stops both sides of a simulated Redis alike: nobody has to notice it.
  wokeAt: -Infinity,
  onWake: () => () => {},
  after(ms, run) {
    if (ms > MAX_TIMER_MS) return () => {};
    // The fakes of one moment do not know the timers of another.
    const { clearTimeout } = globalThis;
    const timer = inRoot(setTimeout, run, Math.max(1, ms));
    return () => clearTimeout(timer);
  },
  endOfTurn: (run) => inRoot(afterPromises, run),
  nextTurn(run) {
    const areTurnsReal = globalThis.setImmediate === setImmediate;
    if (areTurnsReal) inRoot(setImmediate, run);
    else inRoot(afterPromises, run);
  },
  random: () => Math.random(),
};
