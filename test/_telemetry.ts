/** A real SDK for one test process. It keeps spans in memory, and collects metrics on request. */
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
    // The name of a span decides, so that one test can have sampled and unsampled spans.
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

  /** Runs a function in a span of the application. */
  in<T>(name: string, run: (span: Span) => T): T {
    return trace.getTracer('test').startActiveSpan(name, (span) => {
      try {
        return run(span);
      } finally {
        span.end();
      }
    });
  }

  /** The spans that have ended, oldest first. */
  get spans(): readonly ReadableSpan[] {
    return this.#spans.getFinishedSpans();
  }

  /** The children of a span. */
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
