/** The last of what happened, numbered, so that a reader can be given what is new to it. */
export class Recent<T> {
  readonly #max: number;
  readonly #items: T[] = [];
  #count = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** How many there were, ever: the cursor of a reader who has them all. */
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
    // In bulk, so that adding costs the same in the long run.
    if (this.#items.length >= 2 * this.#max) this.#items.splice(0, this.#items.length - this.#max);
  }

  /** What came after the first `count`, oldest first, as far as it is kept. */
  since(count: number): T[] {
    const fresh = Math.min(this.#count - count, this.#max, this.#items.length);
    return fresh <= 0 ? [] : this.#items.slice(-fresh);
  }
}
