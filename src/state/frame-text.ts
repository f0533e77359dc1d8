/**
 * The text of a frame that comes in pieces, as a whole state does. Its header is read first, and then each
 * change once all of it is there. So only what is not read yet is kept.
 */
import type { Change } from './change.ts';
import type { Frame } from './frame.ts';
import { readFrameChange } from './frame.ts';
import { invalidFrame } from './invalid-frame.ts';
import { decodeFrame } from './message.ts';
import { Scanner } from './scanner.ts';

export class FrameText {
  /** The text that is not read yet. */
  #rest = '';
  #head: Frame | undefined;
  #before = 0;
  #hasEnded = false;

  /** The frame, without its changes; `undefined` until its header has come. */
  get head(): Frame | undefined {
    return this.#head;
  }

  /**
   * Adds a piece. The changes of the piece before have to be read by then.
   * @throws TandemError as `decodeFrame`, for the header
   */
  push(piece: string): void {
    this.#rest += piece;
    if (this.#head === undefined) this.#readHead(this.#lineBreak(2));
  }

  /**
   * The frame has ended: `changes` reads the rest.
   * @throws TandemError as `decodeFrame`, for the header
   */
  end(): Frame {
    this.#rest += '\n';
    this.#hasEnded = true;
    return this.#head ?? this.#readHead(this.#lineBreak(2)) ?? fail('it has no header');
  }

  /**
   * Reads the changes that are there.
   * @throws TandemError `INVALID_FRAME`
   */
  *changes(): Generator<Change, void, void> {
    if (this.#head === undefined) return;
    const scanner = new Scanner(this.#rest);
    // A change begins with a line break, and is whole once another one comes behind its three lines.
    for (let end = this.#lineBreak(4); end !== -1; end = this.#lineBreak(4, scanner.at)) {
      const change = readFrameChange(scanner, this.#before, this.#head.revision);
      this.#before = change.revision;
      yield change;
    }
    this.#rest = this.#rest.slice(scanner.at);
    if (this.#hasEnded && this.#rest !== '\n') fail('half a change at its end');
  }

  #readHead(end: number): Frame | undefined {
    if (end === -1) return undefined;
    this.#head = decodeFrame(this.#rest.slice(0, end));
    this.#before = this.#head.prev;
    this.#rest = this.#rest.slice(end);
    return this.#head;
  }

  /** The index of the n-th line break from an index on; -1 where there are fewer. */
  #lineBreak(n: number, from = 0): number {
    let at = from - 1;
    for (let left = n; left > 0; left -= 1) {
      at = this.#rest.indexOf('\n', at + 1);
      if (at === -1) return -1;
    }
    return at;
  }
}

function fail(problem: string): never {
  throw invalidFrame(problem);
}
