/**
 * The heartbeat of one space: when its owner gives a sign of life.
 *
 * A thousand spaces must not wake their process, and Redis, four thousand times a second. So heartbeats
 * fall on the slots of one grid, and those of a slot can go out in one write. Nor may all of them share one
 * slot, where they would hold Redis up. So each space has a slot of its own within the interval, chosen by
 * its name.
 */
import type { Cancel, Time } from '../base/time.ts';

const SLOTS = 8;

export interface HeartbeatOptions {
  readonly space: string;
  /** The longest time without a sign of life, ms; the lateness of a timer comes on top. */
  readonly everyMs: number;
  /** The time of the last cut or heartbeat, on `Time`, ms. An announced change does not count. */
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

  /** Starts the heartbeats: each schedules the next one. */
  start(): void {
    this.stop();
    const { everyMs, lastAt, send } = this.#options;
    const inMs = heartbeatDueAt(lastAt(), everyMs, this.#phaseMs) - this.#time.now();
    // Timers count whole ms and may fire up to 1 ms early. The slot has to be past by then.
    // planted: heartbeat-timer
    this.#cancel = this.#time.after(Math.max(everyMs / 10, Math.ceil(inMs) + 1), () => {
      // A commit is a sign of life too: after a recent one, this only looks again later.
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
 * The time of the next heartbeat, with T for `everyMs`: the space's own slot if it falls in
 * [lastAt + T/2, lastAt + T]. Else the last shared slot up to lastAt + 3T/4, so that with each heartbeat
 * the own slot comes nearer. All times in ms.
 */
export function heartbeatDueAt(lastAt: number, everyMs: number, phaseMs: number): number {
  const own = floor(lastAt + everyMs - phaseMs, everyMs) + phaseMs;
  return own >= lastAt + everyMs / 2 ? own : floor(lastAt + (everyMs * 3) / 4, everyMs / SLOTS);
}

function floor(at: number, stepMs: number): number {
  return Math.floor(at / stepMs) * stepMs;
}

/** The slot of a space: a small hash, which spreads names over the slots. */
function slotOf(space: string): number {
  let hash = 0;
  for (let at = 0; at < space.length; at += 1) hash = (hash * 31 + space.charCodeAt(at)) % 65_521;
  return hash % SLOTS;
}
