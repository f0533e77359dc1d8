/**
 * Pieces: a long text as buffers of one length, whatever the lengths of its parts. Memory of one length that is freed
 * serves the next text, where buffers of many lengths would leave gaps that fit nothing.
 */

/** The length of each piece but the last, bytes; up to three less where the next character would not fit. */
export const PIECE_BYTES = 64 * 1024;
/** Parts are gathered up to this length, in UTF-16 code units: each call of the encoder costs as much as a short part. */
const GATHERED = 4 * 1024;

const encoder = new TextEncoder();

export class Pieces {
  readonly #take: (piece: Buffer) => void;
  #gathered = '';
  #piece: Buffer | undefined;
  #filled = 0;

  /** @param take is given each piece as it is full, and the last one at the end */
  constructor(take: (piece: Buffer) => void) {
    this.#take = take;
  }

  /** Adds a part, which may be empty. It must not end within a pair of surrogates. */
  add(part: string): void {
    this.#gathered += part;
    if (this.#gathered.length >= GATHERED) this.#encode();
  }

  /** Hands over what is left. A short text gets a buffer of its own length, and never one of a whole piece. */
  end(): void {
    if (this.#piece === undefined) {
      if (this.#gathered !== '') this.#take(Buffer.from(this.#gathered));
      return;
    }
    this.#encode();
    // A copy: the rest of the piece would be held for nothing.
    if (this.#filled > 0) this.#take(Buffer.from(this.#piece.subarray(0, this.#filled)));
  }

  #encode(): void {
    let text = this.#gathered;
    this.#gathered = '';
    while (text !== '') {
      this.#piece ??= Buffer.allocUnsafeSlow(PIECE_BYTES);
      const { read, written } = encoder.encodeInto(text, this.#piece.subarray(this.#filled));
      this.#filled += written;
      text = text.slice(read);
      if (text !== '' || this.#filled === PIECE_BYTES) this.#handOver(this.#piece);
    }
  }

  #handOver(piece: Buffer): void {
    this.#take(piece.subarray(0, this.#filled));
    this.#piece = undefined;
    this.#filled = 0;
  }
}
