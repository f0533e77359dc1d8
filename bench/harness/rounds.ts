/**
 * Rounds: each candidate in turn, again and again in one run (A B A B), and the median of each of its
 * figures.
 */
import type { Settings } from './benchmark.ts';

/** The figures of one round, by name. */
export type Figures = Readonly<Record<string, number>>;

export interface Sampled {
  /** Medians over all rounds. */
  readonly medians: Record<string, number>;
  /** Each round's. */
  readonly rounds: readonly Figures[];
}

/** Runs each candidate once a round. A first round warms up and is not counted, unless it has to be quick. */
export async function alternate<N extends string>(
  { rounds, quick }: Settings,
  candidates: Readonly<Record<N, () => Promise<Figures>>>,
): Promise<Record<N, Sampled>> {
  const names = Object.keys(candidates) as N[];
  const all = new Map<N, Figures[]>(names.map((name) => [name, []]));
  for (let round = quick ? 0 : -1; round < rounds; round += 1) {
    // Now forward, now back: none always has the same one before it.
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      const figures = await candidates[name]();
      if (round >= 0) all.get(name)!.push(figures);
    }
  }
  return Object.fromEntries(names.map((name) => [name, sampled(all.get(name)!)])) as Record<N, Sampled>;
}

function sampled(rounds: readonly Figures[]): Sampled {
  const names = Object.keys(rounds[0] ?? {});
  const medians = Object.fromEntries(names.map((name) => [name, median(rounds.map((one) => one[name]!))]));
  return { medians, rounds };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length % 2 === 1 ? sorted[Math.floor(middle)]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
