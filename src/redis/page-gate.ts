/**
 * The page gate: the pages that all spaces of a process ask for over one connection. Replies come in order,
 * so whatever is asked behind a large page waits for it: commits and heartbeats, too. So few large pages are
 * under way at once, and many small ones.
 *
 * Nobody knows the size of a page before it has come. The size of a space's last page stands for it.
 */
import { CappedMap } from '../base/capped-map.ts';

/** Pages of this size together may be under way, bytes; or a single page. */
const MOST_BYTES = 2 * 1024 * 1024;
/** What a page counts as where its space had none before, bytes. */
const UNKNOWN_BYTES = 128 * 1024;
/** The least that a page counts as, bytes. */
const LEAST_BYTES = 8 * 1024;

interface Waiting {
  readonly bytes: number;
  readonly begin: () => void;
}

export class PageGate {
  #underWay = 0;
  readonly #waiting: Waiting[] = [];
  /** By space: the size of its last page. */
  readonly #last = new CappedMap<number>();

  /**
   * Asks once it is this page's turn.
   * @param ask is given what the page counts as, bytes
   * @param sizeOf about the size of a page that came, bytes
   */
  async pass<P>(space: string, ask: (bytes: number) => Promise<P>, sizeOf: (page: P) => number): Promise<P> {
    const bytes = this.#last.get(space) ?? UNKNOWN_BYTES;
    if (this.#isFull(bytes) || this.#waiting.length > 0)
      await new Promise<void>((begin) => this.#waiting.push({ bytes, begin }));
    else this.#underWay += bytes;
    try {
      const page = await ask(bytes);
      this.#last.set(space, Math.max(LEAST_BYTES, sizeOf(page)));
      return page;
    } finally {
      this.#underWay -= bytes;
      this.#next();
    }
  }

  #isFull(bytes: number): boolean {
    return this.#underWay > 0 && this.#underWay + bytes > MOST_BYTES;
  }

  #next(): void {
    for (let first = this.#waiting[0]; first && !this.#isFull(first.bytes); first = this.#waiting[0]) {
      this.#waiting.shift();
      this.#underWay += first.bytes;
      first.begin();
    }
  }
}
