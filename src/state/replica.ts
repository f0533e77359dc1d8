/**
 * The follower's copy of a space: state, position and line. Pure. Which frames may be applied, admission
 * decides (`src/follower/admission.ts`).
 *
 * Invariant: the position moves with the changes that lead to it, in one call.
 */
import { detached } from '../base/detached.ts';
import type { Line, Position } from './position.ts';
import { isSame, reaches, ZERO } from './position.ts';
import type { Entry, Snapshot } from './revision-map.ts';
import { RevisionMap } from './revision-map.ts';
import { isSameValue } from './value.ts';

/** A change whose value was read through its schema. */
export interface ReadChange {
  readonly key: string;
  readonly revision: number;
  /** `undefined` is a delete. */
  readonly value: unknown;
  /** The key's part in the digest. */
  readonly hash: number;
}

/** A change whose value could not be read: the key keeps its last value. */
export type UnreadChange = Omit<ReadChange, 'value'>;

const NONE: readonly UnreadChange[] = [];

export class Replica {
  readonly #tombstoneLimit: number | undefined;
  #map: RevisionMap<unknown>;
  #line: Line = { epoch: 0, base: ZERO };
  #position: Position = ZERO;
  #correctedAt: Position | undefined;
  /** The hashes of the newest values that could not be read. Those values count in the digest, too. */
  readonly #unread = new Map<string, number>();

  /** @param tombstoneLimit as in `RevisionMap` */
  constructor(tombstoneLimit?: number) {
    this.#tombstoneLimit = tombstoneLimit;
    this.#map = new RevisionMap<unknown>(tombstoneLimit);
  }

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

  /** The digest of the state that was received: that of the owner at this position, if nothing is wrong. */
  get digest(): number {
    if (this.#unread.size === 0) return this.#map.digest;
    return [...this.#unread.values()].reduce((sum, hash) => (sum + hash) | 0, this.#map.digest) >>> 0;
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
    return this.canContinue(from) ? this.#map.since(from.revision) : undefined;
  }

  /** Whether `entriesSince` has an answer. */
  canContinue(from: Position): boolean {
    const { revision } = this.#position;
    return reaches({ line: this.#line, revision, horizon: this.#map.horizon }, from);
  }

  /** The entries that changed after `revision`, tombstones too, for a walk in slices: see `RevisionMap`. */
  snapshot(revision = 0): Snapshot<unknown> {
    return this.#map.snapshot(revision);
  }

  /**
   * Applies changes on top of this copy, as one step. Changes at or below the current revision are skipped.
   * @param changes in revision order
   * @param unread the changes whose values could not be read
   * @returns the changes that were applied
   */
  advance(
    to: Line & { readonly revision: number },
    changes: readonly ReadChange[],
    unread = NONE,
  ): readonly ReadChange[] {
    const from = this.#position.revision;
    // The changes are in order, and nearly always all new.
    const isFresh = changes.length === 0 || changes[0]!.revision > from;
    // planted: fresh
    const fresh = isFresh ? changes : changes.filter(({ revision }) => revision > from);
    this.#moveTo(to);
    this.#setAll(fresh);
    for (const { key, revision, hash } of unread) if (revision > from) this.#noteUnread(key, hash);
    return fresh;
  }

  /**
   * Puts a whole state in place of this one.
   * @param unread the changes whose values could not be read: the last values of their keys stay
   * @returns the changes of all keys that differ between the old state and the new one
   */
  replace(
    to: Line & { readonly revision: number },
    changes: readonly ReadChange[],
    unread = NONE,
  ): ReadChange[] {
    const old = this.#map;
    const before = this.#position;
    const whole = unread.length === 0 ? changes : withKept(old, changes, unread);
    this.#unread.clear();
    // planted: replace
    this.#map = new RevisionMap<unknown>(this.#tombstoneLimit);
    this.#moveTo(to);
    this.#setAll(whole);
    for (const { key, hash } of unread) this.#noteUnread(key, hash);
    const gone = [...old.entries()].filter(({ key }) => this.#map.get(key) === undefined);
    const changed = [
      ...changes.filter(({ key, revision, value }) => isChanged(old.get(key), revision, value)),
      ...gone.map(({ key }) => ({ key, value: undefined, revision: to.revision, hash: 0 })),
    ];
    this.#map.forgetUpTo(to.revision);
    if (changed.length > 0 && isSame(before, this.#position)) this.#correctedAt = { ...before };
    return changed;
  }

  #setAll(changes: readonly ReadChange[]): void {
    for (const { key, value, revision, hash } of changes) {
      this.#map.set(key, value, revision, this.#epochOf(revision), NaN, hash);
      if (this.#unread.size > 0) this.#unread.delete(key);
    }
  }

  #noteUnread(key: string, hash: number): void {
    this.#map.unhash(key);
    // A delete of a key that the space does not define.
    if (hash === 0) this.#unread.delete(key);
    else this.#unread.set(detached(key), hash);
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

/** The changes, and the last values of the keys that could not be read, in revision order. */
function withKept(
  old: RevisionMap<unknown>,
  changes: readonly ReadChange[],
  unread: readonly UnreadChange[],
): ReadChange[] {
  const used = new Set(changes.map(({ revision }) => revision));
  const kept: ReadChange[] = [];
  for (const { key } of unread) {
    const entry = old.get(key);
    // Two entries cannot share a revision: where another change has this one now, the entry is dropped.
    if (entry === undefined || used.has(entry.revision)) continue;
    kept.push({ key, revision: entry.revision, value: entry.value, hash: 0 });
  }
  return [...changes, ...kept].toSorted((a, b) => a.revision - b.revision);
}

function isChanged(old: Entry<unknown> | undefined, revision: number, value: unknown): boolean {
  if (old === undefined) return value !== undefined;
  return old.revision !== revision || !isSameValue(old.value, value);
}
