/**
 * The owner record: who owns the space, as the keys say. Frames do not say it.
 *
 * Every head that is read from Redis has the last claim: its epoch, and the owner's id and name. When
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

  /** A head was read. The id is gone once an owner has given up its lease, and its name stays. */
  note({ fence, owner, ownerName }: Head): void {
    if (fence === 0 || fence < this.#epoch) return;
    const isKnown = fence === this.#epoch && this.#identity !== undefined;
    this.#epoch = fence;
    if (!isKnown) this.#identity = { id: hasId(owner) ? owner : `${ownerName} ${fence}`, name: ownerName };
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

/** Whether a head names the claim's owner: an id has a slash in it, and neither mark of a release does. */
function hasId(owner: string): boolean {
  return owner.includes('/');
}
