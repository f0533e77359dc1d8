/** What a benchmark is, and what it finds. */
import type { Sampled } from './rounds.ts';

export interface Settings {
  /** How many rounds count. */
  readonly rounds: number;
  /** How long one candidate runs in one round. */
  readonly seconds: number;
  /** Fewer rounds and smaller sizes: does it run, not how fast. */
  readonly quick: boolean;
}

/** One line of the table: a figure of ours against one of a reference's, or against a bound. */
export interface Row {
  readonly what: string;
  readonly unit: string;
  readonly ours: number;
  /** What it is compared with; without one, the figure itself has a limit. */
  readonly reference?: number;
  /** What the ratio, or the figure, is to be: at most, or with `atLeast`, at least this. */
  readonly limit?: number;
  /** The limit is one of the figure itself, whatever it is compared with. */
  readonly isBound?: boolean;
  /** More is better, with a limit or without. */
  readonly atLeast?: boolean;
  /** The lowest and highest ratio of a single round. */
  readonly spread?: readonly [number, number];
}

export interface Report {
  readonly rows: readonly Row[];
  /** All there is to know, for the JSON. */
  readonly details?: unknown;
  /** What was left out, and why. */
  readonly skipped?: readonly string[];
}

export interface Benchmark {
  readonly name: string;
  /** What is measured: load, payload, processes. */
  readonly title: string;
  /** All of its processes take the library from `library.ts`, so that it can measure another tree's. */
  readonly takesLibrary?: true;
  /** It takes minutes, and runs only where it is named. */
  readonly isLong?: true;
  run(settings: Settings): Promise<Report>;
}

/** The row that compares one figure of two candidates. */
export function ratio(
  what: string,
  unit: string,
  figure: string,
  [ours, reference]: readonly [Sampled, Sampled],
  limit: Pick<Row, 'limit' | 'atLeast'> = {},
): Row {
  const ratios = ours.rounds.map((round, n) => round[figure]! / reference.rounds[n]![figure]!);
  return {
    what,
    unit,
    ours: ours.medians[figure]!,
    reference: reference.medians[figure]!,
    spread: [Math.min(...ratios), Math.max(...ratios)],
    ...limit,
  };
}

export function ratioOf({ ours, reference }: Row): number {
  return reference === undefined ? ours : ours / reference;
}

/** Whether a row is as it should be; `undefined` where nothing is asked of it. */
export function isMet(row: Row): boolean | undefined {
  if (row.limit === undefined) return undefined;
  const figure = row.isBound === true ? row.ours : ratioOf(row);
  return row.atLeast === true ? figure >= row.limit : figure <= row.limit;
}
