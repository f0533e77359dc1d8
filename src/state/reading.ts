/**
 * A reading: a value, and the proof of how current the value is.
 *
 * A reading keeps the proof under which it was made, so a reading that a caller keeps does not stay `live`:
 * it ages with its proof, even while its follower gets newer ones.
 *
 * A reading is a frozen plain object. Its fields are its own and enumerable, and those that change with time
 * are getters. So a spread, a clone, JSON or a log is a snapshot of all fields, and no reader can change what
 * another one is shown. The proof is in a private field, which no copy has.
 */
import type { Entry } from './entry.ts';
import { printPosition } from './position.ts';
import { opened, Unfrozen } from './value.ts';

/** Whether a reading is proven to be within the staleness bound (`live`), or not (`stale`). */
export type Freshness = 'live' | 'stale';
/** The path that keeps a state current: Redis, the direct path to its owner, or this process's memory alone. */
export type Source = 'redis' | 'direct' | 'memory';
/**
 * How the owner of a space stands. `alive`: it gave a sign of life within its lease. `released`: it stopped
 * with all of its changes committed, and gave up its lease. `lost`: its lease has run out, or it gave it up
 * with changes uncommitted. `never`: nobody was ever heard to own the space.
 */
export type OwnerState = 'alive' | 'released' | 'lost' | 'never';

/** A proof: how current a process's copy of the state is, computed at each call. */
export interface Proof {
  readonly source: Source;
  /** Time since the owner last proved this state current, ms; Infinity when it never did. */
  staleMs(): number;
  freshness(): Freshness;
  /** Whether `owner()` is `alive`. */
  ownerAlive(): boolean;
  owner(): OwnerState;
  /**
   * The moment from which on it is stale without another proof, on `Time`, ms; Infinity where time alone does
   * not make it stale.
   */
  staleFrom(): number;
  /** The same for the owner, which counts as lost from then on. */
  lostFrom(): number;
  /**
   * The rest of the owner's lease, ms: without another sign of life the owner counts as gone then. 0 when it
   * is.
   */
  leaseMs(): number;
}

/** A value and the proof of how current it is: a frozen object, safe to spread, clone, send and log. */
export interface Reading<K extends string = string, V = unknown> {
  /** The key. */
  readonly key: K;
  /** Frozen; `undefined` when the key holds nothing. */
  readonly value: V | undefined;
  /** The position of the key's last change; `0-0` when it never changed, or was deleted long ago. */
  readonly position: string;
  /**
   * When the key was last set or deleted, ms since 1970 on the clock of the Redis server. Exact in the frame that
   * brings the change; later wrong by at most 1 % of its age. `undefined` where it is not known: for a key that
   * never changed, before this process has heard from Redis, and for what an owner without such times has set.
   */
  readonly changedAt: number | undefined;
  /** `live`: the reading misses nothing that was set longer ago than the staleness bound. Else `stale`. */
  readonly freshness: Freshness;
  /** Time since the owner last proved this state current, ms; never the age of the value. */
  readonly staleMs: number;
  /** The path that keeps the state current; `memory` when there is none. */
  readonly source: Source;
  /** Whether the owner gave a sign of life within its lease time: whether `owner` is `alive`. */
  readonly ownerAlive: boolean;
  /** How the owner stands: `alive`, `released`, `lost` or `never`. */
  readonly owner: OwnerState;
}

/** The fields that are fixed as the reading is made. */
type Fixed = 'key' | 'value' | 'position' | 'changedAt' | 'source';

/** Returns when a revision was set, on the server's clock, ms; `undefined` where that is not known. */
export type TimeOf = (revision: number) => number | undefined;

/** A function that computes a field of a reading, which is its `this`. */
type Getter<T> = (this: Proven) => T;

/** A class whose constructor returns the object that it is given: a subclass adds private fields to it. */
const Adopted = function (object: object): object {
  return object;
} as unknown as new (object: object) => object;

/** A reading with its proof. */
class Proven extends Adopted {
  readonly #proof: Proof;

  constructor(reading: object, proof: Proof) {
    super(reading);
    this.#proof = proof;
  }

  static isUnder(reading: Proven, proof: Proof): boolean {
    return reading.#proof === proof;
  }

  /** The fields that are computed when they are read. All readings share these functions. */
  static readonly getters: { readonly [F in Exclude<keyof Reading, Fixed>]: Getter<Reading[F]> } = {
    freshness() {
      return this.#proof.freshness();
    },
    staleMs() {
      return this.#proof.staleMs();
    },
    ownerAlive() {
      return this.#proof.ownerAlive();
    },
    owner() {
      return this.#proof.owner();
    },
  };
}

const { freshness, staleMs, ownerAlive, owner } = Proven.getters;

/** Costs two thirds of `Object.defineProperty`, and is part of ECMAScript (B.2.2.2). */
const { __defineGetter__: defineGetter } = Object.prototype as unknown as {
  readonly __defineGetter__: (this: object, name: string, get: Getter<unknown>) => void;
};

/** Node's `util.inspect.custom`, which `console.log` calls: else it shows getters as `[Getter]`. */
const INSPECT = Symbol.for('nodejs.util.inspect.custom');

/** A snapshot as a log shows it. It is no enumerable field, so that no copy has it. */
const SNAPSHOT: PropertyDescriptor = {
  value(this: Reading): object {
    return { ...this };
  },
};

/** Makes a reading. It costs half a microsecond, nearly all of it for the getters. */
export function newReading<K extends string, V>(
  key: K,
  entry: Pick<Entry<unknown>, 'epoch' | 'revision'> | undefined,
  value: V | undefined,
  changedAt: number | undefined,
  proof: Proof,
): Reading<K, V> {
  const position = entry === undefined ? '0-0' : printPosition(entry);
  const reading = { key, value, position, changedAt };
  return Object.freeze(completed(reading, proof)) as Reading<K, V>;
}

/** Adds the proof and its fields. The order of these lines is the order of the fields in JSON and logs. */
function completed(reading: object, proof: Proof): object {
  // The private field comes before the freezing: a frozen object may refuse private fields one day.
  const proven: object & { source?: Source } = new Proven(reading, proof);
  defineGetter.call(proven, 'freshness', freshness);
  defineGetter.call(proven, 'staleMs', staleMs);
  proven.source = proof.source;
  defineGetter.call(proven, 'ownerAlive', ownerAlive);
  defineGetter.call(proven, 'owner', owner);
  return Object.defineProperty(proven, INSPECT, SNAPSHOT);
}

/**
 * The reading of an entry under a proof: the same object for as long as neither has changed, unless its value
 * cannot be frozen.
 * @param held the value as `readValue` returned it
 */
export function readingOf<K extends string, V>(
  key: K,
  entry: Entry<unknown> | undefined,
  held: unknown,
  timeOf: TimeOf,
  proof: Proof,
): Reading<K, V> {
  const known = entry?.memo as (Reading<K, V> & Proven) | undefined;
  const isOf = known !== undefined && Proven.isUnder(known, proof);
  if (isOf && known.changedAt !== undefined) return known;
  const changedAt = entry && timeOf(entry.revision);
  if (isOf && changedAt === undefined) return known;
  if (held instanceof Unfrozen) return newReading(key, entry, held.fresh() as V, changedAt, proof);
  const reading = newReading(key, entry, held as V | undefined, changedAt, proof);
  if (entry) entry.memo = reading;
  return reading;
}

/** A key's entry with its value and its proof: a reading in the making, for code that reads whole states. */
export class Row<K extends string = string, V = unknown> {
  readonly key: K;
  readonly value: V | undefined;
  readonly epoch: number;
  readonly revision: number;
  readonly proof: Proof;
  readonly #timeOf: TimeOf;

  /** @param held the value as `readValue` returned it */
  constructor(key: K, entry: Entry<unknown>, held: unknown, timeOf: TimeOf, proof: Proof) {
    this.#timeOf = timeOf;
    this.key = key;
    this.value = opened(held) as V | undefined;
    this.epoch = entry.epoch;
    this.revision = entry.revision;
    this.proof = proof;
  }

  get position(): string {
    return printPosition(this);
  }

  get changedAt(): number | undefined {
    return this.#timeOf(this.revision);
  }

  get reading(): Reading<K, V> {
    return newReading(this.key, this, this.value, this.changedAt, this.proof);
  }
}
