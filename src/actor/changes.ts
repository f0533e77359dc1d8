/**
 * The changes of keys, to be iterated: `for await (const reading of participant.changes('strategy/*'))`.
 *
 * Each key that has changed since it was last taken has one place, whatever the number of its changes. Who takes
 * a key gets its latest reading. So nothing queues, and a slow consumer gets fewer readings, not older ones.
 * Keys are taken in the order in which they came to wait, so none waits for ever.
 */

export interface ChangesParts<R> {
  /** Begins to call back with the reading of each key that changes. Returns a function that ends the calls. */
  readonly watch: (callback: (reading: R) => void) => () => void;
  /** The reading of a key now; `undefined` where its value cannot be read. */
  readonly read: (key: string) => R | undefined;
  /** Aborted once nothing changes any more: what waits then can still be taken. */
  readonly ended: AbortSignal;
  /** Ends the iteration at once. */
  readonly signal?: AbortSignal | undefined;
}

export class Changes<R extends { readonly key: string }> implements AsyncIterableIterator<R> {
  readonly #parts: ChangesParts<R>;
  readonly #keys = new Set<string>();
  /** Who waits for a change. None does while keys wait. */
  readonly #takers: ((result: IteratorResult<R, undefined>) => void)[] = [];
  #unwatch: () => void = () => {};
  #isEnded = false;

  constructor(parts: ChangesParts<R>) {
    this.#parts = parts;
    if (parts.signal?.aborted) this.#isEnded = true;
    else this.#begin();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<R, undefined>> {
    for (const key of this.#keys) {
      this.#keys.delete(key);
      const reading = this.#parts.read(key);
      if (reading !== undefined) return Promise.resolve({ done: false, value: reading });
    }
    if (this.#isEnded) return Promise.resolve(DONE);
    return new Promise((resolve) => this.#takers.push(resolve));
  }

  /** Ends the iteration: `break` in a loop calls it. */
  return(): Promise<IteratorResult<R, undefined>> {
    this.#abort();
    return Promise.resolve(DONE);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  #begin(): void {
    const { watch, ended, signal } = this.#parts;
    this.#unwatch = watch((reading) => this.#changed(reading));
    signal?.addEventListener('abort', this.#abort);
    ended.addEventListener('abort', this.#end);
    if (ended.aborted) this.#end();
  }

  #changed(reading: R): void {
    const taker = this.#takers.shift();
    if (taker === undefined) this.#keys.add(reading.key);
    else taker({ done: false, value: reading });
  }

  readonly #abort = (): void => {
    this.#keys.clear();
    this.#end();
  };

  readonly #end = (): void => {
    this.#isEnded = true;
    this.#unwatch();
    this.#parts.signal?.removeEventListener('abort', this.#abort);
    this.#parts.ended.removeEventListener('abort', this.#end);
    for (const taker of this.#takers.splice(0)) taker(DONE);
  };
}

const DONE = { done: true, value: undefined } as const;
