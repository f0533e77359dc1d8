/**
 * Gauges of the event loop's delay, by the names of OpenTelemetry's conventions.
 * https://opentelemetry.io/docs/specs/semconv/runtime/nodejs-metrics/
 */
import { perfHooks } from '../base/node.ts';
import type { Meter } from './open-telemetry.ts';

const RESOLUTION_MS = 20;

/** Begins to measure. Returns a function that ends it. */
export function observeEventLoop(meter: Meter): () => void {
  const loop = perfHooks().monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  const gauge = (name: string, description: string) =>
    meter.createObservableGauge(`nodejs.eventloop.delay.${name}`, { unit: 's', description });
  const p50 = gauge('p50', 'Event loop delay, median since the last collection');
  const p99 = gauge('p99', 'Event loop delay, 99th percentile since the last collection');
  const max = gauge('max', 'Event loop delay, longest since the last collection');
  const all = [p50, p99, max];
  const collect: Parameters<Meter['addBatchObservableCallback']>[0] = (result) => {
    if (loop.count === 0) return;
    // Node records the time between two ticks of a timer, so the timer's period is no delay.
    const delay = (ns: number): number => Math.max(0, ns / 1e9 - RESOLUTION_MS / 1_000);
    result.observe(p50, delay(loop.percentile(50)));
    result.observe(p99, delay(loop.percentile(99)));
    result.observe(max, delay(loop.max));
    loop.reset();
  };
  loop.enable();
  meter.addBatchObservableCallback(collect, all);
  return () => {
    meter.removeBatchObservableCallback(collect, all);
    loop.disable();
  };
}
