/** The same figure of all runs of a comparison, joined by benchmark and row. */
import type { Report, Row } from '../harness/benchmark.ts';
import type { Side } from './order.ts';

/** What one run found, by benchmark. */
export type Reports = Readonly<Record<string, Report>>;

/** What each side's benchmarks found in one round. */
export interface Round extends Readonly<Record<Side, Reports>> {
  /** What this tree's benchmarks found of the other tree's library, where the other tree's own lack a row. */
  readonly borrowed?: Reports;
}

export interface Series extends Readonly<Record<Side, readonly number[]>> {
  readonly benchmark: string;
  readonly what: string;
  readonly unit: string;
  readonly isMoreBetter: boolean;
  /** The other tree's figures are of this tree's benchmark. */
  readonly isBorrowed: boolean;
}

export interface Joined {
  readonly series: readonly Series[];
  /** Rows that one side lacks, as "benchmark: row". */
  readonly onlyThis: readonly string[];
  readonly onlyThat: readonly string[];
}

interface Named {
  readonly benchmark: string;
  readonly row: Row;
}

/** Of a row, our own figure counts; what it is compared with in its benchmark plays no part. */
export function join(rounds: readonly Round[]): Joined {
  const [first] = rounds;
  if (first === undefined) return { series: [], onlyThis: [], onlyThat: [] };
  const ours = rowsOf(first.this);
  const series = ours
    .map((named) => seriesOf(named, rounds))
    .filter((one): one is Series => one !== undefined);
  return {
    series: series.filter((one, n) => !series.slice(0, n).some((earlier) => isSameFigure(one, earlier))),
    onlyThis: ours.filter((named) => !series.some((one) => isOf(one, named))).map(nameOf),
    onlyThat: rowsOf(first.that)
      .filter(({ benchmark, row }) => find(first.this, benchmark, row.what) === undefined)
      .map(nameOf),
  };
}

/** The benchmarks that have a row here which they do not have there. */
export function lacking(here: Reports, there: Reports): string[] {
  const missing = rowsOf(here).filter(({ benchmark, row }) => find(there, benchmark, row.what) === undefined);
  return [...new Set(missing.map(({ benchmark }) => benchmark))];
}

function seriesOf({ benchmark, row }: Named, rounds: readonly Round[]): Series | undefined {
  const { what, unit, atLeast = false } = row;
  const figures = (reports: (round: Round) => Reports | undefined): (number | undefined)[] =>
    rounds.map((round) => find(reports(round) ?? {}, benchmark, what)?.ours);
  const own = figures((round) => round.that);
  // All of them or none: those of two benchmarks are not mixed in one series.
  const isBorrowed = !isComplete(own);
  const that = isBorrowed ? figures((round) => round.borrowed) : own;
  const [here, control] = [figures((round) => round.this), figures((round) => round.control)];
  if (!isComplete(here) || !isComplete(that) || !isComplete(control)) return undefined;
  return { benchmark, what, unit, isMoreBetter: atLeast, isBorrowed, this: here, that, control };
}

/** JSON has `null` for what is no number. */
function isComplete(figures: readonly (number | null | undefined)[]): figures is readonly number[] {
  return figures.every((figure) => typeof figure === 'number');
}

/** One figure stands in several rows where a benchmark compares it with several references. */
function isSameFigure(one: Series, other: Series): boolean {
  return (
    one.benchmark === other.benchmark &&
    one.unit === other.unit &&
    (['this', 'that', 'control'] as const).every((side) =>
      one[side].every((figure, n) => figure === other[side][n]),
    )
  );
}

function rowsOf(reports: Reports): Named[] {
  return Object.entries(reports).flatMap(([benchmark, { rows }]) => rows.map((row) => ({ benchmark, row })));
}

function find(reports: Reports, benchmark: string, what: string): Row | undefined {
  return reports[benchmark]?.rows.find((row) => row.what === what);
}

function isOf(series: Series, { benchmark, row }: Named): boolean {
  return series.benchmark === benchmark && series.what === row.what;
}

function nameOf({ benchmark, row }: Named): string {
  return `${benchmark}: ${row.what}`;
}
