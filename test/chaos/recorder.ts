/**
 * Writes down what happens in one process, into a file of its own: what was written outlives a SIGKILL.
 *
 * All processes of a machine share CLOCK_MONOTONIC, which `process.hrtime` reads.
 */
import { openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Event } from '../history/event.ts';
import { History } from '../history/event.ts';

/** ms on the clock of the machine. */
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

  /** At once: before anybody else can see what it tells of. */
  readonly write = (event: Event): void => {
    this.flush();
    writeSync(this.#file, `${JSON.stringify(event)}\n`);
  };

  /** Soon: what is lost of it is an observation less, no more. */
  readonly note = (event: Event): void => {
    this.#waiting += `${JSON.stringify(event)}\n`;
  };

  flush(): void {
    if (this.#waiting === '') return;
    writeSync(this.#file, this.#waiting);
    this.#waiting = '';
  }

  /** When this turn began: what happens in one turn happens at one time. */
  turnAt(): number {
    if (this.#turnAt === undefined) {
      this.#turnAt = now();
      queueMicrotask(() => (this.#turnAt = undefined));
    }
    return this.#turnAt;
  }
}

const LOOK_MS = 20;
/** Late by so much, a timer says that the machine has other things to do. */
const STALL_MS = 200;

/** Writes down when this process, which has nothing else to do, was not let run. Returns the way to stop. */
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

/** What all processes wrote into one folder, in order. */
export function readHistory(folder: string): History {
  const lines = readdirSync(folder).flatMap((file) => {
    const text = readFileSync(join(folder, file), 'utf8');
    // Who was killed while it wrote leaves half a line.
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
