/**
 * The place to which a reading of the keys has come. A reading that failed goes on from here: what was read
 * is kept.
 *
 * It moves once a page was taken whole. So a page whose taking was called off comes again.
 */
import type { Head, Page } from '../ports/store.ts';
import type { Position } from '../state/position.ts';
import { compare } from '../state/position.ts';

/**
 * The limit of the first page, in changes, and of later ones. A page of small values takes 1 ms of the
 * server's time. The store ends a page of large values early.
 */
const FIRST_LIMIT = 250;
const LAST_LIMIT = 500;
/**
 * After this many pages the limit grows on, up to the greatest: else a busy space would have no last page. A
 * page of the greatest limit takes 4 ms of the server's time, also where a state of a million keys is in none
 * of its caches.
 */
const MANY_PAGES = 400;
const MOST_LIMIT = 1_200;

/** What a page is asked for with. */
export interface PageRequest {
  readonly position: Position;
  readonly limit: number;
  readonly horizon: number;
}

export class Bookmark {
  readonly #from: Position;
  #position: Position;
  #limit = FIRST_LIMIT;
  #horizon = 0;
  #isFull: boolean;
  #hasLostKeys = false;
  #head: Head | undefined;
  #pages = 0;

  /** @param from the position of a reader that has nothing beyond it yet */
  constructor(from: Position) {
    this.#from = from;
    this.#position = from;
    this.#isFull = from.revision === 0;
  }

  /** Everything up to here was taken. */
  get position(): Position {
    return this.#position;
  }

  /** Whether what was taken is the whole state, and replaces the reader's. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** Whether a page since the last restart has shown that keys were lost. */
  get hasLostKeys(): boolean {
    return this.#hasLostKeys;
  }

  /** The head of the last page that came. */
  get head(): Head | undefined {
    return this.#head;
  }

  /** The request for the page that begins here. */
  get request(): PageRequest {
    return { position: this.#position, limit: this.#limit, horizon: this.#horizon };
  }

  /** Whether the store went back: the earlier pages are of a state that no longer exists. */
  isAheadOf({ full, head }: Page): boolean {
    return this.#head !== undefined && !full && compare(head, this.#head) < 0;
  }

  /** A full sync begins with this page. */
  restart({ head }: Page): void {
    this.#position = { epoch: head.epoch, revision: 0 };
    this.#horizon = head.horizon;
    this.#isFull = true;
    this.#hasLostKeys = false;
  }

  /** Goes back to where the reader was: nothing of what was taken holds. */
  reset(): void {
    this.#position = this.#from;
    this.#horizon = 0;
    this.#isFull = this.#from.revision === 0;
    this.#hasLostKeys = false;
    this.#head = undefined;
  }

  /** A page has come. Its damage counts, also where it is never taken. */
  came({ head, more, changes }: Page): void {
    this.#head = head;
    // A page may announce more, yet have no readable change: there is no position to go on from.
    this.#hasLostKeys ||= head.keysLost || (more && changes.length === 0);
  }

  /** The request for the page behind this one. */
  after(page: Page): PageRequest {
    const { position, horizon } = this.request;
    // planted: next-page
    const next = { epoch: page.head.epoch, revision: page.changes.at(-1)?.revision ?? position.revision };
    const most = this.#pages + 1 < MANY_PAGES ? LAST_LIMIT : MOST_LIMIT;
    return { position: next, limit: Math.min(most, this.#limit * 2), horizon };
  }

  /** The page was taken whole. */
  move(page: Page): void {
    const { position, limit } = this.after(page);
    this.#position = position;
    this.#limit = limit;
    this.#pages += 1;
  }

  /** A page did not come. The next try asks for less. */
  failed(): void {
    this.#limit = Math.max(1, Math.floor(this.#limit / 2));
  }
}
