/** The last items of a sequence, counted, so that a reader can get the items that are new to it. */
export class Recent<T> {
  readonly #max: number;
  readonly #items: T[] = [];
  #count = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** The number of items ever added: the cursor of a reader that has them all. */
  get count(): number {
    return this.#count;
  }

  get last(): T | undefined {
    return this.#items.at(-1);
  }

  get items(): readonly T[] {
    return this.#items;
  }

  add(item: T): void {
    this.#items.push(item);
    this.#count += 1;
    // Half are dropped at once, so that adding costs O(1) amortized.
    if (this.#items.length >= 2 * this.#max) this.#items.splice(0, this.#items.length - this.#max);
  }

  /** The items after the first `count`, oldest first, of the last `max`. */
  since(count: number): T[] {
    const fresh = Math.min(this.#count - count, this.#max, this.#items.length);
    return fresh <= 0 ? [] : this.#items.slice(-fresh);
  }
}
