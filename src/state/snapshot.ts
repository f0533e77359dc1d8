/**
 * Snapshot: the entries of a revision map as they were, oldest change first. What the map changes before the walk
 * has come to it, the snapshot keeps.
 */
import type { Entry, Node, Walker } from './entry.ts';

/** An entry as a snapshot has it. */
type Kept<V> = Entry<V> & Pick<Node<V>, 'at' | 'hash'>;

export class Snapshot<V> implements IterableIterator<Kept<V>>, Walker<V> {
  readonly #revision: number;
  readonly #close: () => void;
  #next: Node<V> | undefined;
  /** The entries that the map has changed, and the walk has not come to. */
  #kept: Kept<V>[] = [];
  #isSorted = true;

  constructor(first: Node<V> | undefined, revision: number, close: () => void) {
    this.#next = first;
    this.#revision = revision;
    this.#close = close;
  }

  [Symbol.iterator](): this {
    return this;
  }

  next(): IteratorResult<Kept<V>, undefined> {
    if (!this.#isSorted) this.#kept.sort((a, b) => b.revision - a.revision);
    this.#isSorted = true;
    const kept = this.#kept.at(-1);
    const node = this.#next;
    if (kept !== undefined && (node === undefined || kept.revision < node.revision)) {
      this.#kept.pop();
      return { done: false, value: kept };
    }
    if (node === undefined) return this.return();
    this.#pass(node);
    return { done: false, value: node };
  }

  /** Ends the walk: nothing is kept any more. */
  return(): IteratorResult<Kept<V>, undefined> {
    this.#next = undefined;
    this.#kept = [];
    this.#close();
    return { done: true, value: undefined };
  }

  leaves(node: Node<V>): void {
    if (this.#next === undefined || node.revision < this.#next.revision || node.revision > this.#revision)
      return;
    const { key, value, revision, epoch, at, hash } = node;
    this.#kept.push({ key, value, revision, epoch, at, hash });
    this.#isSorted = false;
    if (node === this.#next) this.#pass(node);
  }

  comes(): void {
    // What comes to the end is newer than the snapshot.
  }

  #pass({ after }: Node<V>): void {
    this.#next = after !== undefined && after.revision <= this.#revision ? after : undefined;
  }
}
