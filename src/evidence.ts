/**
 * What a follower has to show for its state: when it was last proven current, and when its owner last lived.
 *
 * All times in here are on this process's own clock. A proof comes with the time of the cut on another clock,
 * and is turned into ours by that clock's bounds, its error counted against us; from then on it only grows old.
 */
import type { ServerClock } from './clock.ts';
import type { Proof, Source } from './reading.ts';
import type { Time } from './time.ts';

export class Evidence {
  readonly #time: Time;
  readonly #boundMs: number;
  #provenAt = -Infinity;
  #heardAt = -Infinity;
  #aliveUntil = -Infinity;
  #source: Source = 'memory';
  #proof: Proof;

  /** @param boundMs a state proven longer ago is stale */
  constructor(time: Time, boundMs: number) {
    this.#time = time;
    this.#boundMs = boundMs;
    this.#proof = this.#prove();
  }

  /** What is known now; a reading keeps it. */
  get proof(): Proof {
    return this.#proof;
  }

  /** For how long nothing was heard from the owner, ms. */
  get silentMs(): number {
    return this.#time.now() - this.#heardAt;
  }

  /** The owner has cut the state that is here at `cutAt` of that clock. */
  prove(cutAt: number, clock: ServerClock): void {
    this.#heardAt = this.#time.now();
    this.#provenAt = Math.max(this.#provenAt, this.#here(cutAt, clock));
    this.#proof = this.#prove();
  }

  /** At `at` of that clock the owner held its lease for so long; with 0 it had none. */
  lease(leaseMs: number, at: number, clock: ServerClock): void {
    this.#aliveUntil = leaseMs > 0 ? this.#here(at, clock) + leaseMs : -Infinity;
    this.#proof = this.#prove();
  }

  /** By which way the state is kept current from now on. */
  comesFrom(source: Source): void {
    this.#source = source;
    this.#proof = this.#prove();
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
    };
  }

  /** A time of another clock on ours: not after this. */
  #here(at: number, clock: ServerClock): number {
    return this.#time.now() - Math.max(0, clock.latest() - at);
  }

  #prove(): Proof {
    const time = this.#time;
    const boundMs = this.#boundMs;
    const provenAt = this.#provenAt;
    const aliveUntil = this.#aliveUntil;
    const staleMs = (): number => time.now() - provenAt;
    return {
      source: this.#source,
      staleMs,
      freshness: () => (staleMs() <= boundMs ? 'live' : 'stale'),
      ownerAlive: () => time.now() < aliveUntil,
    };
  }
}
