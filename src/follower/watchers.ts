/** The watchers of keys. Each is called once a frame for each of its keys that the frame changed. */

type Callback<R> = (reading: R) => void;

interface Watch<R> {
  readonly callback: Callback<R>;
  isOver: boolean;
}

/**
 * A list is replaced when it changes, and never modified. So a callback may add and remove watches: a
 * removed one is not called any more, an added one not yet, and calling copies nothing.
 */
export class Watchers<R> {
  readonly #keys = new Map<string, readonly Watch<R>[]>();
  #families: readonly { readonly prefix: string; readonly watch: Watch<R> }[] = [];

  /**
   * @param pattern a key, a family such as `'strategy/*'`, or `'*'`
   * @returns a function that ends the watch
   */
  add(pattern: string, callback: Callback<R>): () => void {
    // The same function may be added twice: each watch ends by itself.
    const watch: Watch<R> = { callback, isOver: false };
    const isFamily = pattern === '*' || pattern.endsWith('/*');
    if (isFamily) this.#families = [...this.#families, { prefix: pattern.slice(0, -1), watch }];
    else this.#keys.set(pattern, [...(this.#keys.get(pattern) ?? []), watch]);
    return () => {
      watch.isOver = true;
      if (isFamily) this.#families = this.#families.filter((one) => one.watch !== watch);
      else this.#forget(pattern, watch);
    };
  }

  get isEmpty(): boolean {
    return this.#keys.size === 0 && this.#families.length === 0;
  }

  /** Calls the watchers of a key. `read` makes the reading, where there is a watcher. */
  tell(key: string, read: () => R): void {
    const own = this.#keys.size === 0 ? undefined : this.#keys.get(key);
    let reading: R | undefined;
    const families = this.#families;
    if (own !== undefined) for (const watch of own) if (!watch.isOver) watch.callback((reading ??= read()));
    for (const { prefix, watch } of families)
      if (key.startsWith(prefix) && !watch.isOver) watch.callback((reading ??= read()));
  }

  #forget(key: string, watch: Watch<R>): void {
    const left = (this.#keys.get(key) ?? []).filter((one) => one !== watch);
    if (left.length > 0) this.#keys.set(key, left);
    else this.#keys.delete(key);
  }
}
