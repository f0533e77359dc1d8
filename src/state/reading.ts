/**
 * A reading: a value, and the proof of how current the value is.
 *
 * A reading keeps the proof under which it was made, so a reading that a caller keeps does not stay `live`:
 * it ages with its proof, even while its follower gets newer ones. Position and freshness are computed by
 * their getters.
 */
import type { Entry } from './revision-map.ts';
import { printPosition } from './position.ts';

export type Freshness = 'live' | 'stale';
export type Source = 'redis' | 'direct' | 'memory';

/** A proof: how current a process's copy of the state is, computed at each call. */
export interface Proof {
  readonly source: Source;
  /** Time since the owner last proved this state current, ms; Infinity when it never did. */
  staleMs(): number;
  freshness(): Freshness;
  ownerAlive(): boolean;
  /**
   * The rest of the owner's lease, ms: without another sign of life the owner counts as gone then. 0 when it
   * is.
   */
  leaseMs(): number;
}

export class Reading<K extends string = string, V = unknown> {
  readonly key: K;
  /** Frozen; `undefined` when the key holds nothing. */
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

  /** Whether this reading was made under `proof`. */
  isUnder(proof: Proof): boolean {
    return this.#proof === proof;
  }

  /** The position of the key's last change; `0-0` when it never changed. */
  get position(): string {
    return printPosition({ epoch: this.#epoch, revision: this.#revision });
  }

  /** `live`: the reading misses nothing that was set longer ago than the staleness bound. Else `stale`. */
  get freshness(): Freshness {
    return this.#proof.freshness();
  }

  /** Time since the owner last proved this state current, ms; never the age of the value. */
  get staleMs(): number {
    return this.#proof.staleMs();
  }

  /** The path that keeps the state current; `memory` when there is none. */
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

/** The reading of an entry under a proof: the same object for as long as neither has changed. */
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
