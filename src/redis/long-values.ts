/**
 * Long values of a page. Inside of a script a value is copied six times, and holds Redis 15 times as long as
 * HGET does. So the page of `since` leaves them out, and they are fetched apart.
 *
 * A value may have changed since its page. A key's revision grows with each change: where the index still has
 * the page's revision after the value was read, the value is that of the page.
 */
import type { Page } from '../ports/store.ts';
import type { Change } from '../state/change.ts';
import type { Connection } from './connection.ts';
import { bulk } from './keys.ts';
import { Prepared } from './script.ts';

/** Values from this length on are left out of a page, bytes. */
export const LONG_BYTES = 65_536;
/** What stands for a value that was left out: no value has a line break. The number is the place of its key. */
const LEFT_OUT = /^\n(\d+)$/;

/**
 * Fetches what was left out.
 * @param names the keys that the script was given: behind the key of a value is that of its revision
 * @returns the whole page; undefined where a value has changed since
 */
export async function withLongValues(
  page: Page,
  connection: Connection,
  names: readonly string[],
): Promise<Page | undefined> {
  if (!page.changes.some(({ json }) => json.startsWith('\n'))) return page;
  const changes = await Promise.all(page.changes.map((change) => fetched(change, connection, names)));
  const found = changes.filter((change) => change !== undefined);
  return found.length < changes.length ? undefined : { ...page, changes: found };
}

async function fetched(
  change: Change,
  connection: Connection,
  names: readonly string[],
): Promise<Change | undefined> {
  const place = Number(LEFT_OUT.exec(change.json)?.[1]);
  if (Number.isNaN(place)) return change;
  const ask = (name: string, at: number, bytesAwaited?: number): Promise<unknown> => {
    const text = `*3\r\n${bulk(name)}${bulk(names[at - 1]!)}${bulk(change.key)}`;
    return connection.send(() => new Prepared(name, text), itself, undefined, bytesAwaited);
  };
  // In this order: only then does the revision show that the value is its own.
  const [value, revision] = await Promise.all([ask('hget', place, LONG_BYTES), ask('zscore', place + 1)]);
  if (typeof value !== 'string' || Number(revision) !== change.revision) return undefined;
  return { ...change, json: value.includes('\n') ? value.replaceAll('\n', '\t') : value };
}

function itself(reply: unknown): unknown {
  return reply;
}
