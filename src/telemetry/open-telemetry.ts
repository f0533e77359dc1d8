/**
 * OpenTelemetry's API, where the application has installed it. No other file imports it. This package brings
 * no SDK; without an SDK the API does nothing.
 */
import { createRequire } from 'node:module';
import type * as Api from '@opentelemetry/api';

export type OpenTelemetry = typeof Api;
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
export const SCOPE = 'tandem-sync';

/** The API, or `undefined` where the application has not installed it. */
export const openTelemetry = load();

function load(): OpenTelemetry | undefined {
  try {
    return createRequire(import.meta.url)('@opentelemetry/api') as OpenTelemetry;
  } catch {
    return undefined;
  }
}
