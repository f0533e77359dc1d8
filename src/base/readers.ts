/**
 * Readers of a source that moves on: frames, changes, events of a page.
 *
 * A reader is a cursor without a queue. Whenever its sink accepts more, it gets one message with everything
 * that is newer than its cursor. A slow reader gets fewer and larger messages. So memory grows with the
 * number of readers alone, never with how slow they are.
 */
import type { LongMessage } from './text.ts';
import type { Stretches } from './stretches.ts';
import type { Cancel, Time } from './time.ts';

/** The destination of a reader's messages. */
export interface Sink<C> {
  /**
   * Returns false when the sink is full: it gets no more until `Reader.drained` is called. The sink closes
   * the body of a long message.
   */
  write(message: string | LongMessage, cursor: C): boolean;
  /** No more messages follow: the source has ended, or the reader must start over. */
  end(): void;
}

export interface Reader {
  /** The sink accepts messages again. */
  drained(): void;
  close(): void;
}

/**
 * A message and the cursor behind it; `'nothing'` where there is no news; `'over'` where the reader must
 * start over.
 */
export type Step<C> = { readonly message: string | LongMessage; readonly cursor: C } | 'nothing' | 'over';

export interface ReadersOptions<C> {
  readonly time: Time;
  /** Making and writing messages counts as a stretch of work. */
  readonly stretches: Stretches;
  /**
   * Everything newer than a cursor, as one message. On a beat (`isBeat`) the reader should get a sign of life
   * even without news. `quietMs`: time since the last message to this reader, ms.
   */
  readonly next: (cursor: C, beat: { readonly isBeat: boolean; readonly quietMs: number }) => Step<C>;
  /** The time between two signs of life, ms. */
  readonly beatMs: number;
  /**
   * The least time between a change and its message, ms. Default: the message goes at the end of the turn.
   */
  readonly paceMs?: number;
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
  #isBeatDue = false;
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

  /** The source has news. Readers get it at the end of this turn, or after `paceMs`. */
  changed(): void {
    if (this.#scheduled || this.#open.size === 0) return;
    this.#scheduled = true;
    const { time, stretches, paceMs } = this.#options;
    const sendAll = (): void => {
      this.#scheduled = false;
      stretches.during(() => {
        for (const reader of this.#open) this.#send(reader);
      });
    };
    if (paceMs === undefined) time.endOfTurn(sendAll);
    else this.#cancelPace = time.after(paceMs, sendAll);
  }

  /** Readers get a sign of life at the end of this turn, where none came lately. */
  beat(): void {
    if (this.#isBeatDue || this.#open.size === 0) return;
    this.#isBeatDue = true;
    this.#options.time.endOfTurn(() => {
      this.#isBeatDue = false;
      this.#beat();
    });
  }

  /** The source has ended: ends every reader. */
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

  #beat(): void {
    const { time, stretches } = this.#options;
    stretches.during(() => {
      for (const reader of this.#open)
        this.#send(reader, { isBeat: true, quietMs: time.now() - reader.sentAt });
    });
  }

  #scheduleBeat(): void {
    const { time, beatMs } = this.#options;
    this.#cancelBeat?.();
    this.#cancelBeat = time.after(beatMs, () => {
      this.#beat();
      if (this.#open.size > 0) this.#scheduleBeat();
    });
  }
}
