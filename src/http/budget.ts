/** The budget of a router: what the process may hold in memory for all clients together, bytes. */
import { between } from '../base/options.ts';
import { Text } from '../base/text.ts';
import type { Outlets } from './outlets.ts';
import { Problem } from './problem.ts';

const DEFAULT_BYTES = 256 * 1024 * 1024;

export class Budget {
  readonly outlets: Outlets;
  readonly #maxBytes: number;

  /** @throws TandemError `INVALID_OPTION` */
  constructor(outlets: Outlets, maxBytes = DEFAULT_BYTES) {
    this.outlets = outlets;
    this.#maxBytes = between('maxBytes', maxBytes, 1, Number.MAX_SAFE_INTEGER);
  }

  /**
   * Requires that `bytes` more can be held. Where they cannot, clients that do not read give up their places.
   * @throws Problem `TOO_MANY_BYTES`
   */
  require(bytes: number): void {
    const hasRoom = (): boolean => this.outlets.heldBytes + bytes <= this.#maxBytes;
    if (hasRoom()) return;
    this.outlets.relieve();
    if (hasRoom()) return;
    const what = `expected at most ${this.#maxBytes} bytes for all clients at one time`;
    throw new Problem('TOO_MANY_BYTES', `${what}; clients that read now hold them`);
  }

  /** A text that counts, and that ends where the budget does. */
  readonly newText = (): Text => {
    const text = new Text(() => this.require(0));
    this.outlets.count(text);
    return text;
  };
}
