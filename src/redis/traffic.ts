/**
 * Traffic: whether bytes move on the socket of a client. A server whose bytes move is busy, not dead.
 *
 * | what is seen                                     | what it shows                                            |
 * | ------------------------------------------------ | -------------------------------------------------------- |
 * | bytes were read                                  | The server sends: replies come in order.                 |
 * | of what waited to go out, some has gone out      | The server takes in.                                     |
 * | what was written went out at once                | Nothing: the kernel takes it, also for a stopped server. |
 */
import type { Redis } from 'ioredis';
import type { Client } from './target.ts';

/** As much of a socket as is looked at. */
export type Wire = Pick<Redis['stream'], 'bytesRead' | 'bytesWritten' | 'writableLength'>;

/** The most bytes that a UTF-16 code unit takes. */
const MOST_PER_UNIT = 3;

export class Traffic {
  readonly #wire: () => Wire | undefined;
  #bytesRead = 0;
  #isWaiting = false;
  /** At least so many bytes have gone out. */
  #bytesOut = 0;

  /** @param wire gives the socket; undefined where there is none, or more than one */
  constructor(wire: () => Wire | undefined) {
    this.#wire = wire;
  }

  /** Looks whether bytes have moved since the last look. Without a socket none are seen to move. */
  moved(): boolean {
    const wire = this.#wire();
    if (wire === undefined) return false;
    const { bytesRead, bytesWritten, writableLength } = wire;
    // Node counts what was written in bytes, and what waits in UTF-16 code units.
    const bytesOut = bytesWritten - writableLength * MOST_PER_UNIT;
    const hasMoved = bytesRead > this.#bytesRead || (this.#isWaiting && bytesOut > this.#bytesOut);
    this.#bytesRead = bytesRead;
    this.#isWaiting = writableLength > 0;
    this.#bytesOut = bytesOut;
    return hasMoved;
  }
}

/** The socket of a client; undefined for a Cluster's, which has many. */
export function streamOf(client: Client): Redis['stream'] | undefined {
  return !client.isCluster && 'stream' in client ? client.stream : undefined;
}
