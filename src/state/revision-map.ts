/**
 * The state of a space in order of last change.
 *
 * A map from key to entry, and a doubly linked list through the entries, oldest change first. A change moves
 * its entry to the end. So `since(r)` walks back from the end, and its cost grows with the changes after r
 * alone. A deleted key leaves a tombstone, an entry without a value. Beyond `tombstoneLimit` the oldest
 * tombstones are dropped, and `horizon` rises to the last revision dropped: `since` below the horizon may
 * miss deletes.
 *
 * Each entry may have a hash, and `digest` is their sum (`digest.ts`). The owner of the map says when an
 * entry gets its hash: with the change, or later.
 *
 * A seat is room for a key that is yet to come: a step that sets many new keys does not have to grow the table,
 * which takes 110 ms at a million keys. It is an entry without a value, of revision 0 and outside the list. So
 * `get` shows a key that never changed, and nobody else sees it.
 *
 * Invariants: revisions grow strictly along the list; `size` counts the entries that hold a value; `digest`
 * is the sum of the hashes of all entries.
 */
import { detached } from '../base/detached.ts';
import type { Sliced } from '../base/slices.ts';
import type { Entry, Node, Walker } from './entry.ts';
import { Snapshot } from './snapshot.ts';
import { Walk } from './walk.ts';

/** The revision of a seat. Those of changes begin with 1. */
const SEAT = 0;
/** The steps of the walk over old tombstones that one delete goes. */
const PRUNE_STEPS = 64;

export class RevisionMap<V> {
  readonly #nodes = new Map<string, Node<V>>();
  /** The least number of deletes to remember, or the number of live keys if that is more. */
  tombstoneLimit: number;
  readonly #onDrop: (tombstone: Entry<V>) => void;
  readonly #walkers = new Set<Walker<V>>();
  readonly #place = new Place<V>();
  /** Up to where the present walk has dropped old tombstones; nowhere while there is none. */
  readonly #pruned = new Place<V>();
  readonly #places = [this.#place, this.#pruned];
  #first: Node<V> | undefined;
  #last: Node<V> | undefined;
  #size = 0;
  #seats = 0;
  #horizon = 0;
  #digest = 0;

  /**
   * @param tombstoneLimit default 10,000
   * @param onDrop called with each tombstone that is dropped. Default: nothing.
   */
  constructor(tombstoneLimit = 10_000, onDrop: (tombstone: Entry<V>) => void = () => {}) {
    this.tombstoneLimit = tombstoneLimit;
    this.#onDrop = onDrop;
  }

  /** The number of keys that hold a value. */
  get size(): number {
    return this.#size;
  }

  /** The newest revision of any entry; 0 when nothing ever changed. */
  get revision(): number {
    return this.#last?.revision ?? 0;
  }

  /** Deletes at or below this revision are forgotten: `since` below it would miss them. */
  get horizon(): number {
    return this.#horizon;
  }

  /** The sum of all hashes, modulo 2^32. */
  get digest(): number {
    return this.#digest >>> 0;
  }

  get tombstones(): number {
    return this.#nodes.size - this.#size - this.#seats;
  }

  get(key: string): Entry<V> | undefined {
    return this.#nodes.get(key);
  }

  /**
   * Sets a key and moves it to the end. `undefined` deletes the key.
   * @param revision greater than that of every entry
   * @param at the time of the change, on a clock of the caller's; default NaN, which means unknown
   * @param hash the entry's new hash; default: the hash stays as it is, until `rehash`
   * @returns the revision of the key's change before this one; 0 when the key never changed
   */
  set(key: string, value: V | undefined, revision: number, epoch: number, at = NaN, hash?: number): number {
    let node = this.#nodes.get(key);
    if (node === undefined) node = this.#add(detached(key), SEAT, epoch, at);
    else if (node.revision === SEAT) this.#seats -= 1;
    else this.#unlink(node);
    const before = node.revision;
    this.#size += (value === undefined ? 0 : 1) - (node.value === undefined ? 0 : 1);
    node.value = value;
    node.memo = undefined;
    node.revision = revision;
    node.epoch = epoch;
    node.at = at;
    if (hash !== undefined) this.#setHash(node, hash);
    this.#append(node);
    if (value === undefined) this.#prune();
    return before;
  }

  /**
   * The entries that changed after `revision`, oldest change first: each key once, with its latest value.
   * @param most the greatest number of entries; default all
   * @param place where to look from; default: where was looked last
   */
  since(revision: number, most = Infinity, place = this.#place): Entry<V>[] {
    const found: Entry<V>[] = [];
    let node = this.#firstAfter(revision, place);
    for (; node !== undefined && found.length < most; node = node.after) found.push(node);
    return found;
  }

  /**
   * A place for a reader that comes back: `since` costs the way from where this reader looked last, and not
   * the way from the end. The map keeps it for good.
   */
  place(): Place<V> {
    const place = new Place<V>();
    this.#places.push(place);
    return place;
  }

  /**
   * Gives the entries that changed after `from`, up to `to`, their hashes, oldest change first.
   * @param hashOf returns `undefined` where it is enough for now
   * @returns the revision up to which all have their hashes
   */
  rehash(from: number, to: number, hashOf: (entry: Entry<V>) => number | undefined): number {
    let upTo = from;
    let node = this.#firstAfter(from);
    for (; node !== undefined && node.revision <= to; node = node.after) {
      const hash = hashOf(node);
      if (hash === undefined) return upTo;
      this.#setHash(node, hash);
      upTo = node.revision;
    }
    return to;
  }

  /** Gives a key a hash: that of an entry which it may have moved on from. */
  rehashTo(key: string, hash: number): void {
    const node = this.#nodes.get(key);
    if (node !== undefined) this.#setHash(node, hash);
  }

  /** Takes a key's hash out of the digest. */
  unhash(key: string): void {
    const node = this.#nodes.get(key);
    if (node !== undefined) this.#setHash(node, 0);
  }

  /** The time of the oldest change after `revision`; NaN where there is none, or its time is not known. */
  changedAt(revision: number): number {
    return this.#firstAfter(revision)?.at ?? NaN;
  }

  /** The entries that hold a value, in the order in which their keys first came. */
  *entries(): Generator<Entry<V>> {
    for (const node of this.#nodes.values()) if (node.value !== undefined) yield node;
  }

  /**
   * The entries that changed after `revision`, as they are now, for a walk in slices: the map may change
   * meanwhile. A snapshot that is not walked to its end has to be closed.
   */
  snapshot(revision = 0): Snapshot<V> {
    const first = this.#firstAfter(revision);
    const snapshot: Snapshot<V> = new Snapshot(first, this.revision, () => this.#walkers.delete(snapshot));
    if (first !== undefined) this.#walkers.add(snapshot);
    return snapshot;
  }

  /**
   * A walk over the entries that change after `revision`, also of those that change while it goes on. It has
   * to be closed.
   */
  walk(revision = 0): Walk<V> {
    const walk: Walk<V> = new Walk(this.#firstAfter(revision), () => this.#walkers.delete(walk));
    this.#walkers.add(walk);
    return walk;
  }

  /** A copy of this map as it is now, made in slices while this map goes on changing. */
  *copy(): Sliced<RevisionMap<V>> {
    const copy = new RevisionMap<V>(this.tombstoneLimit);
    copy.forgetUpTo(this.#horizon);
    for (const { key, value, revision, epoch, at, hash } of this.snapshot()) {
      const node = copy.#add(key, revision, epoch, at);
      node.value = value;
      if (value !== undefined) copy.#size += 1;
      copy.#setHash(node, hash);
      copy.#append(node);
      yield;
    }
    return copy;
  }

  /** Takes a seat for each key of another map that has no entry here, in slices. */
  *seat(other: RevisionMap<V>): Sliced<void> {
    for (const key of other.#nodes.keys()) {
      if (!this.#nodes.has(key)) {
        this.#add(detached(key), SEAT, 0, NaN);
        this.#seats += 1;
      }
      yield;
    }
  }

  /** Gives up the seats of another map's keys that nobody has taken, in slices. */
  *unseat(other: RevisionMap<V>): Sliced<void> {
    for (const key of other.#nodes.keys()) {
      if (this.#seats === 0) return;
      if (this.#nodes.get(key)?.revision === SEAT) {
        this.#nodes.delete(key);
        this.#seats -= 1;
      }
      yield;
    }
  }

  /** Sets all that another map has after a revision, which is not below that of any entry here. */
  merge(other: RevisionMap<V>, revision: number): void {
    for (let node = other.#firstAfter(revision); node !== undefined; node = node.after)
      this.set(node.key, node.value, node.revision, node.epoch, node.at, node.hash);
  }

  /**
   * Puts those entries of another map that are wanted into their places between the entries here, in slices.
   * One whose key or whose revision is here already is left out. They count in no digest. Nobody else may
   * use this map meanwhile.
   */
  *weave(other: RevisionMap<V>, isWanted: (entry: Entry<V>) => boolean): Sliced<void> {
    let next = this.#first;
    for (const entry of other.snapshot()) {
      // Read before the rest: meanwhile the other map may change this entry.
      const { key, value, revision, epoch } = entry;
      const isKept = value !== undefined && isWanted(entry);
      yield;
      if (!isKept) continue;
      for (; next !== undefined && next.revision < revision; next = next.after) yield;
      if (next?.revision === revision || this.#nodes.has(key)) continue;
      const node = this.#add(key, revision, epoch, NaN);
      node.value = value;
      this.#size += 1;
      this.#insert(node, next);
    }
  }

  /** Declares that this map does not know of deletes up to `revision`. */
  forgetUpTo(revision: number): void {
    this.#horizon = Math.max(this.#horizon, revision);
  }

  /** Adds an entry without a value, which has no place in the order yet. */
  #add(key: string, revision: number, epoch: number, at: number): Node<V> {
    const node: Node<V> = {
      key,
      value: undefined,
      revision,
      epoch,
      at,
      hash: 0,
      memo: undefined,
      before: undefined,
      after: undefined,
    };
    this.#nodes.set(key, node);
    return node;
  }

  /** Looks from the end and from the place by turns, so that it costs the shorter way. */
  #firstAfter(revision: number, place = this.#place): Node<V> | undefined {
    let end = this.#last;
    if (end === undefined || end.revision <= revision) return undefined;
    if (this.#first!.revision > revision) return this.#first;
    // From here on there is an entry on either side, so none of these walks leaves the list.
    let near = place.node ?? end;
    for (;;) {
      if (end.before!.revision <= revision) return (place.node = end);
      end = end.before!;
      if (near.revision <= revision) {
        near = near.after!;
        if (near.revision > revision) return (place.node = near);
      } else {
        if (near.before!.revision <= revision) return (place.node = near);
        near = near.before!;
      }
    }
  }

  #setHash(node: Node<V>, hash: number): void {
    this.#digest = (this.#digest + hash - node.hash) | 0;
    node.hash = hash;
  }

  #append(node: Node<V>): void {
    node.before = this.#last;
    node.after = undefined;
    if (this.#last) this.#last.after = node;
    else this.#first = node;
    this.#last = node;
    if (this.#walkers.size > 0) for (const walker of this.#walkers) walker.comes(node);
  }

  /** Puts an entry before another; before none, at the end. */
  #insert(node: Node<V>, after: Node<V> | undefined): void {
    const before = after === undefined ? this.#last : after.before;
    node.before = before;
    node.after = after;
    if (before) before.after = node;
    else this.#first = node;
    if (after) after.before = node;
    else this.#last = node;
  }

  #unlink(node: Node<V>): void {
    // planted: snapshot-kept
    if (this.#walkers.size > 0) for (const walker of this.#walkers) walker.leaves(node);
    for (const place of this.#places) if (place.node === node) place.node = node.before ?? node.after;
    if (node.before) node.before.after = node.after;
    else this.#first = node.after;
    if (node.after) node.after.before = node.before;
    else this.#last = node.before;
  }

  /**
   * Drops the older half of the tombstones once there are twice as many as the limit allows. That is one walk
   * over the list per `limit` deletes. Each delete goes a few steps of it, so that none takes long.
   */
  #prune(): void {
    const keep = Math.max(this.tombstoneLimit, this.#size);
    if (this.#pruned.node === undefined && this.tombstones > 2 * keep) this.#pruned.node = this.#first;
    let node = this.#pruned.node;
    for (let steps = 0; node !== undefined && steps < PRUNE_STEPS && this.tombstones > keep; steps += 1) {
      const next: Node<V> | undefined = node.after;
      if (node.value === undefined) this.#drop(node);
      node = next;
    }
    this.#pruned.node = this.tombstones > keep ? node : undefined;
  }

  #drop(node: Node<V>): void {
    this.#unlink(node);
    this.#setHash(node, 0);
    this.#nodes.delete(node.key);
    this.#horizon = Math.max(this.#horizon, node.revision);
    this.#onDrop(node);
  }
}

/** Where in the list a reader looked last. */
class Place<V> {
  node: Node<V> | undefined = undefined;
}

export type { Entry, Place, Snapshot };
