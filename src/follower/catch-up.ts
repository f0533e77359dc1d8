/**
 * The catch-up: reads from the keys what changed since a bookmark, page after page.
 *
 * A key that changes meanwhile moves to a later page. So after the last page, all pages together are the
 * state at that page's head.
 */
import { TandemError } from '../base/errors.ts';
import type { Sliced, Slices } from '../base/slices.ts';
import type { Head, Page, SinceOptions, Store } from '../ports/store.ts';
import type { Change } from '../state/change.ts';
import type { Position } from '../state/position.ts';
import { printPosition } from '../state/position.ts';
import type { Bookmark, PageRequest } from './bookmark.ts';

/**
 * A state that is replaced more often than this during one catch-up is replaced faster than it can be read.
 */
const MAX_RESTARTS = 10;
/** A page that did not come in time is asked for again so often, each time for half as many changes. */
const MAX_FAILURES = 3;

/** Takes what is read, page by page. */
export interface Gatherer {
  /** What was taken so far is dropped: a full sync begins, or the store went back. */
  restart(): void;
  /**
   * Takes the changes of one page, in revision order. A key that changed meanwhile comes again, with a higher
   * revision. A page whose taking was called off comes again, from its first change.
   */
  take(changes: readonly Change[]): Sliced<void>;
}

export interface GatherOptions {
  /** The highest epoch that the reader has seen; by default that of the bookmark. */
  readonly seen?: number;
  /** Whether the last whole state that was read was not the owner's. Default false. */
  readonly isDoubted?: boolean;
  /** Whether to ask for the times at which keys were set. Default false. */
  readonly withTimes?: boolean;
  /** Called with the head of each page as it comes. */
  readonly heard?: (head: Head) => void;
  /**
   * Waits before a late page is asked for again: many readers may be late for the same reason, and must not come
   * back at once. Default: no wait.
   */
  readonly rest?: (failures: number) => Promise<void>;
  /** Aborted: the reading ends with its reason, and what was read is kept. */
  readonly signal?: AbortSignal | undefined;
}

export interface Gathered {
  /** The head of the last page; `keysLost` is of all pages together. */
  readonly head: Head;
  /** Whether what was taken is the whole state, and replaces the reader's. */
  readonly isFull: boolean;
  /** When keys were set, as `ChangeTimes` reads it; `undefined` where that was not asked, or is not known. */
  readonly times: string | undefined;
}

/**
 * Reads everything that changed since the bookmark into the gatherer, which takes each page in slices while
 * the next page is on its way. After an error the same bookmark and gatherer go on where the reading ended;
 * once all is read, both have served.
 * @throws TandemError `HEAD_MOVED` where the state is replaced again and again; `ROLLED_BACK` where the
 *   store went back meanwhile: then nothing of what was read is kept; and the errors of the store
 */
export async function gatherSince(
  store: Store,
  slices: Slices,
  space: string,
  bookmark: Bookmark,
  gatherer: Gatherer,
  options: GatherOptions = {},
): Promise<Gathered> {
  const {
    seen = bookmark.position.epoch,
    isDoubted = false,
    withTimes = false,
    heard,
    rest,
    signal,
  } = options;
  const ask = ({ position, limit, horizon }: PageRequest, more: SinceOptions = {}): Promise<Page> => {
    // A last page without changes ends those that came before it.
    const wanted = withTimes && (bookmark.head === undefined || 'always');
    return store.since(space, position, limit, { horizon, seen, withTimes: wanted, ...more });
  };
  let doubt: SinceOptions = { isDoubted };
  let restarts = 0;
  let failures = 0;
  let asked = ask(bookmark.request, doubt);
  for (;;) {
    let page: Page;
    try {
      page = await asked;
    } catch (error) {
      failures += 1;
      bookmark.failed();
      if (!isLate(error, store) || failures > MAX_FAILURES || signal?.aborted) throw error;
      await rest?.(failures);
      signal?.throwIfAborted();
      asked = ask(bookmark.request, doubt);
      continue;
    }
    failures = 0;
    doubt = {};
    heard?.(page.head);
    signal?.throwIfAborted();
    if (bookmark.isAheadOf(page)) {
      const failure = wentBack(space, bookmark.head ?? page.head, page.head);
      bookmark.reset();
      gatherer.restart();
      throw failure;
    }
    if (page.full) {
      restarts += 1;
      if (restarts > MAX_RESTARTS) throw replacedTooFast(space);
      bookmark.restart(page);
      gatherer.restart();
    }
    bookmark.came(page);
    const hasMore = page.more && page.changes.length > 0;
    if (hasMore) {
      asked = ask(bookmark.after(page));
      // Where it fails, it does so before this page is taken.
      asked.catch(nothing);
    }
    // planted: page-taken
    await slices.run(gatherer.take(page.changes), signal);
    bookmark.move(page);
    if (hasMore) continue;
    const head = { ...page.head, keysLost: bookmark.hasLostKeys };
    return { head, isFull: bookmark.isFull, times: page.times };
  }
}

/** Whether one call alone was given up: the link of the store is up. */
function isLate(error: unknown, { commands }: Store): boolean {
  return error instanceof TandemError && error.code === 'REDIS_UNAVAILABLE' && commands.up;
}

function wentBack(space: string, from: Position, to: Position): TandemError {
  const what = `space "${space}" went back from ${printPosition(from)} to ${printPosition(to)} while it was read`;
  return new TandemError('ROLLED_BACK', what);
}

function replacedTooFast(space: string): TandemError {
  const what = `space "${space}" is replaced faster than it can be read`;
  return new TandemError('HEAD_MOVED', what);
}

function nothing(): void {}
