/**
 * The refusals: the keys whose newest value could not be read, each with the time of the first failure, on
 * `Time`, ms. Such a key is stale since then.
 *
 * Invariant: they are in order of time.
 */
import { detached } from '../base/detached.ts';
import type { Sliced } from '../base/slices.ts';

export class Refusals {
  readonly #since = new Map<string, number>();

  get isEmpty(): boolean {
    return this.#since.size === 0;
  }

  /** The time of the first failure of a key; `undefined` where its newest value could be read. */
  since(key: string): number | undefined {
    return this.#since.size === 0 ? undefined : this.#since.get(key);
  }

  /** The time of the first failure of all; Infinity where there is none. */
  get oldest(): number {
    for (const at of this.#since.values()) return at;
    return Infinity;
  }

  keys(): Iterable<string> {
    return this.#since.keys();
  }

  /** The newest value of the key could not be read. */
  refuse(key: string, at: number): void {
    if (!this.#since.has(key)) this.#since.set(detached(key), at);
  }

  /**
   * The newest value of the key could be read, or the key is gone.
   * @returns whether it was refused
   */
  accept(key: string): boolean {
    return this.#since.size > 0 && this.#since.delete(key);
  }

  clear(): void {
    this.#since.clear();
  }

  /**
   * The refusals after a draft was put in place: of those here the ones that stay, and the draft's.
   * @param stays returns whether a key that the draft does not refuse stays refused
   */
  *after(drafted: Refusals, stays: (key: string) => boolean): Sliced<Refusals> {
    if (this.isEmpty) return drafted;
    const next = new Refusals();
    for (const [key, at] of this.#since) {
      if (drafted.#since.has(key) || stays(key)) next.#since.set(key, at);
      yield;
    }
    for (const [key, at] of drafted.#since) {
      next.refuse(key, at);
      yield;
    }
    return next;
  }
}
