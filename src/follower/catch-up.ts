/**
 * Reads from the keys what changed since a position: page after page, as one batch.
 *
 * A key that changes meanwhile moves to a later page. So once a page is not full, all pages together are the state at
 * that page's head.
 */
import { TandemError } from '../base/errors.ts';
import type { Change } from '../state/change.ts';
import type { Position } from '../state/position.ts';
import { compare, printPosition } from '../state/position.ts';
import type { Head, Page, Store } from '../ports/store.ts';

/** Changes that the first page asks for, and later ones. A page takes a millisecond of the server's time at most. */
const FIRST_LIMIT = 250;
const LAST_LIMIT = 500;
/** After this many pages they go on growing: otherwise a reader of a busy space would never come to the end. */
const MANY_PAGES = 400;
const MOST_LIMIT = 8_000;
/** A state that is replaced under the reader this often is replaced faster than it can be read. */
const MAX_RESTARTS = 10;

export interface Batch {
  readonly head: Head;
  /** The changes are the whole state, and replace the reader's. */
  readonly isFull: boolean;
  /** In revision order, each key once. */
  readonly changes: readonly Change[];
}

export interface ReadOptions {
  /** The highest epoch that the reader has seen; by default that of `from`. */
  readonly seen?: number;
  /** Called after each page, before the next is asked for. */
  readonly onPage?: () => Promise<void>;
  /** Given each page's changes while the next page is on its way: work that is done ahead costs no time then. */
  readonly ahead?: (changes: readonly Change[]) => void;
}

/**
 * @throws TandemError `HEAD_MOVED` where the state is replaced again and again; `ROLLED_BACK` where it went back meanwhile
 */
export async function readSince(
  store: Store,
  space: string,
  from: Position,
  options: ReadOptions = {},
): Promise<Batch> {
  const { seen = from.epoch, onPage, ahead } = options;
  // By key, so that a key that comes twice is held once; deleted and set again, so that it stands in revision order.
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
  let asked = store.since(space, position, limit, { horizon, seen });
  do {
    page = await asked;
    // The pages before it are of a state that is no more.
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
    // The next page travels while this one is processed.
    if (page.more && page.changes.length > 0) asked = store.since(space, position, limit, { horizon, seen });
    ahead?.(page.changes);
    for (const change of page.changes) {
      changes.delete(change.key);
      changes.set(change.key, change);
    }
    hasLostKeys ||= page.head.keysLost;
    // It says that more follow, and holds no change that could be: there is no place to go on from.
    if (page.more && page.changes.length === 0) hasLostKeys = true;
  } while (page.more && page.changes.length > 0);
  return { head: { ...page.head, keysLost: hasLostKeys }, isFull, changes: [...changes.values()] };
}

function wentBack(space: string, from: Position, to: Position): TandemError {
  const what = `space "${space}" went back from ${printPosition(from)} to ${printPosition(to)} while it was read`;
  return new TandemError('ROLLED_BACK', what, { retryable: true });
}
