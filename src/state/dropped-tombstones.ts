/** The tombstones that an owner has dropped and that the store may still hold, oldest first. Pure. */

/** A deleted key. */
export interface Tombstone {
  readonly key: string;
  readonly epoch: number;
  readonly revision: number;
}

/** The greatest number of tombstones to remember until the store has dropped them too. */
const MAX_DROPPED = 100_000;

export class DroppedTombstones {
  #tombstones: Tombstone[] = [];
  #isLost = false;

  get count(): number {
    return this.#tombstones.length;
  }

  /** More were dropped than are remembered: only the whole state can bring the store up to date. */
  get isLost(): boolean {
    return this.#isLost;
  }

  add({ key, epoch, revision }: Tombstone): void {
    if (this.#tombstones.length < MAX_DROPPED) return void this.#tombstones.push({ key, epoch, revision });
    this.#tombstones = [];
    this.#isLost = true;
  }

  /** The keys of `count` of them, from index `from` on. */
  keys(count: number, from: number): string[] {
    return this.#tombstones.slice(from, from + count).map(({ key }) => key);
  }

  /** Those of deletes after `revision`. */
  since(revision: number): Tombstone[] {
    return this.#tombstones.filter((tombstone) => tombstone.revision > revision);
  }

  /**
   * The store has dropped the first `count` of them too.
   * @param whole the store was given the whole state, so it holds no tombstone from before
   */
  forget(count: number, whole: boolean): void {
    // Fewer than `count`: the list has overflowed meanwhile, so later drops are lost again.
    if (whole && this.#tombstones.length >= count) this.#isLost = false;
    this.#tombstones = this.#tombstones.slice(count);
  }
}
