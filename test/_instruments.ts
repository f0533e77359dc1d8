/** Every instrument that Tandem creates, in the order in which it does. */
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { ServerClock } from '../src/base/clock.ts';
import { FakeTime } from '../src/base/fake-time.ts';
import { LoadMeter } from '../src/base/load.ts';
import { Slices } from '../src/base/slices.ts';
import { Observers } from '../src/ports/observer.ts';
import { measure } from '../src/telemetry/meters.ts';
import type { OpenTelemetry } from '../src/telemetry/open-telemetry.ts';
import { openTelemetry } from '../src/telemetry/open-telemetry.ts';

export interface Made {
  readonly name: string;
  readonly unit: string;
  readonly kind: 'counter' | 'histogram' | 'gauge';
}

export function instruments(): Made[] {
  const made: Made[] = [];
  const meter = new Proxy(new MeterProvider().getMeter('test'), {
    get(target, property) {
      const value = Reflect.get(target, property) as (...given: unknown[]) => unknown;
      const kind = /^create(?:Observable)?(Counter|Histogram|Gauge)$/.exec(String(property))?.[1];
      if (typeof value !== 'function' || kind === undefined) return value;
      return (name: string, options: { unit: string }) => {
        made.push({ name, unit: options.unit, kind: kind.toLowerCase() as Made['kind'] });
        return value.call(target, name, options);
      };
    },
  });
  const otel: OpenTelemetry = { ...openTelemetry, meter: () => meter };
  const time = new FakeTime();
  const load = () => new LoadMeter(new Slices(time)).now();
  measure(otel, {
    time,
    clock: new ServerClock(time),
    observers: new Observers(),
    participants: [],
    load,
  })!();
  return made;
}
