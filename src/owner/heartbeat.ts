/**
 * When a space's owner gives a sign of life.
 *
 * A thousand spaces must not wake their process, and Redis, four thousand times a second. So heartbeats fall on the slots
 * of one grid, and those of a slot go out in one write. They must not all be due at one slot either, where they would
 * hold Redis up: each space has a slot of its own in an interval, by its name.
 */
import type { Cancel, Time } from '../base/time.ts';

const SLOTS = 8;

export interface HeartbeatOptions {
  readonly space: string;
  /** The longest time without a sign of life, ms; a timer's lateness comes on top. */
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
    this.#phaseMs = (slotOf(options.space) * options.everyMs) / SLOTS;
  }

  start(): void {
    this.stop();
    const { everyMs, lastAt, send } = this.#options;
    const inMs = heartbeatDueAt(lastAt(), everyMs, this.#phaseMs) - this.#time.now();
    // Timers count whole milliseconds, and fire up to one early: by then the slot has to be behind.
    // planted: heartbeat-timer
    this.#cancel = this.#time.after(Math.max(everyMs / 10, Math.ceil(inMs) + 1), () => {
      // A frame is a sign of life too: where one went out, this looks again later.
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
 * Next heartbeat, with T for `everyMs`: the space's own slot if it falls in (lastAt + T/2, lastAt + T]; else the last
 * shared slot before lastAt + 3T/4, from where its own slot comes nearer with each heartbeat. All in ms.
 */
export function heartbeatDueAt(lastAt: number, everyMs: number, phaseMs: number): number {
  const own = floor(lastAt + everyMs - phaseMs, everyMs) + phaseMs;
  return own >= lastAt + everyMs / 2 ? own : floor(lastAt + (everyMs * 3) / 4, everyMs / SLOTS);
}

function floor(at: number, stepMs: number): number {
  return Math.floor(at / stepMs) * stepMs;
}

/** A small hash: it spreads names over a few slots, which is all that it has to do. */
function slotOf(space: string): number {
  let hash = 0;
  for (let at = 0; at < space.length; at += 1) hash = (hash * 31 + space.charCodeAt(at)) % 65_521;
  return hash % SLOTS;
}
