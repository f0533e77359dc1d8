/**
 * A process whose metrics are recorded: `process.ts <owner|follower> <name> <redis url>`. Its parent asks for the
 * metrics by a message, as a Prometheus does by a scrape, and gets them as OpenTelemetry's SDK collects them.
 */
import { metrics } from '@opentelemetry/api';
import type { DataPoint, Histogram, MetricData } from '@opentelemetry/sdk-metrics';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { z } from 'zod';
import { connect, defineSpace } from '../../src/index.ts';

/** The metrics of a process at one tick. */
export interface Report {
  readonly tick: number;
  readonly metrics: readonly Metric[];
}

export interface Metric {
  readonly name: string;
  readonly unit: string;
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly points: readonly {
    readonly attributes: Readonly<Record<string, string>>;
    readonly value: number | Pick<Histogram, 'buckets' | 'count' | 'sum'>;
  }[];
}

const SETS_MS = 100;
const space = defineSpace('trading', { n: z.number() });
const [role, name, redis] = process.argv.slice(2) as [string, string, string];

const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));

const tandem = connect({ redis, name, log: false });
if (role === 'owner') {
  const owner = tandem.own(space);
  let n = 0;
  setInterval(() => owner.set('n', (n += 1)), SETS_MS);
} else tandem.follow(space);

process.on('message', (tick: number) => void report(tick));
process.on('disconnect', () => process.exit());

async function report(tick: number): Promise<void> {
  exporter.reset();
  await reader.forceFlush();
  const all = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((one) => one.metrics));
  process.send!({ tick, metrics: all.map(metricOf) } satisfies Report);
}

function metricOf(data: MetricData): Metric {
  const { name, unit } = data.descriptor;
  const isSum = 'isMonotonic' in data && data.isMonotonic;
  const points = (data.dataPoints as DataPoint<number | Histogram>[]).map(({ attributes, value }) => ({
    attributes: Object.fromEntries(Object.entries(attributes).map(([key, one]) => [key, String(one)])),
    value,
  }));
  const kind = points.some(({ value }) => typeof value === 'object')
    ? 'histogram'
    : isSum
      ? 'counter'
      : 'gauge';
  return { name, unit, kind, points };
}
