/** The space of all runs, simulated and real: twelve keys in two families, and one single key. */
import { defineSpace, json } from '../../src/index.ts';
import type { Id, Seen } from '../history/event.ts';

export interface Value {
  readonly id: number;
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
export const KEYS: readonly Key[] = [
  'alone',
  ...[1, 2, 3, 4, 5, 6].flatMap((n): Key[] => [`a/${n}`, `b/${n}`]),
];

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
