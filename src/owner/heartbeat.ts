/**
 * When a space's owner gives a sign of life.
 *
 * A thousand spaces are not to wake their process, and Redis, four thousand times a second: their heartbeats fall on the
 * ticks of one grid, and those of a tick go out together. Nor are all due at one tick, where they would hold Redis up: each
 * space has a tick of its own in an interval, by its name.
 */
import type { Cancel, Time } from '../base/time.ts';

const TICKS = 8;

export interface HeartbeatOptions {
  readonly space: string;
  /** The longest that nothing is to be heard of the space, ms; a timer's lateness comes on top. */
  readonly everyMs: number;
  /** When something last went out, local ms. */
  readonly lastAt: () => number;
  readonly send: () => void;
}

export class Heartbeat {
  readonly #time: Time;
  readonly #options: HeartbeatOptions;
  readonly #phaseMs: number;
  #cancel: Cancel | undefined;

  constructor(time: Time, options: HeartbeatOptions) {
    this.#time = time;
    this.#options = options;
    this.#phaseMs = (tickOf(options.space) * options.everyMs) / TICKS;
  }

  start(): void {
    this.stop();
    const { everyMs, lastAt, send } = this.#options;
    const inMs = heartbeatDueAt(lastAt(), everyMs, this.#phaseMs) - this.#time.now();
    // Timers count whole milliseconds, and come up to one early: a tick that is still ahead then would be another.
    this.#cancel = this.#time.after(Math.max(everyMs / 10, Math.ceil(inMs) + 1), () => {
      // Where much goes out anyway, that is sign enough, and this looks again later.
      try {
        if (this.#time.now() - lastAt() >= everyMs / 2 - 1) send();
      } finally {
        this.start();
      }
    });
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }
}

/**
 * The tick of a space's own if there is one in the second half of the interval that follows `lastAt`; else a common one
 * before the interval's last quarter, from where its own comes nearer with each heartbeat. Ms, all of them.
 */
export function heartbeatDueAt(lastAt: number, everyMs: number, phaseMs: number): number {
  const own = floor(lastAt + everyMs - phaseMs, everyMs) + phaseMs;
  return own >= lastAt + everyMs / 2 ? own : floor(lastAt + (everyMs * 3) / 4, everyMs / TICKS);
}

function floor(at: number, stepMs: number): number {
  return Math.floor(at / stepMs) * stepMs;
}

/** Spreads names as well as it has to. */
function tickOf(space: string): number {
  let hash = 0;
  for (let at = 0; at < space.length; at += 1) hash = (hash * 31 + space.charCodeAt(at)) % 65_521;
  return hash % TICKS;
}
