/** The daily bars of the S&P 500, from the `vega-datasets` package. */
import { readFileSync } from 'node:fs';
import { LastBar } from './schemas.ts';

/** One daily bar: prices in index points, volume in shares, date as yyyy-mm-dd. */
export type Bar = LastBar;

const HEADER = 'date,open,high,low,close,adjclose,volume';

/**
 * Every bar of `data/sp500-2000.csv`, oldest first: 5,105 trading days, 2000-01-03 to 2020-04-17. An index
 * pays no dividend, so the adjusted close equals the close, and is left out.
 */
export function readBars(): Bar[] {
  const csv = new URL('../data/sp500-2000.csv', import.meta.resolve('vega-datasets'));
  return parseBars(readFileSync(csv, 'utf8'));
}

/** Parses a csv text with the header above. Throws an error that names the first bad line. */
export function parseBars(csv: string): Bar[] {
  const [header, ...rows] = csv.trimEnd().split(/\r?\n/);
  if (header !== HEADER) throw new Error(`line 1: expected the header ${HEADER}, got ${header}`);
  const bars: Bar[] = [];
  for (const [index, row] of rows.entries()) bars.push(parseBar(row, index + 2, bars.at(-1)));
  return bars;
}

function parseBar(row: string, line: number, previous: Bar | undefined): Bar {
  const [date, open, high, low, close, , volume, ...extra] = row.split(',');
  if (volume === undefined || extra.length > 0) throw new Error(`line ${line}: expected 7 columns: ${row}`);
  const parsed = LastBar.safeParse({
    date,
    open: numeric(open),
    high: numeric(high),
    low: numeric(low),
    close: numeric(close),
    volume: numeric(volume),
  });
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`.trim());
    throw new Error(`line ${line}: ${problems.join('; ')}: ${row}`);
  }
  if (previous && parsed.data.date <= previous.date) {
    throw new Error(`line ${line}: ${parsed.data.date} does not come after ${previous.date}`);
  }
  return parsed.data;
}

// Number('') is 0, which would pass as a volume.
function numeric(field: string | undefined): number {
  return field ? Number(field) : NaN;
}
