/**
 * How fresh a follower's state is: when it was last proven current, by which path, and until when its owner is alive.
 *
 * All times in here are on this process's own clock. A proof comes with the time of the cut on another clock. That
 * clock's bounds turn it into a time of ours, with the error counted against us; from then on the proof only ages.
 */
import type { ServerClock } from '../base/clock.ts';
import type { Frame } from '../state/frame.ts';
import type { Freshness, Proof, Source } from '../state/reading.ts';
import type { Time } from '../base/time.ts';

/** The part of a frame that proves something of its owner: `leaseMs` is 0 with a goodbye. */
type OwnerProof = Pick<Frame, 'cutAt' | 'epoch' | 'leaseMs' | 'publishedAt'>;

export class FreshnessTracker {
  readonly #time: Time;
  readonly #boundMs: number;
  #provenAt = -Infinity;
  /** Whose state was proven. */
  #epoch = 0;
  #aliveUntil = -Infinity;
  #isRedisConnected = false;
  #isDirectUp = false;
  #hasSynced = false;
  #proof: Proof;

  /** @param boundMs a state proven longer ago is stale */
  constructor(time: Time, boundMs: number) {
    this.#time = time;
    this.#boundMs = boundMs;
    this.#proof = new ProofNow(time, 'memory', this.#provenAt, boundMs, this.#aliveUntil);
  }

  /** The proof as of now; a reading keeps it. */
  get proof(): Proof {
    return this.#proof;
  }

  /** Whether the state was current once, by whichever path. */
  get hasSynced(): boolean {
    return this.#hasSynced;
  }

  /** Whether Redis keeps the state current from now on. */
  redis(isConnected: boolean): void {
    this.#isRedisConnected = isConnected;
    this.#sourceChanged();
  }

  /** Whether the direct path keeps it current from now on. */
  direct(isUp: boolean): void {
    this.#isDirectUp = isUp;
    this.#sourceChanged();
  }

  /**
   * The owner of this epoch has cut the state that is here at `cutAt` of that clock. A proof of another owner's state
   * says nothing about this one. In epoch 0 nobody has claimed, or committed: that proves nothing.
   */
  prove(cutAt: number, epoch: number, clock: ServerClock): void {
    if (epoch === 0) return;
    this.#prove(this.#here(cutAt, clock), epoch);
    this.#renew();
  }

  /** The state is no longer proven: it is stale until the next proof. */
  disprove(): void {
    this.#provenAt = Math.min(this.#provenAt, this.#time.now() - this.#boundMs - 1);
    this.#renew();
  }

  /** At `at` of that clock the owner held its lease for so long; with 0 it had none. */
  lease(leaseMs: number, at: number, clock: ServerClock): void {
    this.#aliveUntil = leaseMs > 0 ? this.#here(at, clock) + leaseMs : -Infinity;
    this.#renew();
  }

  /** Takes both from a frame. Every update comes by here, so it reads the clock once. */
  heard({ cutAt, epoch, leaseMs, publishedAt }: OwnerProof, clock: ServerClock): void {
    if (epoch === 0) return;
    const now = this.#time.now();
    const latest = clock.latest(now);
    this.#prove(here(cutAt, now, latest), epoch);
    this.#aliveUntil = leaseMs > 0 ? here(publishedAt, now, latest) + leaseMs : -Infinity;
    this.#renew();
  }

  /** The proof of a key whose newer value could not be read: it is stale since then. */
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

  get #source(): Source {
    if (this.#isDirectUp) return 'direct';
    return this.#isRedisConnected ? 'redis' : 'memory';
  }

  #sourceChanged(): void {
    this.#hasSynced ||= this.#isRedisConnected || this.#isDirectUp;
    this.#renew();
  }

  #renew(): void {
    this.#proof = new ProofNow(this.#time, this.#source, this.#provenAt, this.#boundMs, this.#aliveUntil);
  }
}

/** A time of another clock on ours: not after `now`, when that clock says `latest` at most. */
function here(at: number, now: number, latest: number): number {
  // planted: proof-time
  return now - Math.max(0, latest - at);
}

/** A proof whose age is computed when it is asked. Each frame makes one, so it is one object and no more. */
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
    // planted: staleness
    return this.staleMs() <= this.#boundMs ? 'live' : 'stale';
  }

  ownerAlive(): boolean {
    return this.#time.now() < this.#aliveUntil;
  }

  leaseMs(): number {
    return Math.max(0, this.#aliveUntil - this.#time.now());
  }
}
