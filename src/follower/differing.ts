/** The keys that differ between memory and the store, as far as both have the same revisions. */
import type { Sliced } from '../base/slices.ts';
import type { Replica } from '../state/replica.ts';
import { isSameValue } from '../state/value.ts';
import type { KeysRead } from './keys-reader.ts';

/** So many keys are named. */
const MOST_NAMED = 10;

export interface Differing {
  readonly keys: number;
  /** The names of some of them. */
  readonly some: readonly string[];
}

/** @param shown tells the keys whose newest value could not be read: they do not count */
export function* differing(
  replica: Replica,
  shown: { isRefused(key: string): boolean },
  { gathering, head }: Pick<KeysRead, 'gathering' | 'head'>,
): Sliced<Differing> {
  const { map } = gathering.draft;
  const some: string[] = [];
  let keys = 0;
  const found = (key: string): void => {
    keys += 1;
    if (some.length < MOST_NAMED) some.push(key);
  };
  for (const { key, revision, value } of replica.snapshot()) {
    // A change newer than what was read proves nothing, and neither does a key whose newest value cannot be
    // read.
    if (value !== undefined && revision <= head.revision && !shown.isRefused(key)) {
      const entry = map.get(key);
      if (entry?.revision !== revision || !isSameValue(entry.value, value)) found(key);
    }
    yield;
  }
  const isMissing = (key: string, revision: number): boolean => {
    const entry = replica.get(key);
    return entry?.value === undefined && (entry?.revision ?? 0) < revision && !shown.isRefused(key);
  };
  for (const { key, revision } of map.entries()) {
    if (isMissing(key, revision)) found(key);
    yield;
  }
  for (const key of gathering.refusals.keys()) {
    if (map.get(key) === undefined && isMissing(key, head.revision)) found(key);
    yield;
  }
  return { keys, some };
}
