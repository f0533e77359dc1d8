/**
 * The state of a space in order of last change.
 *
 * A map from key to entry, and through the entries a doubly linked list, oldest change first. A change moves
 * its entry to the end, so `since(r)` walks back from the end and costs what changed, not what there is.
 * A deleted key leaves a tombstone, an entry without a value. Tombstones beyond `tombstoneLimit` are dropped
 * oldest first, and `horizon` remembers up to which revision: below it, `since` cannot know of deletes.
 *
 * Invariants: revisions grow strictly along the list; `size` counts the entries that hold a value.
 */
import { detached } from '../base/detached.ts';

export interface Entry<V> {
  readonly key: string;
  /** `undefined` is a tombstone. */
  readonly value: V | undefined;
  readonly revision: number;
  /** The epoch in which this change was made. */
  readonly epoch: number;
  /** What was last made of it, for whoever asks for the same again; gone with the next change. */
  memo?: unknown;
}

interface Node<V> extends Entry<V> {
  value: V | undefined;
  revision: number;
  epoch: number;
  /** When it was changed. */
  at: number;
  before: Node<V> | undefined;
  after: Node<V> | undefined;
}

export class RevisionMap<V> {
  readonly #nodes = new Map<string, Node<V>>();
  readonly #tombstoneLimit: number;
  readonly #onDrop: (key: string) => void;
  #first: Node<V> | undefined;
  #last: Node<V> | undefined;
  #size = 0;
  #horizon = 0;

  /**
   * @param tombstoneLimit how many deletes are remembered at least; default 10,000, or as many as live keys.
   * @param onDrop told of each tombstone that is dropped.
   */
  constructor(tombstoneLimit = 10_000, onDrop: (key: string) => void = () => {}) {
    this.#tombstoneLimit = tombstoneLimit;
    this.#onDrop = onDrop;
  }

  /** How many keys hold a value. */
  get size(): number {
    return this.#size;
  }

  /** The newest revision that an entry bears; 0 when nothing ever changed. */
  get revision(): number {
    return this.#last?.revision ?? 0;
  }

  /** Deletes at or below this revision are forgotten: `since` below it would miss them. */
  get horizon(): number {
    return this.#horizon;
  }

  get tombstones(): number {
    return this.#nodes.size - this.#size;
  }

  get(key: string): Entry<V> | undefined {
    return this.#nodes.get(key);
  }

  /**
   * Sets a key, or with `undefined` deletes it, and moves it to the end. `revision` has to be a new one.
   * @param at when it was changed, on a clock of the caller's; NaN where that is not known
   * @returns the revision of its last change; 0 when it never changed
   */
  set(key: string, value: V | undefined, revision: number, epoch: number, at = NaN): number {
    let node = this.#nodes.get(key);
    if (node === undefined) {
      const own = detached(key);
      node = {
        key: own,
        value: undefined,
        revision,
        epoch,
        at,
        memo: undefined,
        before: undefined,
        after: undefined,
      };
      this.#nodes.set(own, node);
    } else {
      this.#unlink(node);
    }
    const before = node.revision === revision ? 0 : node.revision;
    this.#size += (value === undefined ? 0 : 1) - (node.value === undefined ? 0 : 1);
    node.value = value;
    node.memo = undefined;
    node.revision = revision;
    node.epoch = epoch;
    node.at = at;
    this.#append(node);
    if (value === undefined) this.#prune();
    return before;
  }

  /** What changed after `revision`, oldest change first: the latest of each key, once; so many at most. */
  since(revision: number, most = Infinity): Entry<V>[] {
    let first: Node<V> | undefined;
    for (let node = this.#last; node !== undefined && node.revision > revision; node = node.before)
      first = node;
    const found: Entry<V>[] = [];
    for (let node = first; node !== undefined && found.length < most; node = node.after) found.push(node);
    return found;
  }

  /** When the oldest change after `revision` was made; NaN where there is none, or it is not known. */
  changedAt(revision: number): number {
    let at = NaN;
    for (let node = this.#last; node !== undefined && node.revision > revision; node = node.before)
      at = node.at;
    return at;
  }

  /** The keys that hold a value, in the order in which they first came. */
  *entries(): Generator<Entry<V>> {
    for (const node of this.#nodes.values()) if (node.value !== undefined) yield node;
  }

  /** States that deletes up to `revision` are not remembered here. */
  forgetUpTo(revision: number): void {
    this.#horizon = Math.max(this.#horizon, revision);
  }

  #append(node: Node<V>): void {
    node.before = this.#last;
    node.after = undefined;
    if (this.#last) this.#last.after = node;
    else this.#first = node;
    this.#last = node;
  }

  #unlink(node: Node<V>): void {
    if (node.before) node.before.after = node.after;
    else this.#first = node.after;
    if (node.after) node.after.before = node.before;
    else this.#last = node.before;
  }

  /**
   * Drops the older half of the tombstones once there are twice as many as allowed: one walk over the list
   * for as many deletes as the limit, so a delete stays O(1) in the long run.
   */
  #prune(): void {
    const keep = Math.max(this.#tombstoneLimit, this.#size);
    if (this.tombstones <= 2 * keep) return;
    let excess = this.tombstones - keep;
    for (let node = this.#first; node !== undefined && excess > 0; node = node.after) {
      if (node.value !== undefined) continue;
      this.#unlink(node);
      this.#nodes.delete(node.key);
      this.#horizon = Math.max(this.#horizon, node.revision);
      this.#onDrop(node.key);
      excess -= 1;
    }
  }
}
