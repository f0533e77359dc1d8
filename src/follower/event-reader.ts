/**
 * The event reader: makes server-sent events of the pieces in which a feed arrives.
 * https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
import { TandemError } from '../base/errors.ts';

export class EventReader {
  readonly #maxLength: number;
  readonly #take: (event: string) => void;
  /**
   * The pieces of an event that is not whole yet. Joining and searching them with each new piece would be
   * slow.
   */
  #pieces: string[] = [];
  #length = 0;

  /**
   * @param maxLength the greatest length of one event, UTF-16 code units
   * @param take called with each event once it is whole
   */
  constructor(maxLength: number, take: (event: string) => void) {
    this.#maxLength = maxLength;
    this.#take = take;
  }

  /** @throws TandemError `INVALID_FRAME` for an event over the limit; and everything that `take` throws */
  push(piece: string): void {
    // Nearly every piece is exactly one event.
    if (this.#pieces.length === 0 && piece.length > 2 && piece.indexOf('\n\n') === piece.length - 2) {
      requireSize(piece.length, this.#maxLength);
      return this.#take(piece.slice(0, -2));
    }
    const isWhole = ((this.#pieces.at(-1)?.at(-1) ?? '') + piece).includes('\n\n');
    if (piece !== '') this.#pieces.push(piece);
    this.#length += piece.length;
    requireSize(this.#length, this.#maxLength);
    if (!isWhole) return;
    const text = this.#pieces.length === 1 ? piece : this.#pieces.join('');
    let from = 0;
    for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n', from)) {
      this.#take(text.slice(from, end));
      from = end + 2;
    }
    this.#pieces = from < text.length ? [text.slice(from)] : [];
    this.#length = text.length - from;
  }
}

/** The data of an event of a feed. Such an event has an `id:` line, then `data:` lines, and no other line. */
export function messageOf(event: string): string {
  return event.slice(event.indexOf('data: ') + 6).replaceAll('\ndata: ', '\n');
}

/** @throws TandemError `INVALID_FRAME` */
export function requireSize(length: number, maxLength: number): void {
  if (length > maxLength)
    throw new TandemError('INVALID_FRAME', `expected at most ${maxLength} characters from the owner`);
}
