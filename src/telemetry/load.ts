/** Gauges of the load that Tandem puts on its process. */
import type { Load } from '../base/load.ts';
import type { Meter } from './open-telemetry.ts';

/** Begins to observe. Returns a function that ends it. */
export function observeLoad(meter: Meter, load: () => Load): () => void {
  const gauge = (name: string, unit: string, description: string) =>
    meter.createObservableGauge(name, { unit, description });
  const stretch = gauge(
    'tandem.stretch.max',
    's',
    'Longest time in the last minute for which work of Tandem held the event loop',
  );
  const held = gauge('tandem.http.held', 'By', 'What HTTP clients have not taken yet');
  const slices = gauge('tandem.slices.waiting', '{job}', 'Jobs in slices that are not finished');
  const all = [stretch, held, slices];
  const collect: Parameters<Meter['addBatchObservableCallback']>[0] = (result) => {
    const { longestStretchMs, heldBytes, waitingSlices } = load();
    result.observe(stretch, longestStretchMs / 1_000);
    result.observe(held, heldBytes);
    result.observe(slices, waitingSlices);
  };
  meter.addBatchObservableCallback(collect, all);
  return () => meter.removeBatchObservableCallback(collect, all);
}
