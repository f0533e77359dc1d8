/** Entry: a key with its last change. A node is an entry in the list of a revision map. */

export interface Entry<V> {
  readonly key: string;
  /** `undefined` is a tombstone. */
  readonly value: V | undefined;
  readonly revision: number;
  /** The epoch of the key's last change. */
  readonly epoch: number;
  /** A reader's cache of a result made from this entry; the next change of the key clears it. */
  memo?: unknown;
}

export interface Node<V> extends Entry<V> {
  value: V | undefined;
  revision: number;
  epoch: number;
  /** The time of the change, on a clock of the caller's; NaN where it is not known. */
  at: number;
  hash: number;
  before: Node<V> | undefined;
  after: Node<V> | undefined;
}

/** A walk over the entries, which has to know of each change. */
export interface Walker<V> {
  /** The entry is about to leave its place. */
  leaves(node: Node<V>): void;
  /** The entry was put at the end. */
  comes(node: Node<V>): void;
}
