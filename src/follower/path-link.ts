/** The link of a process without Redis to what it follows: it is up while the path delivers. One for each follower. */
import type { TandemError } from '../base/errors.ts';
import type { Link } from '../ports/store.ts';

export class PathLink implements Link {
  readonly name = 'the connection upstream';
  readonly #watchers = new Set<() => void>();
  #up = false;
  #error: TandemError | undefined;

  get up(): boolean {
    return this.#up;
  }

  get error(): TandemError | undefined {
    return this.#error;
  }

  watch(changed: () => void): () => void {
    // One function may watch several times, and stop each by itself.
    const own = (): void => changed();
    this.#watchers.add(own);
    return () => void this.#watchers.delete(own);
  }

  /** @param error why the path does not deliver; `undefined` where it does */
  set(error: TandemError | undefined): void {
    this.#up = error === undefined;
    this.#error = error;
    for (const changed of this.#watchers) changed();
  }
}
