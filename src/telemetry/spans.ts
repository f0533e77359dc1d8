/**
 * A change as one trace: the span that set it → `commit` → `apply` in each follower, and requests that link
 * to it.
 *
 * A change that was set outside any sampled span gets no spans, and costs nothing. Invariant: spans hold
 * names, positions, counts and times; never a value.
 */
import type { Applied, Committed, Committing } from '../ports/observer.ts';
import type {
  Attributes,
  Context,
  Link,
  OpenTelemetry,
  Span,
  SpanContext,
  Tracer as Api,
} from './open-telemetry.ts';
import { SCOPE } from './open-telemetry.ts';
import type { Time } from '../base/time.ts';
import type { FrameTrace, TraceContext } from '../state/trace.ts';
import { boundedTracestate } from '../state/trace.ts';
import type { CommitSpan, Request, Tracer } from '../ports/tracer.ts';
import { RevisionNotes } from '../state/revision-notes.ts';

/** The span in which a range of revisions was applied here. */
interface AppliedIn {
  readonly prev: number;
  readonly context: SpanContext;
}

export class Spans implements Tracer {
  readonly #otel: OpenTelemetry;
  readonly #tracer: Api;
  readonly #time: Time;
  readonly #name: string;
  /** By space, the spans that applied the last revisions. */
  readonly #appliedIn = new Map<string, RevisionNotes<AppliedIn>>();
  #lastSpan: Span | undefined;
  #last: TraceContext | undefined;

  /** @param name this process's `connect({ name })` */
  constructor(otel: OpenTelemetry, name: string, time: Time) {
    this.#otel = otel;
    this.#tracer = otel.trace.getTracer(SCOPE);
    this.#name = name;
    this.#time = time;
  }

  current(): TraceContext | undefined {
    const span = this.#otel.trace.getActiveSpan();
    // Many sets come from one span, so the last context is kept.
    if (span === undefined || span === this.#lastSpan) return span && this.#last;
    this.#lastSpan = span;
    this.#last = this.#isSampled(span.spanContext()) ? printContext(span.spanContext()) : undefined;
    return this.#last;
  }

  /**
   * A child of the span that set the commit's oldest change, with links to all spans that set a change of it.
   */
  commit(commit: Committing, origins: readonly TraceContext[]): CommitSpan | undefined {
    const { SpanKind, SpanStatusCode } = this.#otel;
    const [first] = origins;
    if (first === undefined) return undefined;
    const links = origins.length > 1 ? this.#links(origins.map(({ traceparent }) => traceparent)) : [];
    const { space, position, kind, keys, bytes, conflated, waitedMs } = commit;
    const attributes = {
      ...this.#messaging('commit', 'send', space, position, bytes),
      'tandem.path': 'redis',
      'tandem.commit.kind': kind,
      'tandem.keys': keys,
      'tandem.sets.conflated': conflated,
      ...(waitedMs !== undefined && { 'tandem.commit.wait_ms': waitedMs }),
    };
    const options = { kind: SpanKind.PRODUCER, links, attributes };
    const span = this.#tracer.startSpan(`commit ${space}`, options, this.#under(first, false));
    if (!span.isRecording()) return undefined;
    return {
      trace: printContext(span.spanContext()),
      end: ({ outcome, storeMs, bytes }: Committed) => {
        span.setAttributes({
          'messaging.message.body.size': bytes,
          'tandem.commit.outcome': outcome,
          'tandem.commit.store_ms': storeMs,
        });
        if (outcome !== 'committed') {
          span.setAttribute('error.type', outcome);
          span.setStatus({ code: SpanStatusCode.ERROR });
        }
        span.end();
      },
    };
  }

  apply(frame: Applied, notify: () => void): void {
    const { trace } = frame;
    const parent = trace && readContext(trace);
    if (!parent || !this.#isSampled(parent)) return notify();
    const span = this.#startApply(frame, trace);
    if (!span.isRecording()) return notify();
    this.#note(frame, span.spanContext());
    const { context, trace: traces } = this.#otel;
    context.with(traces.setSpan(context.active(), span), notify);
    span.end(this.#time.now());
  }

  async serve(request: Request, answer: () => Promise<unknown>): Promise<void> {
    const { trace, context } = this.#otel;
    const active = trace.getActiveSpan();
    // With an active span, the application traces its requests itself, or has decided not to sample this one.
    const span = active ?? this.#startServe(request);
    if (!span.isRecording()) return void (await answer());
    try {
      await context.with(trace.setSpan(context.active(), span), answer);
    } finally {
      this.#linkRead(span, request.served());
      if (span !== active) this.#endServe(span, request);
    }
  }

  #startServe({ method, path, scheme, headers }: Request): Span {
    const { context, propagation, SpanKind } = this.#otel;
    const attributes = { 'http.request.method': method, 'url.path': path, 'url.scheme': scheme };
    const parent = propagation.extract(context.active(), headers);
    return this.#tracer.startSpan(method, { kind: SpanKind.SERVER, attributes }, parent);
  }

  #endServe(span: Span, request: Request): void {
    const status = request.status();
    const route = request.route();
    span.setAttribute('http.response.status_code', status);
    if (route !== undefined) span.setAttribute('http.route', route).updateName(`${request.method} ${route}`);
    if (status >= 500)
      span.setAttribute('error.type', String(status)).setStatus({ code: this.#otel.SpanStatusCode.ERROR });
    span.end();
  }

  #linkRead(span: Span, served: ReturnType<Request['served']>): void {
    if (served === undefined) return;
    const { space, revision } = served;
    const applied = this.#appliedIn.get(space)?.from(revision);
    // A catch-up has no trace, so the first span after `revision` may be that of a later frame.
    if (applied === undefined || applied.prev >= revision) return;
    // A span of an older SDK accepts no links after its start.
    span.addLink?.({ context: applied.context, attributes: { 'tandem.space': space } });
  }

  #startApply(frame: Applied, trace: FrameTrace): Span {
    const { space, path, position, keys, bytes, receivedAt } = frame;
    const { updateLatencyMs, errorMs, ownerMs, followerMs } = frame;
    const attributes: Attributes = {
      ...this.#messaging('apply', 'process', space, position, bytes),
      'tandem.path': path,
      'tandem.keys': keys,
      'tandem.update.error_ms': errorMs,
      ...(updateLatencyMs !== undefined && { 'tandem.update.latency_ms': updateLatencyMs }),
      ...(ownerMs !== undefined && { 'tandem.update.owner_ms': ownerMs }),
      ...(followerMs !== undefined && { 'tandem.update.follower_ms': followerMs }),
    };
    const links = this.#links(trace.links ?? []);
    const options = { kind: this.#otel.SpanKind.CONSUMER, links, attributes, startTime: receivedAt };
    return this.#tracer.startSpan(`apply ${space}`, options, this.#under(trace, true));
  }

  /** https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/ */
  #messaging(name: string, type: string, space: string, position: string, bytes: number): Attributes {
    return {
      'messaging.system': 'tandem',
      'messaging.operation.name': name,
      'messaging.operation.type': type,
      'messaging.destination.name': space,
      'messaging.client.id': this.#name,
      'messaging.message.id': position,
      'messaging.message.body.size': bytes,
      'tandem.space': space,
      'tandem.position': position,
    };
  }

  #note({ space, prev, revision }: Applied, context: SpanContext): void {
    const notes = this.#appliedIn.get(space) ?? new RevisionNotes<AppliedIn>();
    this.#appliedIn.set(space, notes);
    notes.note(revision, { prev, context });
  }

  #under(parent: TraceContext, isRemote: boolean): Context {
    const { trace, ROOT_CONTEXT } = this.#otel;
    return trace.setSpanContext(ROOT_CONTEXT, this.#withState({ ...readContext(parent), isRemote }, parent));
  }

  #withState(context: SpanContext, { tracestate }: TraceContext): SpanContext {
    return tracestate === undefined
      ? context
      : { ...context, traceState: this.#otel.createTraceState(tracestate) };
  }

  #links(traceparents: readonly string[]): Link[] {
    return traceparents.map((traceparent) => ({ context: readContext({ traceparent }) }));
  }

  #isSampled({ traceFlags }: SpanContext): boolean {
    return (traceFlags & this.#otel.TraceFlags.SAMPLED) !== 0;
  }
}

function printContext({ traceId, spanId, traceFlags, traceState }: SpanContext): TraceContext {
  const flags = traceFlags.toString(16).padStart(2, '0');
  return {
    traceparent: `00-${traceId}-${spanId}-${flags}`,
    ...(traceState && boundedTracestate(traceState.serialize())),
  };
}

/** The span context of a well-formed traceparent. */
function readContext({ traceparent }: TraceContext): SpanContext {
  const [, traceId, spanId, flags] = traceparent.split('-') as [string, string, string, string];
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) };
}
