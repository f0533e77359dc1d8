/**
 * The follower's copy of a space: state, position and line. Pure. Which frames may be applied, admission
 * decides (`src/follower/admission.ts`).
 *
 * Invariant: the position moves with the changes that lead to it, in one call.
 */
import type { Sliced } from '../base/slices.ts';
import { ChangeTimes } from './change-times.ts';
import type { Draft } from './draft.ts';
import type { Line, Position } from './position.ts';
import { epochIn, isSame, reaches, ZERO } from './position.ts';
import type { Entry } from './entry.ts';
import type { ReadChange, UnreadChange } from './read-change.ts';
import { RevisionMap } from './revision-map.ts';
import type { Snapshot } from './snapshot.ts';
import { Unread } from './unread.ts';
import { isSameValue } from './value.ts';
import type { Walk } from './walk.ts';

const NONE: readonly UnreadChange[] = [];

/** When changes were set: those of a frame, or of all keys. As `ChangeTimes` reads it. */
export interface Timed {
  readonly times?: string | undefined;
  readonly allTimes?: string | undefined;
}

/** Where a frame, or a reading of the keys, leads. */
type To = Line & Timed & { readonly revision: number };

export class Replica {
  #map: RevisionMap<unknown>;
  #line: Line = { epoch: 0, base: ZERO };
  #position: Position = ZERO;
  #correctedAt: Position | undefined;
  /** The hashes of the newest values that could not be read. Those values count in the digest, too. */
  #unread = new Unread();
  #swaps = 0;
  #times = new ChangeTimes();

  /** @param tombstoneLimit as in `RevisionMap` */
  constructor(tombstoneLimit?: number) {
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

  /** The line of the position. */
  get line(): Line {
    return this.#line;
  }

  get size(): number {
    return this.#map.size;
  }

  /** When the keys were set, on the server's clock. */
  get times(): ChangeTimes {
    return this.#times;
  }

  /** How often another state was put in place of this one. */
  get swaps(): number {
    return this.#swaps;
  }

  /** The digest of the state that was received: that of the owner at this position, if nothing is wrong. */
  get digest(): number {
    return (this.#map.digest + this.#unread.digest) >>> 0;
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

  /**
   * The entries that changed after a revision of this copy's line, oldest change first, at most `most` of them;
   * `undefined` where deletes are forgotten.
   */
  changedSince(revision: number, most: number): Entry<unknown>[] | undefined {
    return revision < this.#map.horizon ? undefined : this.#map.since(revision, most);
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

  /** The entries that change after `revision`, also while the walk goes on: see `RevisionMap`. */
  walk(revision: number): Walk<unknown> {
    return this.#map.walk(revision);
  }

  /**
   * Applies changes on top of this copy, as one step. Changes at or below the current revision are skipped.
   * @param changes in revision order
   * @param unread the changes whose values could not be read
   * @param latestMs the upper bound of the server's time, ms: no change was set later
   * @returns the changes that were applied
   */
  advance(to: To, changes: readonly ReadChange[], unread = NONE, latestMs?: number): readonly ReadChange[] {
    const from = this.#position.revision;
    // The changes are in order, and nearly always all new.
    const isFresh = changes.length === 0 || changes[0]!.revision > from;
    // planted: fresh
    const fresh = isFresh ? changes : changes.filter(({ revision }) => revision > from);
    this.#moveTo(to);
    this.#noteTimes(to, from, latestMs);
    this.#setAll(fresh);
    for (const { key, revision, hash } of unread) if (revision > from) this.#noteUnread(key, hash);
    return fresh;
  }

  /**
   * Applies a draft of all changes since this copy's position, or since an earlier one, as one step.
   * @returns the changes that were new here, oldest first
   */
  merge(to: To, { map, unread }: Draft, latestMs?: number): readonly Entry<unknown>[] {
    const from = this.#position.revision;
    this.#moveTo(to);
    this.#noteTimes(to, from, latestMs);
    this.#map.merge(map, from);
    const fresh = map.since(from);
    if (this.#unread.size > 0) for (const { key } of fresh) this.#unread.delete(key);
    for (const [key, hash] of unread) this.#noteUnread(key, hash);
    return fresh;
  }

  /** Makes room for the keys of such a draft, in slices: `merge` then takes as long for new keys as for others. */
  seat({ map }: Draft): Sliced<void> {
    return this.#map.seat(map);
  }

  /** Gives up the room that a draft did not take after all, in slices. */
  unseat({ map }: Draft): Sliced<void> {
    return this.#map.unseat(map);
  }

  /** Makes a whole copy of such a draft, to be put in place of this one: for many changes. */
  whole(draft: Draft): Sliced<Draft> {
    return draft.onTopOf(this.#map, this.#unread, this.#position.revision);
  }

  /**
   * Gives a draft of the whole state the last values of the keys whose newest could not be read.
   * @param to the revision of that state
   */
  *complete({ map, unread }: Draft, to: number): Sliced<void> {
    let hasKept = false;
    for (const [key] of unread) {
      hasKept ||= this.#map.get(key)?.value !== undefined;
      yield;
    }
    if (hasKept) yield* map.weave(this.#map, ({ key, revision }) => revision <= to && unread.has(key));
  }

  /** Whether any key differs between this copy and a draft of the whole state. */
  *differs({ map }: Draft): Sliced<boolean> {
    if (map.size !== this.#map.size) return true;
    for (const { key, revision, value } of map.snapshot()) {
      if (isChanged(this.#map.get(key), revision, value)) return true;
      yield;
    }
    return false;
  }

  /**
   * Puts a draft of a whole copy in place of this one. It costs the same whatever the size.
   * @param isFull whether the draft was read as a whole state, so that nothing is known of deletes before it
   * @param isDifferent whether the draft may differ, where it is at this copy's position
   * @returns the state before
   */
  swap(
    to: To,
    { map, unread }: Draft,
    { isFull, isDifferent }: { readonly isFull: boolean; readonly isDifferent: boolean },
    latestMs?: number,
  ): RevisionMap<unknown> {
    const old = this.#map;
    const before = this.#position;
    // planted: replace
    this.#map = map;
    this.#unread = unread;
    this.#swaps += 1;
    this.#moveTo(to);
    if (isFull) this.#times = new ChangeTimes();
    this.#noteTimes(to, isFull ? 0 : before.revision, latestMs);
    if (!isFull) return old;
    map.tombstoneLimit = old.tombstoneLimit;
    map.forgetUpTo(to.revision);
    if (isDifferent && isSame(before, this.#position)) this.#correctedAt = { ...before };
    return old;
  }

  /** @param from the revision at which this copy was: it has the times of all that was set up to there */
  #noteTimes({ times, allTimes }: Timed, from: number, latestMs: number | undefined): void {
    if (times) return this.#times.take(times, latestMs);
    this.#times.forgetAfter(from);
    if (!allTimes) return;
    const all = new ChangeTimes();
    all.take(allTimes, latestMs);
    all.fill(this.#times);
    this.#times = all;
  }

  #setAll(changes: readonly ReadChange[]): void {
    for (const { key, value, revision, hash } of changes) {
      this.#map.set(key, value, revision, epochIn(this.#line, revision), NaN, hash);
      if (this.#unread.size > 0) this.#unread.delete(key);
    }
  }

  #noteUnread(key: string, hash: number): void {
    this.#map.unhash(key);
    // A delete of a key that the space does not define.
    if (hash === 0) this.#unread.delete(key);
    else this.#unread.set(key, hash);
  }

  #moveTo(to: Line & { readonly revision: number }): void {
    if (to.epoch !== this.#line.epoch) this.#line = { epoch: to.epoch, base: to.base };
    // planted: place
    this.#position = { epoch: to.epoch, revision: to.revision };
  }
}

/** Whether a key has ever changed: a seat is an entry of a key that has not. */
export function hasChanged(entry: Entry<unknown> | undefined): entry is Entry<unknown> {
  return entry !== undefined && entry.revision > 0;
}

/** Whether a key differs from its entry in an older state. */
export function isChanged(old: Entry<unknown> | undefined, revision: number, value: unknown): boolean {
  if (!hasChanged(old)) return value !== undefined;
  return old.revision !== revision || !isSameValue(old.value, value);
}
