/**
 * Stretches: for how long work of this package held the event loop in one piece.
 *
 * Each entry point of the package runs its work by `during`: slices, frames, commits, requests. A piece
 * within another one counts once, with the outer one. What an application does in a callback is no work of
 * the package, and runs by `outside`.
 *
 * Not seen: what a client of Redis does before it hands a reply over, such as parsing it. Seen as work: a
 * collection of garbage, and a wait for a processor, that come in the middle of it.
 */
import type { Time } from './time.ts';

/** The last minute is kept in parts of this length, ms: the longest stretch of each. */
const PART_MS = 5_000;
/** One part more than a minute has: the present one is not full. */
const PARTS = 13;

/** The clock of the piece of work that runs now; `undefined` where none does. The thread has one call stack. */
let running: Time | undefined;
/** The time of that piece that was spent outside, ms. */
let outsideMs = 0;

export class Stretches {
  readonly #time: Time;
  readonly #longest: number[] = Array<number>(PARTS).fill(0);
  /** The number of the present part, counted from the zero of the clock. */
  #part = -Infinity;

  constructor(time: Time) {
    this.#time = time;
  }

  /** The longest stretch of the last minute, ms; 0 where there was none. */
  get longestMs(): number {
    this.#turnTo(this.#time.now());
    return Math.max(...this.#longest);
  }

  /** Runs a piece of work, and notes how long it took. */
  during<T>(run: () => T): T {
    if (running !== undefined) return run();
    running = this.#time;
    outsideMs = 0;
    const startedAt = this.#time.now();
    try {
      return run();
    } finally {
      running = undefined;
      const now = this.#time.now();
      this.#turnTo(now);
      // A sleep of the machine in the middle is nobody's work.
      const ms = this.#time.wokeAt > startedAt ? 0 : now - startedAt - outsideMs;
      const place = placeOf(this.#part);
      this.#longest[place] = Math.max(this.#longest[place]!, ms);
    }
  }

  #turnTo(now: number): void {
    const part = Math.floor(now / PART_MS);
    if (part === this.#part) return;
    const passed = Math.min(PARTS, part - this.#part);
    for (let n = 0; n < passed; n += 1) this.#longest[placeOf(part - n)] = 0;
    this.#part = part;
  }
}

/** Runs what is no work of the package, such as a callback of the application's. */
export function outside<T>(run: () => T): T {
  const time = running;
  if (time === undefined) return run();
  const startedAt = time.now();
  const before = outsideMs;
  // What the application calls here is a piece of work of its own.
  running = undefined;
  try {
    return run();
  } finally {
    running = time;
    outsideMs = before + time.now() - startedAt;
  }
}

/** The clock may be before its zero. */
function placeOf(part: number): number {
  return ((part % PARTS) + PARTS) % PARTS;
}
