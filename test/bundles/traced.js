/** A program to bundle, with OpenTelemetry in the same bundle: `<file> <url>` prints the spans of one change. */
import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { connect, defineSpace, json } from 'tandem-sync';

const exporter = new InMemorySpanExporter();
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
trace.setGlobalTracerProvider(
  new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }),
);

async function run() {
  const tandem = connect({ redis: process.argv[2], name: 'traced' });
  const owner = tandem.own(defineSpace('traced', { key: json() }));
  await owner.ready();
  trace.getTracer('app').startActiveSpan('a decision', (span) => {
    owner.set('key', 1);
    span.end();
  });
  await owner.flush({ timeoutMs: 20_000 });
  await tandem.stop();
  console.log(JSON.stringify(exporter.getFinishedSpans().map(({ name }) => name)));
}

void run();
