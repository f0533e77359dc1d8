/**
 * The selection: the spaces that a page shows where there are more than a person can look at. Those that are owned
 * or followed by name come first, then those that are not well, then the rest by their names. Pure.
 */

/** The greatest number of spaces on a page. */
const MOST = 24;

/** A space, as the selection sees it. */
export interface Candidate {
  readonly name: string;
  readonly isByName: boolean;
  /** Whether its state is live. */
  readonly isLive: boolean;
}

/** The spaces that are not shown. */
export interface Others {
  readonly count: number;
  /** How many of them are not live. */
  readonly notLive: number;
}

/** @returns those to show, in the order in which they came; and what is to be said of the others */
export function select<C extends Candidate>(
  candidates: readonly C[],
): { readonly shown: readonly C[]; readonly others: Others } {
  if (candidates.length <= MOST) return { shown: candidates, others: { count: 0, notLive: 0 } };
  const rank = ({ isByName, isLive }: C): number => (isByName ? 0 : isLive ? 2 : 1);
  const first = new Set(
    candidates.toSorted((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1)).slice(0, MOST),
  );
  const notLive = candidates.filter((one) => !first.has(one) && !one.isLive).length;
  return {
    shown: candidates.filter((one) => first.has(one)),
    others: { count: candidates.length - MOST, notLive },
  };
}
