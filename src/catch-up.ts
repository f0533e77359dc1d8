/** Reading what changed since a position, from the keys: page after page, as one. */
import { TandemError } from './errors.ts';
import type { Change } from './frame.ts';
import type { Position } from './position.ts';
import type { Head, Page, Store } from './store.ts';

/** Changes that are asked for at once: a millisecond or so of the server's time. */
const PAGE_LIMIT = 1_000;
/** A state that is replaced under the reader this often will not hold still. */
const MAX_RESTARTS = 10;

export interface Batch {
  readonly head: Head;
  /** The changes are the whole state; what the reader holds counts for nothing. */
  readonly isFull: boolean;
  /** In revision order, each key once. */
  readonly changes: readonly Change[];
}

/**
 * What changed since `from`. A key that changes meanwhile moves to a later page; so once a page is not full,
 * all pages together are the state at that page's head.
 */
export async function readSince(store: Store, space: string, from: Position): Promise<Batch> {
  let changes: Change[] = [];
  let isFull = from.revision === 0;
  let position = from;
  let horizon = 0;
  let restarts = 0;
  let page: Page;
  do {
    page = await store.since(space, position, PAGE_LIMIT, horizon);
    if (page.full) {
      restarts += 1;
      if (restarts > MAX_RESTARTS)
        throw new TandemError('BEHIND', `space "${space}" changes faster than it can be read`, {
          retryable: true,
        });
      changes = [];
      isFull = true;
      horizon = page.head.horizon;
    }
    for (const change of page.changes) changes.push(change);
    position = { epoch: page.head.epoch, revision: page.changes.at(-1)?.revision ?? position.revision };
  } while (page.more);
  return { head: page.head, isFull, changes: latestOfEach(changes) };
}

/** A key that changed between two pages stands in both. */
function latestOfEach(changes: readonly Change[]): readonly Change[] {
  const latest = new Map(changes.map((change) => [change.key, change]));
  return latest.size === changes.length
    ? changes
    : changes.filter((change) => latest.get(change.key) === change);
}
