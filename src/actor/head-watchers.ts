/** Those who are called back whenever the head of a participant has moved, or may have. */
export class HeadWatchers {
  readonly #callbacks = new Set<() => void>();

  /** @param callback must not throw. Returns the way to stop. */
  add(callback: () => void): () => void {
    // Each watch is its own, also of one function.
    const own = (): void => callback();
    this.#callbacks.add(own);
    return () => void this.#callbacks.delete(own);
  }

  notify(): void {
    if (this.#callbacks.size > 0) for (const callback of this.#callbacks) callback();
  }
}
