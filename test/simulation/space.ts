/** The space of all runs, simulated and real: keys in two families, and one single key. */
import { defineSpace, json } from '../../src/index.ts';
import type { Id, Seen } from '../history/event.ts';

export interface Value {
  readonly id: number;
  /** Makes the value long. */
  readonly pad?: string;
}

export const definition = {
  'a/*': json<Value>(),
  'b/*': json<Value>(),
  alone: json<Value>(),
  /** For real runs: someone else edits these keys in Redis. The history leaves them out. */
  'still/*': json<Value>(),
};
export type D = typeof definition;
export const space = defineSpace('space', definition);

export type Key = `a/${string}` | `b/${string}` | 'alone';

/** The single key, and so many keys of each family. */
export function keysOf(each: number): readonly Key[] {
  const families = Array.from({ length: each }, (_, n): Key[] => [`a/${n + 1}`, `b/${n + 1}`]);
  return ['alone', ...families.flat()];
}

/** The keys of a small world, and of real runs. */
export const KEYS = keysOf(6);

/** The prefix of the keys that someone else edits. */
export const EDITED = 'still/';

interface Readable {
  readonly key: string;
  readonly value: Value | undefined;
  readonly position: string;
}

export function seen(readings: Iterable<Readable>): Seen[] {
  return [...readings]
    .filter(({ key }) => !key.startsWith(EDITED))
    .map(({ key, value, position }): Seen => [key, idOf(value), position]);
}

export function idOf(value: Value | undefined): Id {
  return value?.id ?? null;
}
