/** Callbacks that run whenever the head of a participant has moved, or may have moved. */
export class HeadWatchers {
  readonly #callbacks = new Set<() => void>();

  /**
   * @param callback must not throw
   * @returns a function that ends the calls
   */
  add(callback: () => void): () => void {
    // The same function may be added twice: each addition ends by itself.
    const own = (): void => callback();
    this.#callbacks.add(own);
    return () => void this.#callbacks.delete(own);
  }

  get isEmpty(): boolean {
    return this.#callbacks.size === 0;
  }

  /** Calls them in the present async context, which must be no request's. */
  readonly notify = (): void => {
    for (const callback of this.#callbacks) callback();
  };
}
