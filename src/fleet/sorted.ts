/** Sorting that yields, for lists that may be long. Pure. */
import type { Sliced } from '../base/slices.ts';

/** So many are sorted, or merged, in one stretch. */
const RUN = 500;

/** The list in order: those that are equal stay as they were. */
export function* sorted<T>(list: readonly T[], compare: (a: T, b: T) => number): Sliced<T[]> {
  let runs: T[][] = [];
  for (let at = 0; at < list.length; at += RUN) {
    runs.push(list.slice(at, at + RUN).sort(compare));
    yield;
  }
  while (runs.length > 1) {
    const merged: T[][] = [];
    for (let at = 0; at < runs.length; at += 2)
      merged.push(yield* mergedOf(runs[at]!, runs[at + 1] ?? [], compare));
    runs = merged;
  }
  return runs[0] ?? [];
}

function* mergedOf<T>(a: readonly T[], b: readonly T[], compare: (a: T, b: T) => number): Sliced<T[]> {
  const list: T[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    const isFirst = j >= b.length || (i < a.length && compare(a[i]!, b[j]!) <= 0);
    list.push(isFirst ? a[i++]! : b[j++]!);
    if (list.length % RUN === 0) yield;
  }
  return list;
}
