/**
 * The history of a space, as a participant reads it: what Redis has of changes that were committed before. Each
 * value is read through its schema as it is now.
 */
import { TandemError } from '../base/errors.ts';
import { between, requireObject } from '../base/options.ts';
import type { HistoryChange, HistoryPage, HistoryRequest } from './store.ts';
import { ChangeTimes } from '../state/change-times.ts';
import type { Position } from '../state/position.ts';
import { compare, printPosition } from '../state/position.ts';
import type { TimeOf } from '../state/reading.ts';
import { opened } from '../state/value.ts';

/** The most that one call returns, characters of JSON. Where there is more, it says so. */
const MOST_LENGTH = 16 * 1024 * 1024;
/** A change is committed after it was set. What the owner does not know of the server's clock is less than this, ms. */
const CLOCK_MS = 1_000;
/** A large turn is recorded as it is settled, which takes seconds, and other changes are committed meanwhile, ms. */
const LATE_MS = 30_000;
/** How much further ahead each next look is. */
const FURTHER = 8;
/** The greatest number of changes of one call. */
export const MAX_LIMIT = 10_000;
const PAGE_LIMIT = 500;

/** Which part of a history is asked for. */
export interface HistoryQuery {
  /** Only what was set at this time or later, ms since 1970 on the clock of the Redis server. Default: all. */
  readonly from?: number | undefined;
  /** Only what was set at this time or earlier, as `from`. Default: all. */
  readonly to?: number | undefined;
  /** The greatest number of changes, the newest ones, 1 to 10,000. Default 100. */
  readonly limit?: number | undefined;
}

/** A change of a key that was committed. */
export interface PastChange<K extends string = string, V = unknown> {
  /** The key. */
  readonly key: K;
  /** Frozen. `undefined` where the key was deleted, and where the value cannot be read: then `error` says why. */
  readonly value: V | undefined;
  /** Whether the key was deleted. */
  readonly deleted: boolean;
  /** When it was set, as in a reading; `undefined` where that is not known. */
  readonly changedAt: number | undefined;
  /** The position of the change, as in a reading. */
  readonly position: string;
  /** Why the value cannot be read: the schema of today refuses it, or does not define the key. */
  readonly error?: unknown;
  /** The JSON of a value that cannot be read. */
  readonly raw?: string;
}

/**
 * Changes, newest first. Of the values that a key had between two commits only the last one is there. Commits are
 * 10 ms apart, or further while Redis is slow or out.
 */
export interface History<K extends string = string, V = unknown> extends ReadonlyArray<PastChange<K, V>> {
  /**
   * Since when each committed change is known, ms on the clock of the Redis server: since history is kept without a
   * gap, and was not trimmed. `undefined` where the present owner keeps none, so that the newest changes are missing.
   */
  readonly knownFrom: number | undefined;
  /** Whether there are more changes that were asked for, older ones. */
  readonly hasMore: boolean;
}

export interface HistorySource {
  readonly space: string;
  readonly ask: (request: HistoryRequest) => Promise<HistoryPage>;
  /** When a revision was set, where its commit does not say it. */
  readonly timeOf: TimeOf;
  /** @throws what a value that cannot be read throws */
  readonly read: (key: string, json: string) => unknown;
}

/** A query with all of its bounds. */
export type CheckedQuery = { readonly [K in keyof HistoryQuery]-?: number };

/** @throws TandemError `INVALID_OPTION` */
export function checkedQuery(query: HistoryQuery): CheckedQuery {
  requireObject('history', query);
  const { from = 0, to = Number.MAX_SAFE_INTEGER, limit = 100 } = query;
  between('from', from, 0, Number.MAX_SAFE_INTEGER);
  between('to', to, 0, Number.MAX_SAFE_INTEGER);
  if (from > to) throw new TandemError('INVALID_OPTION', 'from, to: expected from to be before to');
  between('limit', limit, 1, MAX_LIMIT);
  return { from, to, limit: Math.floor(limit) };
}

/**
 * Reads the newest changes of a key, or of all keys.
 * @throws TandemError `HISTORY_OFF`, and what `ask` throws
 */
export async function readHistory(
  source: HistorySource,
  key: string | undefined,
  { from, to, limit }: CheckedQuery,
): Promise<History> {
  const newestMs = await lastCommitOf(source, to);
  const found: { readonly past: PastChange; readonly position: Position }[] = [];
  const oldestMs = from > CLOCK_MS ? from - CLOCK_MS : undefined;
  let length = 0;
  let before: string | undefined;
  let page: HistoryPage;
  let first: HistoryPage | undefined;
  let hasMore = false;
  do {
    page = await source.ask({ key, before, newestMs, oldestMs, limit: Math.min(PAGE_LIMIT, limit) });
    first ??= page;
    if (page.oldestMs === undefined && page.upTo === 0) throw historyOff(source.space);
    for (const change of page.changes) {
      const past = pastOf(source, change);
      const at = past.changedAt;
      if (at !== undefined && (at < from || at > to)) continue;
      hasMore = found.length === limit || length >= MOST_LENGTH;
      if (hasMore) break;
      length += change.json.length;
      found.push({ past: Object.freeze(past), position: change });
    }
    before = page.next;
  } while (before !== undefined && !hasMore);
  found.sort((a, b) => compare(b.position, a.position));
  const changes = found.map(({ past }) => past);
  return Object.freeze(Object.assign(changes, { knownFrom: knownFrom(first), hasMore }));
}

/**
 * The time by which all was committed that had been set by `to`, server's time in ms; `undefined` where that is not
 * known before now. Changes are committed in the order in which they were set, so one that was set later proves it of
 * all behind it. An outage may have put off a commit for long, so this looks ever further ahead.
 */
async function lastCommitOf(source: HistorySource, to: number): Promise<number | undefined> {
  for (let aheadMs = LATE_MS; ; aheadMs *= FURTHER) {
    const newestMs = to + aheadMs;
    if (newestMs > Number.MAX_SAFE_INTEGER) return undefined;
    const { head, changes } = await source.ask({ newestMs, limit: 1 });
    if (newestMs >= head.now) return undefined;
    const at = changes[0] && changedAtOf(source, changes[0]);
    if (at !== undefined && at > to + CLOCK_MS) return newestMs;
  }
}

function knownFrom({ head, upTo, fromMs, oldestMs = 0, isTrimmed }: HistoryPage): number | undefined {
  if (upTo !== head.revision) return undefined;
  return isTrimmed ? Math.max(fromMs, oldestMs) : fromMs;
}

function changedAtOf({ timeOf }: HistorySource, { revision, times }: HistoryChange): number | undefined {
  return ChangeTimes.of(times).at(revision) ?? timeOf(revision);
}

function pastOf(source: HistorySource, change: HistoryChange): PastChange {
  const { key, json } = change;
  const deleted = json === '';
  const changedAt = changedAtOf(source, change);
  const past = { key, value: undefined, deleted, changedAt, position: printPosition(change) };
  if (deleted) return past;
  try {
    return { ...past, value: opened(source.read(key, json)) };
  } catch (error) {
    return { ...past, error, raw: json };
  }
}

function historyOff(space: string): TandemError {
  const what = `nobody keeps a history of space "${space}": own it with { history: { maxChanges, maxAgeMs } }`;
  return new TandemError('HISTORY_OFF', what);
}
