/**
 * Records the events of one process in a file of its own. Events that were written outlive a SIGKILL.
 *
 * All processes of a machine share CLOCK_MONOTONIC, which `process.hrtime` reads.
 */
import { openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Event } from '../history/event.ts';
import { History } from '../history/event.ts';

/** Ms on the clock of the machine. */
export function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

export class Recorder {
  readonly #file: number;
  #waiting = '';
  #turnAt: number | undefined;

  constructor(path: string) {
    this.#file = openSync(path, 'a');
  }

  /** Writes at once, before anybody else can see the effect of the event. */
  readonly write = (event: Event): void => {
    this.flush();
    writeSync(this.#file, `${JSON.stringify(event)}\n`);
  };

  /** Writes soon. A lost event of this kind is only one observation less. */
  readonly note = (event: Event): void => {
    this.#waiting += `${JSON.stringify(event)}\n`;
  };

  flush(): void {
    if (this.#waiting === '') return;
    writeSync(this.#file, this.#waiting);
    this.#waiting = '';
  }

  /** The time at which this turn of the event loop began. All events of a turn have this time. */
  turnAt(): number {
    if (this.#turnAt === undefined) {
      this.#turnAt = now();
      queueMicrotask(() => (this.#turnAt = undefined));
    }
    return this.#turnAt;
  }
}

const LOOK_MS = 20;
/** A timer that is late by more than this means that the machine was busy elsewhere. */
const STALL_MS = 200;

/**
 * Records when the machine did not let this process run, which has nothing else to do. Returns a function to
 * stop.
 */
export function watchStalls(recorder: Recorder): () => void {
  let last = now();
  const timer = setInterval(() => {
    const at = now();
    const ms = at - last - LOOK_MS;
    last = at;
    if (ms > STALL_MS) recorder.write({ type: 'stalled', at, ms });
  }, LOOK_MS);
  return () => clearInterval(timer);
}

/** The events that all processes wrote into one folder, in order of time. */
export function readHistory(folder: string): History {
  const lines = readdirSync(folder).flatMap((file) => {
    const text = readFileSync(join(folder, file), 'utf8');
    // A process that was killed while it wrote leaves half a line.
    return text
      .slice(0, text.lastIndexOf('\n') + 1)
      .split('\n')
      .slice(0, -1);
  });
  const history = new History();
  const events = lines.map((line) => JSON.parse(line) as Event);
  for (const event of events.toSorted((a, b) => a.at - b.at)) history.record(event);
  return history;
}
