/**
 * A change as one trace: the span that set it → `commit` → `apply` in each follower, and requests that link
 * to it.
 *
 * A change that was set outside any sampled span gets no spans, and costs nothing. Invariant: spans hold
 * names, positions, counts and times; never a value.
 */
import { CappedMap } from '../base/capped-map.ts';
import type { Applied, Committed, Committing, ModeChanged, Role } from '../ports/observer.ts';
import type {
  Attributes,
  Context,
  Link,
  OpenTelemetry,
  Span,
  SpanContext,
  Tracer as Api,
} from './open-telemetry.ts';
import { SAMPLED, SPAN_KIND, STATUS_ERROR } from './open-telemetry.ts';
import type { Time } from '../base/time.ts';
import type { FrameTrace, TraceContext } from '../state/trace.ts';
import { boundedTracestate } from '../state/trace.ts';
import type { CommitSpan, Request, Tracer } from '../ports/tracer.ts';
import { isoTime } from '../base/time.ts';
import { RevisionNotes } from '../state/revision-notes.ts';
import { Outages } from './outages.ts';

/** The span in which a range of revisions was applied here. */
interface AppliedIn {
  readonly prev: number;
  readonly context: SpanContext;
}

export class Spans implements Tracer {
  readonly #otel: OpenTelemetry;
  #tracer: Api | undefined;
  readonly #time: Time;
  readonly #name: string;
  /** By space, the spans that applied the last revisions. */
  readonly #appliedIn = new CappedMap<RevisionNotes<AppliedIn>>();
  readonly #outages: Outages;
  #lastSpan: Span | undefined;
  #last: TraceContext | undefined;

  /** @param name this process's `connect({ name })` */
  constructor(otel: OpenTelemetry, name: string, time: Time) {
    this.#otel = otel;
    this.#name = name;
    this.#time = time;
    this.#outages = new Outages(time);
  }

  modeChanged(change: ModeChanged): void {
    this.#outages.changed(change);
  }

  current(): TraceContext | undefined {
    const span = this.#otel.activeSpan();
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
    const [first] = origins;
    const tracer = first && this.#theTracer();
    if (first === undefined || tracer === undefined) return undefined;
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
    const options = { kind: SPAN_KIND.PRODUCER, links, attributes };
    const span = tracer.startSpan(`commit ${space}`, options, this.#under(first, false));
    if (!span.isRecording()) return undefined;
    this.#tellOutages(span, space, 'owner', waitedMs);
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
          span.setStatus({ code: STATUS_ERROR });
        }
        span.end();
      },
    };
  }

  apply(frame: Applied, notify: () => void): void {
    const { trace } = frame;
    const parent = trace && readContext(trace);
    const tracer = parent && this.#isSampled(parent) ? this.#theTracer() : undefined;
    if (!trace || !tracer) return notify();
    const span = this.#startApply(tracer, frame, trace);
    if (!span.isRecording()) return notify();
    if (frame.path === 'redis') this.#tellOutages(span, frame.space, 'follower', frame.updateLatencyMs);
    this.#note(frame, span.spanContext());
    this.#otel.within(span, notify);
    span.end(this.#time.now());
  }

  async serve(request: Request, answer: () => Promise<unknown>): Promise<void> {
    const active = this.#otel.activeSpan();
    // With an active span, the application traces its requests itself, or has decided not to sample this one.
    const span = active ?? this.#startServe(request);
    if (!span?.isRecording()) return void (await answer());
    try {
      await this.#otel.within(span, answer);
    } finally {
      this.#linkRead(span, request.served());
      if (span !== active) this.#endServe(span, request);
    }
  }

  /** An SDK may be started after this process has connected. */
  #theTracer(): Api | undefined {
    return (this.#tracer ??= this.#otel.tracer());
  }

  #startServe({ method, path, scheme, headers }: Request): Span | undefined {
    const attributes = { 'http.request.method': method, 'url.path': path, 'url.scheme': scheme };
    const options = { kind: SPAN_KIND.SERVER, attributes };
    return this.#theTracer()?.startSpan(method, options, this.#otel.extracted(headers));
  }

  #endServe(span: Span, request: Request): void {
    const status = request.status();
    const route = request.route();
    span.setAttribute('http.response.status_code', status);
    if (route !== undefined) span.setAttribute('http.route', route).updateName(`${request.method} ${route}`);
    if (status >= 500) span.setAttribute('error.type', String(status)).setStatus({ code: STATUS_ERROR });
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

  #startApply(tracer: Api, frame: Applied, trace: FrameTrace): Span {
    const { space, path, position, keys, bytes, receivedAt } = frame;
    const { updateLatencyMs, frameLatencyMs, errorMs, ownerMs, followerMs } = frame;
    const attributes: Attributes = {
      ...this.#messaging('apply', 'process', space, position, bytes),
      'tandem.path': path,
      'tandem.keys': keys,
      'tandem.update.error_ms': errorMs,
      ...(updateLatencyMs !== undefined && { 'tandem.update.latency_ms': updateLatencyMs }),
      ...(frameLatencyMs !== undefined && { 'tandem.update.frame_latency_ms': frameLatencyMs }),
      ...(ownerMs !== undefined && { 'tandem.update.owner_ms': ownerMs }),
      ...(followerMs !== undefined && { 'tandem.update.follower_ms': followerMs }),
    };
    const links = this.#links(trace.links ?? []);
    const options = { kind: SPAN_KIND.CONSUMER, links, attributes, startTime: receivedAt };
    return tracer.startSpan(`apply ${space}`, options, this.#under(trace, true));
  }

  /** What took so long up to now has crossed the outages of that time: the span has an event for each. */
  #tellOutages(span: Span, space: string, role: Role, tookMs = 0): void {
    const time = this.#time;
    const now = time.now();
    for (const { reason, from, to = now } of this.#outages.since(space, role, now - tookMs)) {
      const [begin, end] = [from, to].map((at) => isoTime(time.wall() - (now - at)));
      span.addEvent('tandem.outage', {
        'tandem.outage.summary': `Redis was out for this ${role} from ${begin} to ${end}: ${reason}`,
        'tandem.outage.reason': reason,
        'tandem.outage.from': begin,
        'tandem.outage.to': end,
        'tandem.outage.duration_ms': to - from,
      });
    }
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
    return this.#otel.under(this.#withState({ ...readContext(parent), isRemote }, parent));
  }

  #withState(context: SpanContext, { tracestate }: TraceContext): SpanContext {
    return tracestate === undefined ? context : { ...context, traceState: this.#otel.traceState(tracestate) };
  }

  #links(traceparents: readonly string[]): Link[] {
    return traceparents.map((traceparent) => ({ context: readContext({ traceparent }) }));
  }

  #isSampled({ traceFlags }: SpanContext): boolean {
    return (traceFlags & SAMPLED) !== 0;
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
