/**
 * Lease: the claim that this owner has on its space, and the time that the claim still runs. No clock, no
 * I/O.
 *
 * Invariant: it never shows more than the store has granted. A lease runs from just before the store was
 * asked to renew it, and not from the reply.
 *
 * An owner that did not run for a while, since its process was stopped or its machine slept, cannot know
 * whether another has claimed meanwhile. Whoever uses the lease calls `runs` first, which notices a stop:
 *
 *   the machine slept           how long is known only roughly, so nothing is left of the lease
 *   a stop past the lease's end its claim is in doubt: this owner's state may be a superseded one
 *
 * Only a renewal that was asked for after the stop mends either. A store that is out while the owner runs
 * puts nothing in doubt: then no other can claim through it either.
 *
 *   none      the store has granted nothing
 *   granted   the store has granted an epoch: its lease has to be given up, but no commit may use it
 *   held      the ledger is in that epoch: commits may use it. Once the claim no longer stands: granted
 */
import { TandemError } from '../base/errors.ts';
import type { Head } from '../ports/store.ts';

/** A stop or a sleep of this share of the lease may have lasted past its end: the renewal came before. */
const STOP_SHARE = 1 / 2;
const MAX_PULSE_MS = 250;

/** The claim: see the head of this file. */
type Claim =
  | { readonly is: 'none' }
  | { readonly is: 'granted'; readonly epoch: number }
  | { readonly is: 'held'; readonly epoch: number };

export class Lease {
  /** The id of this owner in the store. */
  readonly id: string;
  /** The length of a lease from its renewal on, ms. */
  readonly ms: number;
  #claim: Claim = { is: 'none' };
  #renewedAt = -Infinity;
  /** When this owner was last known to run, on `Time`, ms; NaN before the first time. */
  #ranAt = NaN;
  /** A renewal that was asked for before this time leaves nothing of the lease, on `Time`, ms. */
  #voidBefore = -Infinity;
  /** A renewal that was asked for before this time leaves the claim in doubt, on `Time`, ms. */
  #doubtBefore = -Infinity;
  #doubtedFrom = Infinity;
  #lostTo: Head | undefined;

  constructor(id: string, ms: number) {
    this.id = id;
    this.ms = ms;
  }

  /** The epoch whose lease has to be given up; 0 where there is none. */
  get epoch(): number {
    return this.#claim.is === 'none' ? 0 : this.#claim.epoch;
  }

  /** Whether the claim stands, as far as is known here. */
  get isHeld(): boolean {
    return this.#claim.is === 'held';
  }

  /** The store's head when another owner was found to have the space. */
  get lostTo(): Head | undefined {
    return this.#lostTo;
  }

  /** The rest of the lease, as far as is known here, ms. */
  leftMs(now: number): number {
    if (this.#renewedAt < this.#voidBefore) return 0;
    return Math.max(0, this.#renewedAt + this.ms - now);
  }

  /** Whether the process was stopped past the end of the lease, and the store has not confirmed it since. */
  get isInDoubt(): boolean {
    return this.#renewedAt < this.#doubtBefore;
  }

  /** When the doubt was noticed, on `Time`, ms; Infinity where there is none. */
  get doubtedFrom(): number {
    return this.isInDoubt ? this.#doubtedFrom : Infinity;
  }

  /** The time of the last renewal: this owner surely had the space then, on `Time`, ms. */
  get renewedAt(): number {
    return this.#renewedAt;
  }

  /**
   * The owner runs at this moment. Call it before the lease is used, and at least every `pulseMs`.
   * @param wokeAt when the machine last woke up, on `Time`, ms
   */
  runs(now: number, wokeAt: number): void {
    const hasSlept = wokeAt > this.#voidBefore;
    const isLong = hasSlept ? now - this.#renewedAt >= this.ms * STOP_SHARE : this.#hasStopped(now);
    this.#ranAt = now;
    this.#voidBefore = wokeAt;
    if (!isLong || this.leftMs(now) > 0) return;
    if (!this.isInDoubt) this.#doubtedFrom = now;
    // planted: doubt
    this.#doubtBefore = now;
  }

  /** While the store is out the lease runs out, and then a timer that is late is no stop. */
  #hasStopped(now: number): boolean {
    const isRunning = this.leftMs(this.#ranAt) > 0;
    return now - this.#ranAt >= (isRunning ? this.ms * STOP_SHARE : this.ms);
  }

  /** How often `runs` has to be called, ms. */
  get pulseMs(): number {
    return Math.min(MAX_PULSE_MS, this.ms / 8);
  }

  /** The store has granted this epoch. */
  granted(epoch: number): void {
    this.#claim = { is: 'granted', epoch };
  }

  /** The ledger is in the granted epoch: commits may use it. */
  hold(): void {
    if (this.#claim.is === 'granted') this.#claim = { is: 'held', epoch: this.#claim.epoch };
  }

  /** The claim no longer stands: the next catch-up claims again. */
  loosen(): void {
    if (this.#claim.is === 'held') this.#claim = { is: 'granted', epoch: this.#claim.epoch };
  }

  /** @param cutAt the time just before the store was asked to renew, on `Time`, ms */
  renewed(cutAt: number): void {
    this.#renewedAt = cutAt;
  }

  /** Another owner has the space. */
  lost(head: Head): void {
    this.#lostTo = head;
  }

  /**
   * Whether the store shows this owner's claim of `epoch`. A follower that knows the epoch may raise the
   * fence alone.
   */
  isShownIn({ fence, owner }: Head, epoch: number): boolean {
    return fence === epoch && owner === this.id;
  }

  /**
   * Checks that nobody else has claimed. A fence that rose without another owner, or fell, needs a new
   * claim only.
   * @throws TandemError `FENCED` where another owner has claimed
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
