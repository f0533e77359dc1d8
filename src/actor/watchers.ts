/** The watchers of keys. Each is called once a frame for each of its keys that the frame changed. */
import { outside } from '../base/stretches.ts';
import { familyLength } from '../state/key.ts';

interface Watch<R> {
  readonly callback: (reading: R) => void;
  /** Watches are numbered in the order of their adding. */
  readonly number: number;
}

/** The watches of one key or family. */
type Watches<R> = Set<Watch<R>>;

/**
 * A callback may add and remove watches: a removed one is not called any more, an added one not yet. A `Set`
 * keeps to the first by itself, and the numbers to the second.
 *
 * The watches of a key come first, then those of its families, closest first.
 */
export class Watchers<R> {
  readonly #keys = new Map<string, Watches<R>>();
  /** By prefix, as in `strategy/`. */
  readonly #families = new Map<string, Watches<R>>();
  /** The watches of `'*'`. */
  readonly #everything: Watches<R> = new Set();
  #next = 0;

  /**
   * @param pattern a key, a family such as `'strategy/*'`, or `'*'`
   * @returns a function that ends the watch
   */
  add(pattern: string, callback: (reading: R) => void): () => void {
    // The same function may be added twice: each watch ends by itself.
    const watch: Watch<R> = { callback, number: this.#next };
    this.#next += 1;
    if (pattern !== '*') return this.#addTo(pattern, watch);
    this.#everything.add(watch);
    return () => void this.#everything.delete(watch);
  }

  #addTo(pattern: string, watch: Watch<R>): () => void {
    const isFamily = pattern.endsWith('/*');
    const all = isFamily ? this.#families : this.#keys;
    const name = isFamily ? pattern.slice(0, -1) : pattern;
    const watches = all.get(name) ?? new Set();
    all.set(name, watches.add(watch));
    return () => {
      watches.delete(watch);
      if (watches.size === 0 && all.get(name) === watches) all.delete(name);
    };
  }

  get isEmpty(): boolean {
    return this.#keys.size === 0 && this.#families.size === 0 && this.#everything.size === 0;
  }

  /** Calls the watchers of a key, each with what `read` returns. */
  tell(key: string, read: () => R): void {
    const own = this.#keys.size === 0 ? undefined : this.#keys.get(key);
    const end = this.#next;
    if (own !== undefined) call(own, end, read);
    // Most watch `'*'` or nothing, which needs no look at the key.
    for (let length = this.#families.size > 0 ? familyLength(key, key.length) : 0; length > 0;) {
      const family = this.#families.get(key.slice(0, length));
      if (family !== undefined) call(family, end, read);
      length = familyLength(key, length);
    }
    if (this.#everything.size > 0) call(this.#everything, end, read);
  }
}

/** Calls the watches with a number below `end`. */
function call<R>(watches: Watches<R>, end: number, read: () => R): void {
  for (const { callback, number } of watches) if (number < end) outside(() => callback(read()));
}
