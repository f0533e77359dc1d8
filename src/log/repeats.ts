/**
 * Texts that were said already. An outage brings the same two or three errors with each failed try, and a
 * callback that fails does so with each change: neither is news. Texts that differ in numbers alone are the
 * same. Pure, and bounded.
 */
const MOST_TEXTS = 50;
const NUMBERS = /\d+/g;

export class Repeats {
  readonly #said = new Map<string, { readonly at: number; again: number }>();
  readonly #againMs: number;

  /** @param againMs for how long a text that was said is no news, ms; `Infinity`: until `clear` */
  constructor(againMs: number) {
    this.#againMs = againMs;
  }

  /**
   * A text that could be said now, on `Time`, ms.
   * @returns how often the text was left out since it was said last; `undefined` where it is no news
   */
  hear(text: string, now: number): number | undefined {
    const key = text.replace(NUMBERS, '#');
    const said = this.#said.get(key);
    if (said !== undefined && now - said.at < this.#againMs) {
      said.again += 1;
      return undefined;
    }
    this.#said.delete(key);
    this.#said.set(key, { at: now, again: 0 });
    if (this.#said.size > MOST_TEXTS) this.#forgetOldest();
    return said?.again ?? 0;
  }

  clear(): void {
    this.#said.clear();
  }

  #forgetOldest(): void {
    for (const key of this.#said.keys()) return void this.#said.delete(key);
  }
}
