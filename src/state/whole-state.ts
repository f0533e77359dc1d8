/**
 * The whole state as it was at one moment, walked once, while the ledger goes on changing. What was walked is
 * counted: once the walk has ended, the counts and the digest are those of the whole state. Pure.
 */
import type { Captured } from './captured.ts';
import type { Change } from './change.ts';
import { sizeOf } from './change.ts';
import { hashOf } from './digest.ts';
import type { Entry } from './entry.ts';

/** The entries of a state, tombstones too, in revision order. */
type Entries = Iterable<Pick<Entry<Captured>, 'key' | 'revision' | 'value'>> & {
  readonly return?: () => unknown;
};

export class WholeState implements Iterable<Change> {
  readonly #entries: Entries;
  #count = 0;
  #size = 0;
  #bytes = 0;
  #digest = 0;

  /** @param entries may be walked once */
  constructor(entries: Entries) {
    this.#entries = entries;
  }

  /** The number of keys that hold a value. */
  get size(): number {
    return this.#size;
  }

  /** The number of keys and tombstones. */
  get count(): number {
    return this.#count;
  }

  /** The length of keys and values, bytes of UTF-8. */
  get bytes(): number {
    return this.#bytes;
  }

  get digest(): number {
    return this.#digest >>> 0;
  }

  *[Symbol.iterator](): Iterator<Change> {
    for (const { key, revision, value } of this.#entries) {
      const change = { key, revision, json: value?.json ?? '' };
      this.#count += 1;
      if (value !== undefined) this.#size += 1;
      this.#bytes += sizeOf(change);
      this.#digest = (this.#digest + hashOf(key, revision, change.json)) | 0;
      yield change;
    }
  }

  /** Ends a walk that may not have come to its end, or not have begun. */
  close(): void {
    this.#entries.return?.();
  }
}
