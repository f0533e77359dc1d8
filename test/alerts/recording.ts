/** A recording of `record.ts`. */
import { readFileSync } from 'node:fs';
import type { Values } from './series.ts';
import { parseValues } from './series.ts';

export interface Recording {
  /** The names of all metrics that were exported. */
  readonly names: readonly string[];
  readonly series: readonly { readonly series: string; readonly values: Values }[];
}

export function readRecording(scenario: string): Recording {
  const [head = '', ...lines] = readFileSync(`test/fixtures/alerts/${scenario}.txt`, 'utf8')
    .trimEnd()
    .split('\n');
  return {
    names: head.replace('# names ', '').split(' '),
    series: lines.map((line) => {
      const end = line.indexOf('} ') + 1;
      return { series: line.slice(0, end), values: parseValues(line.slice(end + 1)) };
    }),
  };
}
