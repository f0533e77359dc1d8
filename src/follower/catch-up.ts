/**
 * The catch-up: reads from the keys what changed since a position, page after page, as one batch.
 *
 * A key that changes meanwhile moves to a later page. So after the last page, all pages together are the
 * state at that page's head.
 */
import { TandemError } from '../base/errors.ts';
import type { Change } from '../state/change.ts';
import type { Position } from '../state/position.ts';
import { compare, printPosition } from '../state/position.ts';
import type { Head, Page, Store } from '../ports/store.ts';

/**
 * The limit of the first page, in changes, and of later ones. A page takes at most 1 ms of the server's
 * time.
 */
const FIRST_LIMIT = 250;
const LAST_LIMIT = 500;
/**
 * After this many pages the limit grows on, up to the greatest: else a busy space would have no last page.
 */
const MANY_PAGES = 400;
const MOST_LIMIT = 8_000;
/**
 * A state that is replaced more often than this during one catch-up is replaced faster than it can be read.
 */
const MAX_RESTARTS = 10;

export interface Batch {
  readonly head: Head;
  /** Whether the changes are the whole state, and replace the reader's. */
  readonly isFull: boolean;
  /** In revision order, each key once. */
  readonly changes: readonly Change[];
}

export interface ReadOptions {
  /** The highest epoch that the reader has seen; by default that of `from`. */
  readonly seen?: number;
  /** Whether the last whole state that was read was not the owner's. Default false. */
  readonly isDoubted?: boolean;
  /** Called after each page, before the next is requested. */
  readonly onPage?: () => Promise<void>;
  /**
   * Called with each page's changes while the next page is on its way: work done then takes no extra time.
   */
  readonly ahead?: (changes: readonly Change[]) => void;
}

/**
 * Reads everything that changed since `from`.
 * @throws TandemError `HEAD_MOVED` where the state is replaced again and again; `ROLLED_BACK` where the
 *   store went back meanwhile; and the errors of the store
 */
export async function readSince(
  store: Store,
  space: string,
  from: Position,
  options: ReadOptions = {},
): Promise<Batch> {
  const { seen = from.epoch, isDoubted = false, onPage, ahead } = options;
  // A key that comes twice is kept once. It is deleted and set again, which moves it into revision order.
  const changes = new Map<string, Change>();
  let isFull = from.revision === 0;
  let position = from;
  let limit = FIRST_LIMIT;
  let horizon = 0;
  let restarts = 0;
  let pages = 0;
  let hasLostKeys = false;
  let page: Page;
  let head: Head | undefined;
  let asked = store.since(space, position, limit, { horizon, seen, isDoubted });
  do {
    page = await asked;
    // The store went back: the earlier pages are of a state that no longer exists.
    if (head && !page.full && compare(page.head, head) < 0) throw wentBack(space, head, page.head);
    head = page.head;
    if (page.full) {
      restarts += 1;
      if (restarts > MAX_RESTARTS) {
        throw new TandemError('HEAD_MOVED', `space "${space}" is replaced faster than it can be read`, {
          retryable: true,
        });
      }
      changes.clear();
      isFull = true;
      hasLostKeys = false;
      horizon = page.head.horizon;
    }
    await onPage?.();
    // planted: next-page
    position = { epoch: page.head.epoch, revision: page.changes.at(-1)?.revision ?? position.revision };
    pages += 1;
    limit = Math.min(pages < MANY_PAGES ? LAST_LIMIT : MOST_LIMIT, limit * 2);
    // The next page is on its way while this one is processed.
    if (page.more && page.changes.length > 0) asked = store.since(space, position, limit, { horizon, seen });
    ahead?.(page.changes);
    for (const change of page.changes) {
      changes.delete(change.key);
      changes.set(change.key, change);
    }
    hasLostKeys ||= page.head.keysLost;
    // The page announces more, yet has no readable change: there is no position to go on from.
    if (page.more && page.changes.length === 0) hasLostKeys = true;
  } while (page.more && page.changes.length > 0);
  return { head: { ...page.head, keysLost: hasLostKeys }, isFull, changes: [...changes.values()] };
}

function wentBack(space: string, from: Position, to: Position): TandemError {
  const what = `space "${space}" went back from ${printPosition(from)} to ${printPosition(to)} while it was read`;
  return new TandemError('ROLLED_BACK', what, { retryable: true });
}
