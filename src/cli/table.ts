/** Tables for a terminal: columns as wide as their longest cell. Pure. */
import type { Paint, Tone } from './paint.ts';
import { harmless } from './paint.ts';

export interface Cell {
  readonly text: string;
  readonly tone?: Tone | undefined;
}

export interface Column {
  readonly title: string;
  /** Numbers stand at the right. Default left. */
  readonly align?: 'left' | 'right';
}

const GAP = '  ';

/**
 * The lines of a table, each with its line break. The last column is not filled up, so that it can be long.
 * @param width the most characters of a line; what is longer is cut, and ends with `…`. Default: no limit
 */
export function tableOf(
  columns: readonly Column[],
  rows: readonly (readonly (Cell | string)[])[],
  paint: Paint,
  width = Infinity,
): string {
  const cells = rows.map((row) => row.map(cellOf));
  const widths = columns.map(({ title }, at) =>
    cells.reduce((most, row) => Math.max(most, lengthOf(row[at]?.text ?? '')), title.length),
  );
  const head = columns.map(({ title }): Cell => ({ text: title, tone: 'quiet' }));
  return [head, ...cells].map((row) => lineOf(columns, widths, row, paint, width)).join('');
}

function cellOf(cell: Cell | string): Cell {
  return typeof cell === 'string' ? { text: harmless(cell) } : { ...cell, text: harmless(cell.text) };
}

function lineOf(
  columns: readonly Column[],
  widths: readonly number[],
  row: readonly Cell[],
  paint: Paint,
  width: number,
): string {
  let line = '';
  let left = width;
  for (const [at, { align }] of columns.entries()) {
    const { text, tone } = row[at] ?? { text: '' };
    const isLast = at === columns.length - 1;
    const gap = at === 0 ? '' : GAP;
    const room = Math.max(0, left - gap.length);
    const shown = lengthOf(text) > room ? `${cut(text, Math.max(0, room - 1))}…` : text;
    if (room === 0) break;
    const fill = ' '.repeat(Math.max(0, Math.min(widths[at]!, room) - lengthOf(shown)));
    const painted = tone === undefined || shown === '' ? shown : paint(tone, shown);
    line += gap + (align === 'right' ? fill + painted : isLast ? painted : painted + fill);
    left -= gap.length + Math.min(widths[at]!, room);
  }
  return `${line.trimEnd()}\n`;
}

/** In characters of a terminal, as far as one code point is one character. */
function lengthOf(text: string): number {
  let length = 0;
  for (const _ of text) length += 1;
  return length;
}

function cut(text: string, length: number): string {
  return Array.from(text).slice(0, length).join('');
}
