/**
 * The owner record: who owns the space, as the keys say. Frames do not say it.
 *
 * Every head that is read from Redis has the last claim: its epoch, and the owner's name. When
 * something of a later epoch comes, Redis is asked for its head, once for each epoch. That is off the way of
 * the frames: nothing waits for the answer but the event that names the owner.
 */
import type { OwnerIdentity } from '../actor/proof-watch.ts';
import type { Head } from '../ports/store.ts';

export class OwnerRecord {
  readonly #ask: () => Promise<unknown> | undefined;
  #epoch = 0;
  #identity: OwnerIdentity | undefined;
  /** The highest epoch whose owner is known, or was asked for. */
  #askedFor = 0;
  #isAsking = false;

  /** @param ask reads the head, and notes it here; `undefined` where Redis cannot be asked */
  constructor(ask: () => Promise<unknown> | undefined) {
    this.#ask = ask;
  }

  /** A head was read. The name stays in it once an owner has given up its lease. */
  note({ fence, ownerName }: Head): void {
    if (fence === 0 || fence < this.#epoch) return;
    this.#epoch = fence;
    this.#identity = { name: ownerName };
  }

  /** The owner under this epoch; `'asked'` while Redis is asked for it. */
  of(epoch: number): OwnerIdentity | 'asked' | undefined {
    if (epoch <= this.#epoch) return this.#identity;
    if (epoch > this.#askedFor) this.#askFor(epoch);
    return this.#isAsking ? 'asked' : undefined;
  }

  #askFor(epoch: number): void {
    const answer = this.#ask();
    if (answer === undefined) return;
    this.#askedFor = epoch;
    this.#isAsking = true;
    const ended = (): void => void (this.#isAsking = false);
    answer.then(ended, ended);
  }
}
