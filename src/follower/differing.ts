/** The keys that differ between memory and the store, as far as both have the same revisions. */
import type { Batch } from './catch-up.ts';
import type { Change } from '../state/change.ts';
import type { Replica } from '../state/replica.ts';
import type { Definition } from '../state/definition.ts';
import type { Space } from '../state/space.ts';
import { isSameValue } from '../state/value.ts';

/** @param refused the keys whose newest value could not be read: they do not count */
export function differing<D extends Definition>(
  space: Space<D>,
  replica: Replica,
  refused: { isRefused(key: string): boolean },
  { head, changes }: Batch,
): string[] {
  const here = changes.filter(({ key, json }) => json !== '' && space.schemaOf(key) !== undefined);
  const read = new Map(here.map((change) => [change.key, change]));
  const keys: string[] = [];
  for (const { key, revision, value } of replica.entries()) {
    // A change newer than the batch proves nothing, and neither does a key whose newest value cannot be read.
    if (revision > head.revision || refused.isRefused(key)) continue;
    const change = read.get(key);
    if (change?.revision !== revision || !isReadAs(space, change, value)) keys.push(key);
  }
  for (const { key, revision } of read.values()) {
    const entry = replica.get(key);
    const isMissing = entry?.value === undefined && (entry?.revision ?? 0) < revision;
    if (isMissing && !refused.isRefused(key)) keys.push(key);
  }
  return keys;
}

function isReadAs(space: Space, { key, json }: Change, value: unknown): boolean {
  try {
    return isSameValue(space.read(key, json), value);
  } catch {
    return false;
  }
}
