/**
 * Lease: what claim of the space this owner holds, and for how long. Pure.
 *
 * Invariant: it never says more than the store has granted. A lease runs from when the commit that renewed it was cut,
 * and not from when its answer came.
 *
 *   none → granted (the store has given an epoch) → held (the ledger is in it) → granted again, once it no longer stands
 */
import { TandemError } from '../base/errors.ts';
import type { Head } from '../ports/store.ts';

/** `granted`: its lease is to be given up, but nothing may be committed under it. */
type Claim =
  | { readonly is: 'none' }
  | { readonly is: 'granted'; readonly epoch: number }
  | { readonly is: 'held'; readonly epoch: number };

export class Lease {
  /** The id of this owner in the store. */
  readonly id: string;
  /** For how long a renewal lasts, ms. */
  readonly ms: number;
  #claim: Claim = { is: 'none' };
  #renewedAt = -Infinity;
  #lostTo: Head | undefined;

  constructor(id: string, ms: number) {
    this.id = id;
    this.ms = ms;
  }

  /** The epoch whose lease is to be given up; 0 where there is none. */
  get epoch(): number {
    return this.#claim.is === 'none' ? 0 : this.#claim.epoch;
  }

  get isHeld(): boolean {
    return this.#claim.is === 'held';
  }

  /** The head of the store when the space was found to be another's. */
  get lostTo(): Head | undefined {
    return this.#lostTo;
  }

  /** For how long it still runs, as far as is known here, ms. */
  leftMs(now: number): number {
    return Math.max(0, this.#renewedAt + this.ms - now);
  }

  granted(epoch: number): void {
    this.#claim = { is: 'granted', epoch };
  }

  /** From now on commits are made under the epoch that was granted. */
  hold(): void {
    if (this.#claim.is === 'granted') this.#claim = { is: 'held', epoch: this.#claim.epoch };
  }

  /** The claim no longer stands: nothing is committed until the next. */
  loosen(): void {
    if (this.#claim.is === 'held') this.#claim = { is: 'granted', epoch: this.#claim.epoch };
  }

  /** @param cutAt when the commit that renewed it was cut, local ms */
  renewed(cutAt: number): void {
    this.#renewedAt = cutAt;
  }

  /** Another owner lives. */
  lost(head: Head): void {
    this.#lostTo = head;
  }

  /** Whether the store shows the claim as this owner's. A follower that heard of it may have raised the fence alone. */
  isShownIn({ fence, owner }: Head, epoch: number): boolean {
    return fence === epoch && owner === this.id;
  }

  /**
   * A fence that rose without another owner, or was lost, only asks for a new claim.
   * @throws TandemError `FENCED` where another has claimed
   */
  requireNotTakenOver(space: string, head: Head, epoch: number): void {
    const { fence, owner, ownerName } = head;
    if (fence <= epoch || owner === this.id) return;
    this.#lostTo = head;
    throw fencedError(space, ownerName, fence);
  }
}

export function fencedError(space: string, owner: string, epoch: number): TandemError {
  return new TandemError('FENCED', `space "${space}" was taken over by "${owner}" with epoch ${epoch}`);
}
