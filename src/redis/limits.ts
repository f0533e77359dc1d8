/**
 * Limits: what a server does not take, found out by what it refused. Pure: no clock, no I/O.
 *
 * A server with a small `client-query-buffer-limit`, or a proxy with a limit per request, closes the
 * connection without a word, or answers an error. The next call then has half the size. A call of a single
 * change cannot be halved: where it fails again, no value of its size fits.
 */

/** A call that is shorter than this did not fail for its size, bytes. */
const LARGE = 65_536;
/** What a call has beside its changes is less than this, bytes. */
const OVERHEAD = 4_096;
/** A limit is forgotten after this, ms: the server may be another one, or may have been set up anew. */
const FORGET_AFTER_MS = 600_000;

export class Limits {
  #bytes = Infinity;
  #never = Infinity;
  #foundAt = 0;

  /** Whether any limit was found: it is asked before each call, and needs no clock. */
  get isFound(): boolean {
    return this.#bytes < Infinity;
  }

  /** The size up to which a call may go out, bytes of keys and values. */
  bytes(now: number): number {
    this.#forget(now);
    return this.#bytes;
  }

  /** A change of this size, or more, is never taken, bytes of its key and value. */
  never(now: number): number {
    this.#forget(now);
    return this.#never;
  }

  /**
   * A call was refused, or the connection was closed while it was on its way.
   * @param bytes of its keys and values
   * @param isSingle whether it has one change, and cannot be halved
   * @returns whether this may have been for its size
   */
  refused(bytes: number, isSingle: boolean, now: number): boolean {
    if (bytes < LARGE) return false;
    this.#foundAt = now;
    if (isSingle && bytes > this.#bytes) this.#never = Math.min(this.#never, bytes);
    this.#bytes = Math.min(this.#bytes, Math.max(LARGE, Math.floor(bytes / 2)) - OVERHEAD);
    return true;
  }

  #forget(now: number): void {
    if (now - this.#foundAt > FORGET_AFTER_MS) this.#bytes = this.#never = Infinity;
  }
}
