/** What a comparison found, as tables in Markdown: one for each benchmark. */
import { median } from '../harness/rounds.ts';
import { figure, grid } from '../harness/table.ts';
import type { Interval } from './interval.ts';
import type { Judged } from './verdict.ts';

const HEAD = ['figure', 'this', 'that', 'ratio', '95 % interval', 'this to itself', 'verdict'];

export function tables(judged: readonly Judged[]): string {
  return Object.entries(Object.groupBy(judged, ({ series }) => series.benchmark))
    .map(([benchmark, rows]) => `## ${benchmark}\n\n${grid(HEAD, rows!.map(cells))}`)
    .join('\n\n');
}

function cells({ series, ratio, interval, control, verdict, isNoisy }: Judged): string[] {
  const { what, unit, isBorrowed, isMoreBetter } = series;
  return [
    `${what}${isBorrowed ? ' †' : ''}`,
    `${figure(median(series.this))} ${unit}`,
    `${figure(median(series.that))} ${unit}`,
    `${ratio.toFixed(3)} ×${isMoreBetter ? ' (inverted)' : ''}`,
    between(interval),
    between(control.interval),
    isNoisy ? `${verdict}, but too noisy` : verdict,
  ];
}

function between(interval: Interval | undefined): string {
  return interval === undefined ? '' : `${interval.low.toFixed(3)} – ${interval.high.toFixed(3)}`;
}
