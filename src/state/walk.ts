/**
 * The walk: goes over the entries of a map in the order of their changes, while the map goes on changing. A
 * key that changes before the walk has come to it comes later, at its new place. One that changes after that
 * comes again. So the walk is ever behind by the keys that have changed since, each once.
 */
import type { Entry, Node, Walker } from './entry.ts';

export class Walk<V> implements Walker<V> {
  readonly #close: () => void;
  #next: Node<V> | undefined;

  constructor(first: Node<V> | undefined, close: () => void) {
    this.#next = first;
    this.#close = close;
  }

  /** The next entry, if it changed at `revision` or before; `undefined` where there is none now. */
  next(revision = Infinity): Entry<V> | undefined {
    const node = this.#next;
    if (node === undefined || node.revision > revision) return undefined;
    this.#next = node.after;
    return node;
  }

  close(): void {
    this.#next = undefined;
    this.#close();
  }

  leaves(node: Node<V>): void {
    if (node === this.#next) this.#next = node.after;
  }

  comes(node: Node<V>): void {
    this.#next ??= node;
  }
}
