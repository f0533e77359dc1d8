/**
 * What a follower has to show for its state: when it was last proven current, and when its owner last lived.
 *
 * All times in here are on this process's own clock. A proof comes with the time of the cut on another clock,
 * and is turned into ours by that clock's bounds, its error counted against us; from then on it only grows old.
 */
import type { ServerClock } from '../base/clock.ts';
import type { Frame } from '../state/frame.ts';
import type { Freshness, Proof, Source } from '../state/reading.ts';
import type { Time } from '../base/time.ts';

/** What a frame says of its owner: `leaseMs` is 0 with a goodbye. */
type Said = Pick<Frame, 'cutAt' | 'epoch' | 'leaseMs' | 'publishedAt'>;

export class FreshnessTracker {
  readonly #time: Time;
  readonly #boundMs: number;
  #provenAt = -Infinity;
  /** Whose state was proven. */
  #epoch = 0;
  #aliveUntil = -Infinity;
  #source: Source = 'memory';
  #proof: Proof;

  /** @param boundMs a state proven longer ago is stale */
  constructor(time: Time, boundMs: number) {
    this.#time = time;
    this.#boundMs = boundMs;
    this.#proof = new ProofNow(time, this.#source, this.#provenAt, boundMs, this.#aliveUntil);
  }

  /** What is known now; a reading keeps it. */
  get proof(): Proof {
    return this.#proof;
  }

  /**
   * The owner of this epoch has cut the state that is here at `cutAt` of that clock. What another owner has proven of
   * another state says nothing about this one. In epoch 0 nobody has claimed, or committed: that proves nothing.
   */
  prove(cutAt: number, epoch: number, clock: ServerClock): void {
    if (epoch === 0) return;
    this.#prove(this.#here(cutAt, clock), epoch);
    this.#renew();
  }

  /** At `at` of that clock the owner held its lease for so long; with 0 it had none. */
  lease(leaseMs: number, at: number, clock: ServerClock): void {
    this.#aliveUntil = leaseMs > 0 ? this.#here(at, clock) + leaseMs : -Infinity;
    this.#renew();
  }

  /** What a frame says of both. It comes with every update, and needs no more than one look at the clock. */
  said({ cutAt, epoch, leaseMs, publishedAt }: Said, clock: ServerClock): void {
    if (epoch === 0) return;
    const now = this.#time.now();
    const latest = clock.latest(now);
    this.#prove(here(cutAt, now, latest), epoch);
    this.#aliveUntil = leaseMs > 0 ? here(publishedAt, now, latest) + leaseMs : -Infinity;
    this.#renew();
  }

  /** By which way the state is kept current from now on. */
  comesFrom(source: Source): void {
    this.#source = source;
    this.#renew();
  }

  /** Proof of what is known to be old: nothing newer could be read since. */
  proofSince(outdatedAt: number): Proof {
    const time = this.#time;
    const proof = this.#proof;
    return {
      source: proof.source,
      staleMs: () => Math.max(proof.staleMs(), time.now() - outdatedAt),
      freshness: () => 'stale',
      ownerAlive: () => proof.ownerAlive(),
      leaseMs: () => proof.leaseMs(),
    };
  }

  #here(at: number, clock: ServerClock): number {
    const now = this.#time.now();
    return here(at, now, clock.latest(now));
  }

  #prove(provenAt: number, epoch: number): void {
    this.#provenAt = epoch === this.#epoch ? Math.max(this.#provenAt, provenAt) : provenAt;
    this.#epoch = epoch;
  }

  #renew(): void {
    this.#proof = new ProofNow(this.#time, this.#source, this.#provenAt, this.#boundMs, this.#aliveUntil);
  }
}

/** A time of another clock on ours: not after `now`, when that clock says `latest` at most. */
function here(at: number, now: number, latest: number): number {
  return now - Math.max(0, latest - at);
}

/** A proof as old as it is when it is asked. One is made with each frame, so it is one object and no more. */
class ProofNow implements Proof {
  readonly source: Source;
  readonly #time: Time;
  readonly #provenAt: number;
  readonly #boundMs: number;
  readonly #aliveUntil: number;

  constructor(time: Time, source: Source, provenAt: number, boundMs: number, aliveUntil: number) {
    this.#time = time;
    this.source = source;
    this.#provenAt = provenAt;
    this.#boundMs = boundMs;
    this.#aliveUntil = aliveUntil;
  }

  staleMs(): number {
    return this.#time.now() - this.#provenAt;
  }

  freshness(): Freshness {
    return this.staleMs() <= this.#boundMs ? 'live' : 'stale';
  }

  ownerAlive(): boolean {
    return this.#time.now() < this.#aliveUntil;
  }

  leaseMs(): number {
    return Math.max(0, this.#aliveUntil - this.#time.now());
  }
}
