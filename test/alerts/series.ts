/**
 * Metrics as Prometheus has them, by the rules that the collector's exporter follows too
 * (https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/), and series in the
 * notation of promtool: `1x3 _ 2` is 1 four times, nothing, and 2.
 */
import type { Metric } from './process.ts';

const SUFFIX: Readonly<Record<string, string>> = { s: '_seconds', By: '_bytes' };

export interface Instrument {
  readonly name: string;
  readonly unit: string;
  readonly kind: string;
}

/** The names of the series of an instrument. */
export function namesOf({ name, unit, kind }: Instrument): string[] {
  const base = name.replaceAll('.', '_') + (SUFFIX[unit] ?? '');
  if (kind === 'counter') return [`${base}_total`];
  return kind === 'gauge' ? [base] : ['_bucket', '_sum', '_count'].map((end) => base + end);
}

/** The values of one metric at one moment, by series. */
export function* samplesOf(
  metric: Metric,
  target: Readonly<Record<string, string>>,
): Generator<readonly [series: string, value: number], void, void> {
  const [first, sum, count] = namesOf(metric) as [string, string, string];
  for (const { attributes, value } of metric.points) {
    const labels = { ...target, ...attributes };
    if (typeof value === 'number') yield [seriesOf(first, labels), value];
    else {
      let below = 0;
      for (const [index, within] of value.buckets.counts.entries()) {
        below += within;
        const le = value.buckets.boundaries[index] ?? '+Inf';
        yield [seriesOf(first, { ...labels, le: `${le}` }), below];
      }
      yield [seriesOf(sum, labels), value.sum ?? 0];
      yield [seriesOf(count, labels), value.count];
    }
  }
}

function seriesOf(name: string, labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([key, value]) => `${key.replaceAll(/\W/g, '_')}="${value}"`);
  return `${name}{${pairs.join(',')}}`;
}

/** A value for each step; `undefined` where there is none. */
export type Values = readonly (number | undefined)[];

export function printValues(values: Values): string {
  const runs: { text: string; times: number }[] = [];
  for (const value of values) {
    const text = value === undefined ? '_' : `${Number(value.toPrecision(6))}`;
    const last = runs.at(-1);
    if (last?.text === text) last.times += 1;
    else runs.push({ text, times: 1 });
  }
  // promtool takes `1x2` for 1 three times, but `_x2` for nothing twice.
  const print = ({ text, times }: (typeof runs)[number]): string =>
    times === 1 ? text : `${text}x${text === '_' ? times : times - 1}`;
  return runs.map(print).join(' ');
}

export function parseValues(text: string): Values {
  return text.split(' ').flatMap((run) => {
    const [value = '', more] = run.split('x');
    if (value === '_') return Array.from({ length: Number(more ?? 1) }, () => undefined);
    return Array.from({ length: Number(more ?? 0) + 1 }, () => Number(value));
  });
}
