/**
 * The follower's copy of a space: state, position and line. Pure. Which frames may be applied, admission
 * decides (`src/follower/admission.ts`).
 *
 * Invariant: the position moves with the changes that lead to it, in one call.
 */
import type { Line, Position } from './position.ts';
import { isSame, reaches, ZERO } from './position.ts';
import type { Entry } from './revision-map.ts';
import { RevisionMap } from './revision-map.ts';

/** A change whose value was read through its schema. */
export interface ReadChange {
  readonly key: string;
  readonly revision: number;
  /** `undefined` is a delete. */
  readonly value: unknown;
}

/** A set of keys, or a map with keys. */
type Keys = Pick<ReadonlySet<string>, 'has' | 'size'>;

export class Replica {
  #map = new RevisionMap<unknown>();
  #line: Line = { epoch: 0, base: ZERO };
  #position: Position = ZERO;
  #correctedAt: Position | undefined;

  get position(): Position {
    return this.#position;
  }

  /**
   * The position at which this copy was last found wrong: a reader at exactly this position must start over.
   */
  get correctedAt(): Position | undefined {
    return this.#correctedAt;
  }

  get size(): number {
    return this.#map.size;
  }

  get(key: string): Entry<unknown> | undefined {
    return this.#map.get(key);
  }

  entries(): Iterable<Entry<unknown>> {
    return this.#map.entries();
  }

  /**
   * The entries that changed after a position, oldest change first; `undefined` where a reader cannot go on
   * from there. A full sync brings no deletes, so a reader from before the last full sync cannot go on
   * either.
   */
  entriesSince(from: Position): Entry<unknown>[] | undefined {
    const { revision } = this.#position;
    const extent = { line: this.#line, revision, horizon: this.#map.horizon };
    return reaches(extent, from) ? this.#map.since(from.revision) : undefined;
  }

  /**
   * Applies changes on top of this copy, as one step. Changes at or below the current revision are skipped.
   * @param changes in revision order
   * @returns the changes that were applied
   */
  advance(to: Line & { readonly revision: number }, changes: readonly ReadChange[]): readonly ReadChange[] {
    const from = this.#position.revision;
    // The changes are in order, and nearly always all new.
    const isFresh = changes.length === 0 || changes[0]!.revision > from;
    // planted: fresh
    const fresh = isFresh ? changes : changes.filter(({ revision }) => revision > from);
    this.#moveTo(to);
    for (const { key, value, revision } of fresh)
      this.#map.set(key, value, revision, this.#epochOf(revision));
    return fresh;
  }

  /**
   * Puts a whole state in place of this one.
   * @param kept keys whose new values could not be read: their last values stay
   * @returns the changes of all keys that differ between the old state and the new one
   */
  replace(
    to: Line & { readonly revision: number },
    changes: readonly ReadChange[],
    kept: Keys = new Set(),
  ): ReadChange[] {
    const old = this.#map;
    const before = this.#position;
    const whole = kept.size === 0 ? changes : withKept(old, changes, kept);
    // planted: replace
    this.#map = new RevisionMap<unknown>();
    this.#moveTo(to);
    for (const { key, value, revision } of whole)
      this.#map.set(key, value, revision, this.#epochOf(revision));
    const gone = [...old.entries()].filter(({ key }) => this.#map.get(key) === undefined);
    const changed = [
      ...changes.filter(({ key, revision, value }) => isChanged(old.get(key), revision, value)),
      ...gone.map(({ key }) => ({ key, value: undefined, revision: to.revision })),
    ];
    this.#map.forgetUpTo(to.revision);
    if (changed.length > 0 && isSame(before, this.#position)) this.#correctedAt = { ...before };
    return changed;
  }

  #moveTo(to: Line & { readonly revision: number }): void {
    if (to.epoch !== this.#line.epoch) this.#line = { epoch: to.epoch, base: to.base };
    // planted: place
    this.#position = { epoch: to.epoch, revision: to.revision };
  }

  #epochOf(revision: number): number {
    return revision > this.#line.base.revision ? this.#line.epoch : this.#line.base.epoch;
  }
}

/** The changes, and the last values of the kept keys, in revision order. */
function withKept(old: RevisionMap<unknown>, changes: readonly ReadChange[], kept: Keys): ReadChange[] {
  const used = new Set(changes.map(({ revision }) => revision));
  // Two entries cannot share a revision: where another change has a kept entry's revision now, the entry is
  // dropped.
  const still = [...old.entries()].filter(({ key, revision }) => kept.has(key) && !used.has(revision));
  return [...changes, ...still].toSorted((a, b) => a.revision - b.revision);
}

function isChanged(old: Entry<unknown> | undefined, revision: number, value: unknown): boolean {
  if (old === undefined) return value !== undefined;
  return old.revision !== revision || JSON.stringify(old.value) !== JSON.stringify(value);
}
