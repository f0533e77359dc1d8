/**
 * OpenTelemetry, as far as this package needs it: the providers that an SDK has registered for the process.
 *
 * Every copy of `@opentelemetry/api` 1.x finds them at one symbol of `globalThis`, and so does this file. It
 * imports nothing, so a bundle that holds the API, an application with two copies of it, and one without any are
 * alike. What copies of the API agree on is all that is used here: the two symbols, and the interfaces.
 */
import type * as Api from '@opentelemetry/api';
import { TraceState } from './trace-state.ts';

export type {
  Attributes,
  Context,
  Counter,
  Histogram,
  Link,
  Meter,
  Span,
  SpanContext,
  Tracer,
} from '@opentelemetry/api';

/** The name of the tracer and the meter. */
const SCOPE = 'tandem-sync';

/** `SpanKind`, `SpanStatusCode` and `TraceFlags` are objects of the API, which is not imported: their values. */
/* oxlint-disable typescript/no-unsafe-enum-assignment -- a test compares them with the API's */
export const SPAN_KIND = {
  SERVER: 1 as Api.SpanKind.SERVER,
  PRODUCER: 3 as Api.SpanKind.PRODUCER,
  CONSUMER: 4 as Api.SpanKind.CONSUMER,
} as const;
export const STATUS_ERROR = 2 as Api.SpanStatusCode.ERROR;
export const SAMPLED = 1 as Api.TraceFlags.SAMPLED;
/* oxlint-enable typescript/no-unsafe-enum-assignment */

/** Without an SDK there is no tracer, no meter and no active span. An SDK may be started at any time. */
export interface OpenTelemetry {
  tracer(): Api.Tracer | undefined;
  meter(): Api.Meter | undefined;
  activeSpan(): Api.Span | undefined;
  /** Runs a function while a span is the active one. */
  within<R>(span: Api.Span, run: () => R): R;
  /** A context in which nothing is active but the parent. */
  under(parent: Api.SpanContext): Api.Context;
  /** The active context, with the parent that a request's headers name. */
  extracted(headers: Readonly<Record<string, string | string[] | undefined>>): Api.Context;
  traceState(text: string): Api.TraceState;
}

/** What an SDK registers, by the names that the API gives it. */
interface Registered {
  readonly trace?: Api.TracerProvider;
  readonly context?: Api.ContextManager;
  readonly metrics?: Api.MeterProvider;
  readonly propagation?: Api.TextMapPropagator;
}

const REGISTERED = Symbol.for('opentelemetry.js.api.1');
const SPAN = Symbol.for('OpenTelemetry Context Key SPAN');

function registered(): Registered {
  return (globalThis as { [REGISTERED]?: Registered })[REGISTERED] ?? NONE;
}

const NONE: Registered = {};

export const openTelemetry: OpenTelemetry = {
  tracer: () => registered().trace?.getTracer(SCOPE),
  meter: () => registered().metrics?.getMeter(SCOPE),
  activeSpan: () => registered().context?.active().getValue(SPAN) as Api.Span | undefined,
  within(span, run) {
    const { context } = registered();
    return context === undefined ? run() : context.with(context.active().setValue(SPAN, span), run);
  },
  under: (parent) => ROOT.setValue(SPAN, new ParentSpan(parent)),
  extracted(headers) {
    const { context, propagation } = registered();
    const active = context?.active() ?? ROOT;
    return propagation?.extract(active, headers, HEADERS) ?? active;
  },
  traceState: (text) => TraceState.parse(text),
};

const HEADERS: Api.TextMapGetter<Readonly<Record<string, string | string[] | undefined>>> = {
  get: (headers, name) => headers[name],
  keys: (headers) => Object.keys(headers),
};

class Values implements Api.Context {
  readonly #values: ReadonlyMap<symbol, unknown>;

  constructor(values: ReadonlyMap<symbol, unknown>) {
    this.#values = values;
  }

  getValue(key: symbol): unknown {
    return this.#values.get(key);
  }

  setValue(key: symbol, value: unknown): Values {
    return new Values(new Map(this.#values).set(key, value));
  }

  deleteValue(key: symbol): Values {
    const values = new Map(this.#values);
    values.delete(key);
    return new Values(values);
  }
}

const ROOT = new Values(new Map());

/** A span of another place, which records nothing here. */
class ParentSpan implements Api.Span {
  readonly #context: Api.SpanContext;

  constructor(context: Api.SpanContext) {
    this.#context = context;
  }

  spanContext(): Api.SpanContext {
    return this.#context;
  }

  isRecording(): boolean {
    return false;
  }

  setAttribute(): this {
    return this;
  }

  setAttributes(): this {
    return this;
  }

  addEvent(): this {
    return this;
  }

  addLink(): this {
    return this;
  }

  addLinks(): this {
    return this;
  }

  setStatus(): this {
    return this;
  }

  updateName(): this {
    return this;
  }

  end(): void {}

  recordException(): void {}
}
