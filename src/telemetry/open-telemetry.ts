/**
 * OpenTelemetry, where the application has it: the one file that knows its API. The library brings no SDK; without
 * one the API does nothing, and without the API there is nothing to do.
 */
import { createRequire } from 'node:module';
import type * as Api from '@opentelemetry/api';

export type OpenTelemetry = typeof Api;
export type { Attributes, Context, Link, Meter, Span, SpanContext, Tracer } from '@opentelemetry/api';

/** Under which name spans and metrics are found. */
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
