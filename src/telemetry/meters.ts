/** Metrics of this process, by OpenTelemetry's meters. docs/telemetry.md lists their names and units. */
import type { ServerClock } from '../base/clock.ts';
import type { Load } from '../base/load.ts';
import type { Time } from '../base/time.ts';
import type { Observers } from '../ports/observer.ts';
import type { Registered } from '../ports/registry.ts';
import { counting } from './counters.ts';
import { observeEventLoop } from './event-loop.ts';
import { observeParticipants } from './gauges.ts';
import { observeLoad } from './load.ts';
import { Leases } from './leases.ts';
import { ModeTimes } from './mode-times.ts';
import type { OpenTelemetry } from './open-telemetry.ts';

export interface Measured {
  readonly time: Time;
  readonly clock: ServerClock;
  readonly observers: Observers;
  readonly participants: Iterable<Registered>;
  readonly load: () => Load;
}

/**
 * Begins to measure, where the application has an SDK for metrics.
 * @returns a function that ends the measuring; `undefined` without an SDK
 */
export function measure(otel: OpenTelemetry | undefined, measured: Measured): (() => void) | undefined {
  const meter = otel?.meter();
  if (meter === undefined) return undefined;
  const { time, clock, observers, participants, load } = measured;
  const modes = new ModeTimes(time);
  const ends = meter.createCounter('tandem.stops', {
    unit: '{stop}',
    description: 'Times that the process has stopped Tandem itself',
  });
  // A process of the same name that ended in order before this one has left a 1.
  ends.add(0);
  const leases = new Leases(time);
  const stops = [
    observers.add(modes.observer()),
    observers.add(leases.observer()),
    observers.add(counting(meter)),
    observeParticipants(meter, { clock, participants, modes, leases }),
    observeEventLoop(meter),
    observeLoad(meter, load),
    () => ends.add(1),
  ];
  return () => stops.forEach((stop) => stop());
}
