/** Who watches which keys. Each is called once a frame for each of its keys that the frame changed. */

type Callback<R> = (reading: R) => void;

export class Watchers<R> {
  readonly #keys = new Map<string, Set<Callback<R>>>();
  readonly #families = new Map<string, Set<Callback<R>>>();

  /** @param pattern a key, a family such as `'strategy/*'`, or `'*'`. Returns the way to stop watching. */
  add(pattern: string, callback: Callback<R>): () => void {
    const isFamily = pattern === '*' || pattern.endsWith('/*');
    const group = isFamily ? this.#families : this.#keys;
    const name = isFamily ? pattern.slice(0, -1) : pattern;
    // The same function may watch twice; each watch is its own.
    const own: Callback<R> = (reading) => callback(reading);
    const callbacks = group.get(name) ?? new Set();
    group.set(name, callbacks.add(own));
    return () => {
      callbacks.delete(own);
      if (callbacks.size === 0 && group.get(name) === callbacks) group.delete(name);
    };
  }

  get isEmpty(): boolean {
    return this.#keys.size === 0 && this.#families.size === 0;
  }

  tell(key: string, read: () => R): void {
    const groups = [this.#keys.get(key)];
    for (const [prefix, callbacks] of this.#families) if (key.startsWith(prefix)) groups.push(callbacks);
    let reading: R | undefined;
    for (const callbacks of groups) {
      // One that an earlier callback has taken away is not called any more; one that it has added, not yet.
      for (const callback of Array.from(callbacks ?? [])) {
        if (callbacks?.has(callback)) callback((reading ??= read()));
      }
    }
  }
}
