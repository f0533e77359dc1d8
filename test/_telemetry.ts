/** A real SDK for one test process: spans are kept in memory, metrics are collected when asked for. */
import { context, metrics, trace } from '@opentelemetry/api';
import type { Link, Span } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import type { DataPoint, Histogram, MetricData } from '@opentelemetry/sdk-metrics';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import {
  InMemorySpanExporter,
  SamplingDecision,
  SimpleSpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace';

export class TestTelemetry {
  readonly #spans = new InMemorySpanExporter();
  readonly #metrics = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  readonly #reader = new PeriodicExportingMetricReader({
    exporter: this.#metrics,
    exportIntervalMillis: 3_600_000,
  });
  readonly #traces = new TracerProvider({
    spanProcessors: [new SimpleSpanProcessor({ exporter: this.#spans })],
    // By name, so that one test can hold both kinds.
    sampler: {
      shouldSample: (_context, _traceId, name) => ({
        decision: name.startsWith('unsampled')
          ? SamplingDecision.NOT_RECORD
          : SamplingDecision.RECORD_AND_SAMPLED,
      }),
      toString: () => 'by name',
    },
  });

  constructor() {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    trace.setGlobalTracerProvider(this.#traces);
    metrics.setGlobalMeterProvider(new MeterProvider({ readers: [this.#reader] }));
  }

  /** Runs in a span of the application's. */
  in<T>(name: string, run: (span: Span) => T): T {
    return trace.getTracer('test').startActiveSpan(name, (span) => {
      try {
        return run(span);
      } finally {
        span.end();
      }
    });
  }

  /** Those that have ended, oldest first. */
  get spans(): readonly ReadableSpan[] {
    return this.#spans.getFinishedSpans();
  }

  /** Children of a span. */
  under(parent: Pick<Span, 'spanContext'>): ReadableSpan[] {
    const { spanId, traceId } = parent.spanContext();
    return this.spans.filter(
      (span) => span.parentSpanContext?.spanId === spanId && span.spanContext().traceId === traceId,
    );
  }

  async collect(): Promise<readonly MetricData[]> {
    this.#metrics.reset();
    await this.#reader.forceFlush();
    return this.#metrics
      .getMetrics()
      .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics));
  }

  async points(name: string): Promise<readonly DataPoint<number | Histogram>[]> {
    const found = (await this.collect()).find(({ descriptor }) => descriptor.name === name);
    return (found?.dataPoints ?? []) as DataPoint<number | Histogram>[];
  }
}

export const linked = (links: readonly Link[]): string[] => links.map(({ context }) => context.spanId);
