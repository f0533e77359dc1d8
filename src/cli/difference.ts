/**
 * What a process shows of a space, against what Redis has. Pure.
 *
 * Positions are compared first. A key that one side has at a later position is ahead or behind, and no more. Only
 * where both sides have to agree, and do not, are they different:
 *
 *   the same position, another value                        different
 *   missing where the head is past the key's position       different, unless it was deleted since
 */
import { isDeepStrictEqual } from 'node:util';
import type { Position } from '../state/position.ts';
import { compare } from '../state/position.ts';

export interface ShownKey {
  readonly position: Position;
  readonly value: unknown;
}

/** A state as of its head. */
export interface ShownState {
  readonly head: Position;
  readonly keys: ReadonlyMap<string, ShownKey>;
}

export interface Difference {
  readonly key: string;
  /** `undefined` where it has no such key. */
  readonly redis: ShownKey | undefined;
  readonly process: ShownKey | undefined;
}

export interface Comparison {
  /** Keys that Redis has at a later position. */
  readonly behind: number;
  /** Keys that the process has at a later position: announced, and not committed yet. */
  readonly ahead: number;
  readonly different: readonly Difference[];
}

export function compared(redis: ShownState, process: ShownState): Comparison {
  let [behind, ahead] = [0, 0];
  const different: Difference[] = [];
  for (const key of new Set([...redis.keys.keys(), ...process.keys.keys()])) {
    const [ours, theirs] = [redis.keys.get(key), process.keys.get(key)];
    const order = orderOf(ours, theirs, redis.head, process.head);
    if (order < 0) behind += 1;
    else if (order > 0) ahead += 1;
    else if (ours === undefined || theirs === undefined || !isDeepStrictEqual(ours.value, theirs.value))
      different.push({ key, redis: ours, process: theirs });
  }
  return { behind, ahead, different };
}

/** Negative where the process is behind Redis by this key, positive where it is ahead, 0 where both have to agree. */
function orderOf(
  redis: ShownKey | undefined,
  process: ShownKey | undefined,
  redisHead: Position,
  processHead: Position,
): number {
  if (redis && process) return compare(process.position, redis.position);
  if (redis) {
    // The process has not come to it, or has seen a delete that Redis does not hold yet.
    if (compare(redis.position, processHead) > 0) return -1;
    return Math.max(0, compare(processHead, redisHead));
  }
  if (process && compare(process.position, redisHead) > 0) return 1;
  return Math.min(0, compare(processHead, redisHead));
}

/** The keys that differ in both of two looks in the same way: what was on its way in the first is no difference. */
export function lasting(first: Comparison, second: Comparison): Difference[] {
  const before = new Set(first.different.map(({ key }) => key));
  return second.different.filter(({ key }) => before.has(key));
}
