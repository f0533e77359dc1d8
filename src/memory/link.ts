/** The link of a store in memory to its server. */
import { TandemError } from '../base/errors.ts';
import type { Link } from '../ports/store.ts';

/** A link that is up until it is cut. */
export class MemoryLink implements Link {
  readonly #watchers = new Set<() => void>();
  #error: TandemError | undefined;
  /** Grows with each cut: a call that was made before the cut is not answered after it. */
  #generation = 0;

  get up(): boolean {
    return this.#error === undefined;
  }

  get error(): TandemError | undefined {
    return this.#error;
  }

  get generation(): number {
    return this.#generation;
  }

  watch(changed: () => void): () => void {
    // One function may watch several times, and stop each by itself.
    const own = (): void => changed();
    this.#watchers.add(own);
    return () => void this.#watchers.delete(own);
  }

  cut(message = 'the link is cut'): void {
    this.#error = new TandemError('REDIS_UNAVAILABLE', message);
    this.#generation += 1;
    for (const changed of this.#watchers) changed();
  }

  mend(): void {
    this.#error = undefined;
    for (const changed of this.#watchers) changed();
  }
}
