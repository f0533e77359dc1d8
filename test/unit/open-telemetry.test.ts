/** What copies of OpenTelemetry's API agree on: this package's view of it is the API's own. */
import {
  context,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
} from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { TracerProvider } from '@opentelemetry/sdk-trace';
import test from 'ava';
import { openTelemetry, SAMPLED, SPAN_KIND, STATUS_ERROR } from '../../src/telemetry/open-telemetry.ts';

const PARENT = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: 1 };

test.serial('without an SDK there is nothing', (t) => {
  t.is(openTelemetry.tracer(), undefined);
  t.is(openTelemetry.meter(), undefined);
  t.is(openTelemetry.activeSpan(), undefined);
  t.is(openTelemetry.extracted({ traceparent: 'any' }).getValue(Symbol.for('any')), undefined);
});

test.serial('an SDK that is started later is found', (t) => {
  trace.setGlobalTracerProvider(new TracerProvider({}));
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const span = openTelemetry.tracer()!.startSpan('ours');
  t.true(span.isRecording());
  t.is(
    openTelemetry.within(span, () => trace.getActiveSpan()),
    span,
  );
  t.is(
    context.with(trace.setSpan(context.active(), span), () => openTelemetry.activeSpan()),
    span,
  );
  t.is(openTelemetry.activeSpan(), undefined);
});

test.serial('a parent is the one that the API finds', (t) => {
  t.deepEqual(trace.getSpanContext(openTelemetry.under(PARENT)), PARENT);
  t.false(trace.getSpan(openTelemetry.under(PARENT))!.isRecording());
  const child = openTelemetry.tracer()!.startSpan('child', {}, openTelemetry.under(PARENT));
  t.is(child.spanContext().traceId, PARENT.traceId);
});

test.serial('a propagator reads the headers of a request', (t) => {
  const key = Symbol('seen');
  propagation.setGlobalPropagator({
    inject: () => {},
    fields: () => [],
    extract: (context, carrier, getter) =>
      context.setValue(key, [getter.keys(carrier), getter.get(carrier, 'traceparent')]),
  });
  const headers = { traceparent: 'one', other: ['a', 'b'] };
  t.deepEqual(openTelemetry.extracted(headers).getValue(key), [['traceparent', 'other'], 'one']);
});

test('a context keeps what others put into it', (t) => {
  const [one, two] = [Symbol('one'), Symbol('two')];
  const ours = openTelemetry.under(PARENT).setValue(one, 1).setValue(two, 2).deleteValue(one);
  const theirs = ROOT_CONTEXT.setValue(one, 1).setValue(two, 2).deleteValue(one);
  t.deepEqual(
    [one, two].map((key) => ours.getValue(key)),
    [one, two].map((key) => theirs.getValue(key)),
  );
  t.deepEqual(trace.getSpanContext(ours), PARENT);
});

test('the values of its enumerations are its own', (t) => {
  t.deepEqual(SPAN_KIND, {
    SERVER: SpanKind.SERVER,
    PRODUCER: SpanKind.PRODUCER,
    CONSUMER: SpanKind.CONSUMER,
  });
  t.is(STATUS_ERROR, SpanStatusCode.ERROR);
  t.is(SAMPLED, TraceFlags.SAMPLED);
});
