/**
 * Receives OTLP over HTTP and protobuf, as a collector does, and decodes it with protobufjs. The schema below
 * has only those fields of the OTLP messages that tests read. protobufjs skips the others.
 */
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import protobuf from 'protobufjs';

/** https://opentelemetry.io/docs/specs/otlp/ */
const { root } = protobuf.parse(`
  syntax = "proto3";
  package otlp;
  message AnyValue { oneof value { string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4; } }
  message KeyValue { string key = 1; AnyValue value = 2; }
  message Resource { repeated KeyValue attributes = 1; }
  message Scope { string name = 1; }

  message Link { bytes trace_id = 1; bytes span_id = 2; }
  message Span {
    bytes trace_id = 1; bytes span_id = 2; bytes parent_span_id = 4; string name = 5; int32 kind = 6;
    fixed64 start_time_unix_nano = 7; fixed64 end_time_unix_nano = 8;
    repeated KeyValue attributes = 9; repeated Link links = 13;
  }
  message ScopeSpans { Scope scope = 1; repeated Span spans = 2; }
  message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; }
  message Traces { repeated ResourceSpans resource_spans = 1; }

  message Metric { string name = 1; string unit = 3; }
  message ScopeMetrics { Scope scope = 1; repeated Metric metrics = 2; }
  message ResourceMetrics { Resource resource = 1; repeated ScopeMetrics scope_metrics = 2; }
  message Metrics { repeated ResourceMetrics resource_metrics = 1; }

  message LogRecord { AnyValue body = 5; repeated KeyValue attributes = 6; }
  message ScopeLogs { Scope scope = 1; repeated LogRecord log_records = 2; }
  message ResourceLogs { Resource resource = 1; repeated ScopeLogs scope_logs = 2; }
  message Logs { repeated ResourceLogs resource_logs = 1; }
`);

type Attributes = Readonly<Record<string, string | number | boolean>>;

export interface ReceivedSpan {
  /** `service.name` of the process that sent the span. */
  readonly service: string;
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  /** Ms since 1970. */
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Attributes;
  /** Ids of the spans that this span links to. */
  readonly links: readonly string[];
}

export class OtlpReceiver {
  readonly spans: ReceivedSpan[] = [];
  /** The names and units of the metrics, by service. */
  readonly metrics = new Map<string, Map<string, string>>();
  /** The event names in the log, by service. */
  readonly logs = new Map<string, string[]>();
  /** The raw bodies, for searching. */
  readonly bodies: Buffer[] = [];
  readonly #server = createServer((request, response) => void this.#take(request, response));

  static async start(): Promise<OtlpReceiver> {
    const receiver = new OtlpReceiver();
    receiver.#server.listen(0, '127.0.0.1');
    await once(receiver.#server, 'listening');
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  /** The spans of one trace. */
  trace(traceId: string): ReceivedSpan[] {
    return this.spans.filter((span) => span.traceId === traceId);
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const whole = Buffer.concat(pieces);
    const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(whole) : whole;
    this.bodies.push(body);
    if (request.url === '/v1/traces') this.#takeTraces(body);
    else if (request.url === '/v1/metrics') this.#takeMetrics(body);
    else if (request.url === '/v1/logs') this.#takeLogs(body);
    // An empty message means that all of the data was accepted.
    response.writeHead(200, { 'Content-Type': 'application/x-protobuf' }).end();
  }

  #takeTraces(body: Buffer): void {
    for (const { resource, scopeSpans = [] } of decode('Traces', body).resourceSpans ?? [])
      for (const { spans = [] } of scopeSpans)
        for (const span of spans) this.spans.push(asSpan(serviceOf(resource), span));
  }

  #takeMetrics(body: Buffer): void {
    for (const { resource, scopeMetrics = [] } of decode('Metrics', body).resourceMetrics ?? []) {
      const units = this.metrics.get(serviceOf(resource)) ?? new Map<string, string>();
      this.metrics.set(serviceOf(resource), units);
      for (const { metrics = [] } of scopeMetrics)
        for (const { name, unit } of metrics) units.set(name, unit ?? '');
    }
  }

  #takeLogs(body: Buffer): void {
    for (const { resource, scopeLogs = [] } of decode('Logs', body).resourceLogs ?? []) {
      const events = this.logs.get(serviceOf(resource)) ?? [];
      this.logs.set(serviceOf(resource), events);
      for (const { logRecords = [] } of scopeLogs)
        for (const { body: what } of logRecords) events.push(what.stringValue);
    }
  }
}

/** Decodes to plain objects: ids as base64, large numbers as strings, absent fields left out. */
function decode(message: 'Traces' | 'Metrics' | 'Logs', body: Buffer): Record<string, any[]> {
  const type = root.lookupType(`otlp.${message}`);
  return type.toObject(type.decode(body), { longs: String, bytes: String });
}

function serviceOf(resource: { attributes?: unknown[] } | undefined): string {
  return String(attributesOf(resource?.attributes)['service.name']);
}

function asSpan(service: string, span: any): ReceivedSpan {
  const hex = (base64: string | undefined): string => Buffer.from(base64 ?? '', 'base64').toString('hex');
  return {
    service,
    name: span.name,
    kind: span.kind,
    traceId: hex(span.traceId),
    spanId: hex(span.spanId),
    parentSpanId: hex(span.parentSpanId),
    startMs: Number(span.startTimeUnixNano) / 1e6,
    endMs: Number(span.endTimeUnixNano) / 1e6,
    attributes: attributesOf(span.attributes),
    links: (span.links ?? []).map(({ spanId }: { spanId: string }) => hex(spanId)),
  };
}

function attributesOf(pairs: readonly unknown[] = []): Attributes {
  const all = pairs as { key: string; value?: Record<string, string | number | boolean> }[];
  return Object.fromEntries(
    all.map(({ key, value = {} }) => {
      const [kind, one] = Object.entries(value)[0] ?? ['stringValue', ''];
      return [key, kind === 'intValue' ? Number(one) : one];
    }),
  );
}
