/**
 * Those who read from something that moves on: frames, changes, events of a page.
 *
 * A reader is a cursor. What it is sent is all that is new since, whenever it can take more: a slow one gets
 * fewer and larger messages, and nothing is kept for it. So memory is bounded by the number of readers.
 */
import type { Cancel, Time } from './time.ts';

/** Where messages go. */
export interface Sink<C> {
  /** False when it takes no more until the reader is told `drained`. */
  write(message: string, cursor: C): boolean;
  /** No more will come: the source has ended, or this reader has to start over, or took nothing for too long. */
  end(): void;
}

export interface Reader {
  drained(): void;
  close(): void;
}

/** A message, and where its reader is then; `'nothing'` to say; or `'over'`: it cannot go on from there. */
export type Step<C> = { readonly message: string; readonly cursor: C } | 'nothing' | 'over';

export interface ReadersOptions<C> {
  readonly time: Time;
  /** What is new since a cursor. `quietMs`: for how long nothing was sent; on a beat there should be a sign of life. */
  readonly next: (cursor: C, beat: { readonly isBeat: boolean; readonly quietMs: number }) => Step<C>;
  /** How often to give readers a sign of life, ms. */
  readonly beatMs: number;
  /** What changed is told at most this often, ms; by default at the end of each turn of the loop. */
  readonly paceMs?: number;
  /** A reader that took nothing for so long is sent away, ms; by default none is. */
  readonly stallMs?: number;
}

interface OpenReader<C> {
  cursor: C;
  sentAt: number;
  isFull: boolean;
  readonly sink: Sink<C>;
}

export class Readers<C> {
  readonly #options: ReadersOptions<C>;
  readonly #open = new Set<OpenReader<C>>();
  #scheduled = false;
  #cancelPace: Cancel | undefined;
  #cancelBeat: Cancel | undefined;

  constructor(options: ReadersOptions<C>) {
    this.#options = options;
  }

  get size(): number {
    return this.#open.size;
  }

  open(cursor: C, sink: Sink<C>): Reader {
    const reader = { cursor, sentAt: this.#options.time.now(), isFull: false, sink };
    this.#open.add(reader);
    this.#send(reader, { isBeat: true, quietMs: Infinity });
    if (this.#open.size === 1) this.#scheduleBeat();
    return {
      drained: () => {
        reader.isFull = false;
        if (this.#open.has(reader)) this.#send(reader);
      },
      close: () => this.#close(reader),
    };
  }

  /** Something is new: readers are told at the end of this turn, or once their pace allows. */
  changed(): void {
    if (this.#scheduled || this.#open.size === 0) return;
    this.#scheduled = true;
    const { time, paceMs } = this.#options;
    const tell = (): void => {
      this.#scheduled = false;
      for (const reader of this.#open) this.#send(reader);
    };
    if (paceMs === undefined) time.endOfTurn(tell);
    else this.#cancelPace = time.after(paceMs, tell);
  }

  /** The source has ended. */
  end(): void {
    for (const reader of this.#open) this.#end(reader);
  }

  #send(reader: OpenReader<C>, beat = { isBeat: false, quietMs: 0 }): void {
    if (reader.isFull) return;
    const step = this.#options.next(reader.cursor, beat);
    if (step === 'nothing') return;
    if (step === 'over') return this.#end(reader);
    reader.cursor = step.cursor;
    reader.sentAt = this.#options.time.now();
    reader.isFull = !reader.sink.write(step.message, step.cursor);
  }

  #end(reader: OpenReader<C>): void {
    this.#close(reader);
    reader.sink.end();
  }

  #close(reader: OpenReader<C>): void {
    this.#open.delete(reader);
    if (this.#open.size > 0) return;
    this.#cancelBeat?.();
    this.#cancelPace?.();
    this.#scheduled = this.#scheduled && this.#options.paceMs === undefined;
  }

  #scheduleBeat(): void {
    const { time, beatMs, stallMs = Infinity } = this.#options;
    this.#cancelBeat?.();
    this.#cancelBeat = time.after(beatMs, () => {
      for (const reader of this.#open) {
        const quietMs = time.now() - reader.sentAt;
        if (reader.isFull && quietMs > stallMs) this.#end(reader);
        else this.#send(reader, { isBeat: true, quietMs });
      }
      if (this.#open.size > 0) this.#scheduleBeat();
    });
  }
}
