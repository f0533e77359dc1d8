/**
 * A reading: a value, and what is known of its truth.
 *
 * A reading keeps the proof it was made under. Kept for a while, it does not stay `live`: it is as old as its
 * proof, whatever its follower has learned since. What is seldom asked for is computed when asked.
 */
import type { Entry } from './revision-map.ts';
import { printPosition } from './position.ts';

export type Freshness = 'live' | 'stale';
export type Source = 'redis' | 'direct' | 'memory';

/** What a process knows of the truth of its state at one moment. */
export interface Proof {
  readonly source: Source;
  /** Time since the owner last proved this state current, ms. */
  staleMs(): number;
  freshness(): Freshness;
  ownerAlive(): boolean;
  /** For how long the owner may still be taken for alive without another sign of it, ms; 0 when it may not. */
  leaseMs(): number;
}

export class Reading<K extends string = string, V = unknown> {
  readonly key: K;
  /** `undefined` when the key holds nothing. Frozen. */
  readonly value: V | undefined;
  readonly #epoch: number;
  readonly #revision: number;
  readonly #proof: Proof;

  constructor(key: K, entry: Entry<unknown> | undefined, value: V | undefined, proof: Proof) {
    this.key = key;
    this.value = value;
    this.#epoch = entry?.epoch ?? 0;
    this.#revision = entry?.revision ?? 0;
    this.#proof = proof;
  }

  /** Whether it was made under this proof. */
  isUnder(proof: Proof): boolean {
    return this.#proof === proof;
  }

  /** Where the key last changed; `0-0` when it never did. */
  get position(): string {
    return printPosition({ epoch: this.#epoch, revision: this.#revision });
  }

  /** `live`: misses nothing that was set longer ago than the staleness bound. */
  get freshness(): Freshness {
    return this.#proof.freshness();
  }

  /** Time since the owner last proved this state current, ms; never the age of the value. */
  get staleMs(): number {
    return this.#proof.staleMs();
  }

  /** The way by which the state is kept current; `memory` when there is none. */
  get source(): Source {
    return this.#proof.source;
  }

  /** Whether the owner gave a sign of life within its lease time. */
  get ownerAlive(): boolean {
    return this.#proof.ownerAlive();
  }

  toJSON(): Record<string, unknown> {
    const { key, value, position, freshness, staleMs, source, ownerAlive } = this;
    return { key, value, position, freshness, staleMs, source, ownerAlive };
  }
}

/** The reading of an entry under a proof; the same one again, for as long as neither has changed. */
export function readingOf<K extends string, V>(
  key: K,
  entry: Entry<unknown> | undefined,
  value: V | undefined,
  proof: Proof,
): Reading<K, V> {
  const known = entry?.memo as Reading<K, V> | undefined;
  if (known?.isUnder(proof)) return known;
  const reading = new Reading(key, entry, value, proof);
  if (entry) entry.memo = reading;
  return reading;
}
