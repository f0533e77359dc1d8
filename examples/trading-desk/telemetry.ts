/**
 * The traces, metrics and logs that a process of the demo sends to `OTEL_EXPORTER_OTLP_ENDPOINT`. Without
 * that variable nothing is sent, and the SDK is not even loaded.
 */
import type * as Api from '@opentelemetry/api';
import { onLog } from './log.ts';

const STOP_TIMEOUT_MS = 1_000;
/** People watch a demo while it runs, so its telemetry has to arrive soon. */
const SOON = {
  OTEL_METRIC_EXPORT_INTERVAL: '5000',
  OTEL_BSP_SCHEDULE_DELAY: '500',
  OTEL_BLRP_SCHEDULE_DELAY: '500',
};

export interface Telemetry {
  /** Runs a function in a span. */
  span: <T>(name: string, run: () => T) => T;
  /** The id of the present trace, if that trace is sampled. */
  traceId: () => string | undefined;
  /** Sends what is left, within a second. */
  stop: () => Promise<void>;
}

const NONE: Telemetry = {
  span: (_, run) => run(),
  traceId: () => undefined,
  stop: () => Promise.resolve(),
};

/**
 * Call this before anything that is to be traced.
 * @param instance the name of this process among those of its service, the same after a restart: the alerts know
 *   by it that one came back
 */
export async function startTelemetry(service: string, instance: string): Promise<Telemetry> {
  if (!process.env['OTEL_EXPORTER_OTLP_ENDPOINT']) return NONE;
  for (const [name, value] of Object.entries(SOON)) process.env[name] ??= value;
  const [api, { startNodeSdk }] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/sdk-node'),
  ]);
  // The SDK writes its own messages to stderr, since stdout is the trading log.
  const sdk = startNodeSdk({
    logLevel: 'error',
    resourceAttributes: {
      'service.name': service,
      'service.namespace': 'trading-desk',
      'service.instance.id': instance,
    },
  });
  sendLogs(api);
  return {
    span: (name, run) =>
      api.trace.getTracer('trading-desk').startActiveSpan(name, (span) => {
        try {
          return run();
        } finally {
          span.end();
        }
      }),
    traceId: () => {
      const context = api.trace.getActiveSpan()?.spanContext();
      return context && context.traceFlags & api.TraceFlags.SAMPLED ? context.traceId : undefined;
    },
    stop: async () => {
      const late = new Promise<void>((resolve) => setTimeout(resolve, STOP_TIMEOUT_MS).unref());
      await Promise.race([sdk.shutdown().catch(() => {}), late]);
    },
  };
}

function sendLogs(api: typeof Api): void {
  const logger = api.logs.getLogger('trading-desk');
  const { ERROR, INFO, WARN } = api.SeverityNumber;
  const severities = { info: INFO, warn: WARN, error: ERROR };
  onLog((event, attributes, level) => {
    const body = attributes['message'] ?? event;
    logger.emit({ eventName: event, body, severityNumber: severities[level], attributes });
  });
}
