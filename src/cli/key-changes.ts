/** What became of each key in a span of its history: the value before it, and the last one in it. */
import type { History, HistoryQuery, PastChange } from '../ports/history.ts';
import type { Span } from './moment.ts';

/** The changes before a span among which the values of its keys are sought at once; the others are asked for by key. */
const LOOK_BACK = 1_000;

export interface KeyChanges {
  readonly key: string;
  /** How often it changed in the span. */
  readonly changes: number;
  /** The last change before the span; `undefined` where the history has none. */
  readonly before: PastChange | undefined;
  /** The last change in the span. */
  readonly last: PastChange;
}

/**
 * @param within the changes of the span, newest first
 * @param read reads the history of all keys, or of one
 * @returns a line for each key, the one that changed last first
 */
export async function keyChangesOf(
  within: readonly PastChange[],
  { from }: Span,
  read: (query: HistoryQuery, key?: string) => Promise<History>,
): Promise<KeyChanges[]> {
  const keys = new Map<string, { key: string; changes: number; last: PastChange }>();
  for (const change of within) {
    const known = keys.get(change.key);
    if (known === undefined) keys.set(change.key, { key: change.key, changes: 1, last: change });
    else known.changes += 1;
  }
  if (from === undefined || from === 0 || keys.size === 0)
    return [...keys.values()].map((one) => ({ ...one, before: undefined }));
  const earlier = await read({ to: from - 1, limit: LOOK_BACK });
  const found: KeyChanges[] = [];
  for (const one of keys.values()) {
    const near = earlier.find(({ key }) => key === one.key);
    const isFar = near === undefined && earlier.hasMore;
    const before = isFar ? (await read({ to: from - 1, limit: 1 }, one.key))[0] : near;
    found.push({ ...one, before });
  }
  return found;
}
