/** Rows as a table in Markdown, for the terminal and for docs/performance.md alike. */
import type { Row } from './benchmark.ts';
import { isMet, ratioOf } from './benchmark.ts';

const HEAD = ['figure', 'ours', 'reference', 'ratio', 'rounds from – to', 'wanted', ''];

export function table(rows: readonly Row[]): string {
  return grid(HEAD, rows.map(cells));
}

/** The first column to the left, all others to the right. */
export function grid(head: readonly string[], body: readonly (readonly string[])[]): string {
  const lines = [head, ...body];
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]!.length), 3));
  const print = (line: readonly string[]): string =>
    `| ${line.map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!))).join(' | ')} |`;
  const rule = `| ${widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  return [print(lines[0]!), rule, ...lines.slice(1).map(print)].join('\n');
}

function cells(row: Row): string[] {
  const { what, unit, ours, reference, limit, isBound, atLeast, spread } = row;
  const isRatio = reference !== undefined;
  const met = isMet(row);
  const sign = atLeast ? '≥' : '≤';
  return [
    what,
    `${figure(ours)} ${unit}`,
    isRatio ? `${figure(reference)} ${unit}` : '',
    isRatio ? `${figure(ratioOf(row))} ×` : '',
    spread ? `${figure(spread[0])} – ${figure(spread[1])}` : '',
    limit === undefined ? '' : `${sign} ${limit} ${isRatio && isBound !== true ? '×' : unit}`,
    met === undefined ? '' : met ? 'met' : 'missed',
  ];
}

export function figure(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size >= 1_000) return Math.round(value).toLocaleString('en-US');
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2);
}
