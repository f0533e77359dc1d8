/**
 * A text that many readers get: made once, piece by piece, and read by each reader at its own speed, also
 * while it is made.
 *
 * While a text is open, a new reader can begin it, so all of it is kept. Once it is sealed, a piece is dropped
 * when the slowest reader has passed it. Once nobody reads it, it is sealed, all of it is dropped, and nothing
 * more of it is made. So all readers together hold each piece once.
 */
import { Pieces } from './pieces.ts';
import type { Sliced, Slices } from './slices.ts';
import type { Time } from './time.ts';

/** A text of this length or more, in UTF-16 code units, is too long for one write. */
export const PIECE_LENGTH = 64 * 1024;
/** The time for which a message may be made in one stretch, ms. */
const STRETCH_MS = 2;

/** A message that is too long for one write: a text between words that its reader alone gets. */
export interface LongMessage {
  readonly head: string;
  readonly body: TextReader;
  readonly tail: string;
}

export class Text {
  readonly #check: () => void;
  readonly #pieces: (Buffer | undefined)[] = [];
  /** The number of readers that come to this piece next: one number more than there are pieces. */
  readonly #readersAt = [0];
  readonly #readers = new Set<TextReader>();
  readonly #whenIdle: (() => void)[] = [];
  readonly #making = new AbortController();
  readonly #settled = Promise.withResolvers<void>();
  /** The pieces before this one are dropped. */
  #firstKept = 0;
  #isSealed = false;
  #state: 'making' | 'whole' | 'failed' = 'making';
  #bytes = 0;
  #heldBytes = 0;
  #readCount = 0;

  /** @param check called with each piece: what it throws ends the making. Default: nothing */
  constructor(check: () => void = () => {}) {
    this.#check = check;
    this.#settled.promise.catch(() => {});
  }

  /** Resolves once all of it is made; rejects where it cannot be made. */
  get made(): Promise<void> {
    return this.#settled.promise;
  }

  get state(): 'making' | 'whole' | 'failed' {
    return this.#state;
  }

  /** The length of what was made, bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The length of what somebody still has to get, bytes. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** The number of pieces that were read, by all readers together. */
  get readCount(): number {
    return this.#readCount;
  }

  /** Whether a new reader can begin it. */
  get isOpen(): boolean {
    return !this.#isSealed && this.#state !== 'failed';
  }

  /** Begins a reader, which has to be closed. The text must be open. */
  open(): TextReader {
    const reader = new TextReader(this);
    this.#readers.add(reader);
    this.#readersAt[0]! += 1;
    return reader;
  }

  /** Takes no more readers. */
  seal(): void {
    this.#isSealed = true;
    this.#dropPassed();
  }

  /** Calls back when the last reader is closed. */
  whenIdle(run: () => void): void {
    this.#whenIdle.push(run);
  }

  /**
   * Makes the text in slices, until nobody reads it any more.
   * @param parts each may be empty; the work rests after each
   * @param begun what was made of it already
   */
  make(slices: Slices, parts: Iterator<string, unknown, void>, begun = ''): void {
    slices.run(this.#fill(parts, begun), this.#making.signal).catch((error: unknown) => {
      // Work that was called off before its first slice has not closed the parts.
      parts.return?.();
      this.#settle('failed');
      this.#settled.reject(error);
    });
  }

  /** What `TextReader.next` returns. */
  pieceAt(index: number): Buffer | undefined {
    return this.#pieces[index];
  }

  /** A reader has passed the piece before `index`. */
  passed(index: number): void {
    this.#readersAt[index - 1]! -= 1;
    this.#readersAt[index]! += 1;
    this.#readCount += 1;
    if (this.#isSealed) this.#dropPassed();
  }

  /** A reader at `index` reads no more. */
  closed(reader: TextReader, index: number): void {
    if (!this.#readers.delete(reader)) return;
    this.#readersAt[index]! -= 1;
    if (this.#readers.size > 0) return this.#isSealed ? this.#dropPassed() : undefined;
    this.seal();
    this.#making.abort(new Error('nobody reads this text any more'));
    for (const run of this.#whenIdle) run();
  }

  *#fill(parts: Iterator<string, unknown, void>, begun: string): Sliced<void> {
    const pieces = new Pieces((piece) => this.#add(piece));
    pieces.add(begun);
    try {
      for (let part = parts.next(); !part.done; part = parts.next()) {
        pieces.add(part.value);
        yield;
      }
      pieces.end();
    } finally {
      parts.return?.();
    }
    this.#settle('whole');
    this.#settled.resolve();
  }

  #add(piece: Buffer): void {
    this.#pieces.push(piece);
    this.#readersAt.push(0);
    this.#bytes += piece.length;
    this.#heldBytes += piece.length;
    this.#check();
    this.#tellReaders();
  }

  #settle(state: 'whole' | 'failed'): void {
    this.#state = state;
    this.#tellReaders();
  }

  #tellReaders(): void {
    for (const reader of this.#readers) reader.onMore();
  }

  #dropPassed(): void {
    const end = this.#pieces.length;
    for (; this.#firstKept < end && this.#readersAt[this.#firstKept] === 0; this.#firstKept += 1) {
      this.#heldBytes -= this.#pieces[this.#firstKept]!.length;
      this.#pieces[this.#firstKept] = undefined;
    }
  }
}

/** One reader of a text. */
export class TextReader {
  readonly text: Text;
  #next = 0;
  #isClosed = false;
  /** Called when there may be more to read, or no more will come. */
  onMore: () => void = () => {};

  constructor(text: Text) {
    this.text = text;
  }

  /** The next piece; `undefined` where it is not made yet, or where `isAtEnd`. */
  next(): Buffer | undefined {
    const piece = this.#isClosed ? undefined : this.text.pieceAt(this.#next);
    if (piece === undefined) return undefined;
    this.#next += 1;
    this.text.passed(this.#next);
    return piece;
  }

  /** Whether all of the text was read. */
  get isAtEnd(): boolean {
    return this.text.state === 'whole' && this.text.pieceAt(this.#next) === undefined;
  }

  /** Idempotent. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.text.closed(this, this.#next);
  }
}

/**
 * A message of these parts: a string where that is short and little work, else a text that is made in slices.
 */
export function messageOf(parts: Iterator<string, unknown, void>, slices: Slices, time: Time): string | Text {
  const until = time.now() + STRETCH_MS;
  let made = '';
  for (let part = parts.next(); !part.done; part = parts.next()) {
    made += part.value;
    if (made.length < PIECE_LENGTH && time.now() < until) continue;
    const text = new Text();
    text.make(slices, parts, made);
    return text;
  }
  return made;
}
