/**
 * What a server held before each of its writes, so that it can go back to the state of some moments ago.
 *
 * A write notes what undoes it: the old values of the keys that it changes, and nothing of the others. So a
 * note costs what its write costs. Notes are kept for 10 minutes, and for the last 100,000 changed keys.
 */
import type { Time } from '../base/time.ts';

const KEPT_MS = 600_000;
const MOST_KEYS = 100_000;

interface Note {
  readonly at: number;
  readonly undo: () => void;
  /** How many keys it brings back; at least 1. */
  readonly keys: number;
}

export class History {
  readonly #time: Time;
  /** Oldest first. Those before `#first` are dropped. */
  #notes: Note[] = [];
  #first = 0;
  #keys = 0;
  /** No state of an earlier time is known. */
  #knownFrom = -Infinity;

  constructor(time: Time) {
    this.#time = time;
  }

  /** To be called before the write. */
  note(undo: () => void, keys = 1): void {
    const at = this.#time.now();
    this.#notes.push({ at, undo, keys });
    this.#keys += keys;
    for (
      let oldest = this.#notes[this.#first]!;
      this.#isTooMuch(oldest, at);
      oldest = this.#notes[this.#first]!
    ) {
      this.#knownFrom = oldest.at;
      this.#keys -= oldest.keys;
      this.#first += 1;
    }
    if (this.#first * 2 > this.#notes.length) {
      this.#notes = this.#notes.slice(this.#first);
      this.#first = 0;
    }
  }

  /** How far back it goes, ms; Infinity while nothing was dropped. */
  get mostMs(): number {
    return this.#time.now() - this.#knownFrom;
  }

  /** Undoes every write of the last `ms`, the newest first. */
  rewind(ms: number): void {
    const to = this.#time.now() - ms;
    while (this.#notes.length > this.#first && this.#notes.at(-1)!.at > to) {
      const { undo, keys } = this.#notes.pop()!;
      this.#keys -= keys;
      undo();
    }
  }

  /** The newest note is kept, however large it is. */
  #isTooMuch(oldest: Note, now: number): boolean {
    if (this.#first === this.#notes.length - 1) return false;
    return oldest.at < now - KEPT_MS || this.#keys > MOST_KEYS;
  }
}
