/**
 * The keys whose newest value could not be read here, each with the hash of that value. The values count in
 * the digest, since the owner has them.
 *
 * Invariant: `digest` is the sum of all hashes.
 */
import { detached } from '../base/detached.ts';

export class Unread {
  readonly #hashes = new Map<string, number>();
  #digest = 0;

  get size(): number {
    return this.#hashes.size;
  }

  /** The sum of the hashes, as a 32-bit integer. */
  get digest(): number {
    return this.#digest;
  }

  has(key: string): boolean {
    return this.#hashes.has(key);
  }

  set(key: string, hash: number): void {
    this.delete(key);
    this.#hashes.set(detached(key), hash);
    this.#digest = (this.#digest + hash) | 0;
  }

  delete(key: string): void {
    const hash = this.#hashes.size === 0 ? undefined : this.#hashes.get(key);
    if (hash === undefined) return;
    this.#hashes.delete(key);
    this.#digest = (this.#digest - hash) | 0;
  }

  [Symbol.iterator](): Iterator<[key: string, hash: number]> {
    return this.#hashes.entries();
  }
}
