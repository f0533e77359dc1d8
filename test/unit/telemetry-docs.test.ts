/** The docs, the dashboard and the alert rules name exactly the metrics that exist. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { ServerClock } from '../../src/base/clock.ts';
import { LoadMeter } from '../../src/base/load.ts';
import { Slices } from '../../src/base/slices.ts';
import { measure } from '../../src/telemetry/meters.ts';
import { Observers } from '../../src/ports/observer.ts';
import type { OpenTelemetry } from '../../src/telemetry/open-telemetry.ts';
import { openTelemetry } from '../../src/telemetry/open-telemetry.ts';
import { FakeTime } from '../../src/base/fake-time.ts';

const RULES = 'docs/grafana/prometheus/alerts.yaml';
const DASHBOARD = 'docs/grafana/dashboards/tandem.json';

/**
 * The names that a Prometheus exporter makes
 * (https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/).
 */
const SUFFIX: Record<string, string> = { s: '_seconds', By: '_bytes' };

interface Made {
  readonly name: string;
  readonly unit: string;
  readonly kind: 'counter' | 'histogram' | 'gauge';
}

/** Every instrument that Tandem creates, in order. */
function instruments(): Made[] {
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

function prometheusNames({ name, unit, kind }: Made): string[] {
  const base = name.replaceAll('.', '_') + (SUFFIX[unit] ?? '');
  if (kind === 'counter') return [`${base}_total`];
  return kind === 'gauge' ? [base] : ['_bucket', '_sum', '_count'].map((end) => base + end);
}

test('the docs list every metric with its kind and unit, and no other metric', (t) => {
  const rows = readFileSync('docs/telemetry.md', 'utf8').matchAll(/^\| `([\w.]+)` +\| (\w+) +\| `([^`]+)`/gm);
  const told = [...rows].map(([, name, kind, unit]) => ({ name, kind, unit }));
  const byName = (a: { name?: string | undefined }, b: { name?: string | undefined }): number =>
    a.name! < b.name! ? -1 : 1;
  t.true(told.length > 20);
  t.deepEqual(told.sort(byName), instruments().sort(byName));
});

for (const file of [DASHBOARD, RULES]) {
  test(`${file} queries only metrics that exist`, (t) => {
    const known = new Set(instruments().flatMap(prometheusNames));
    const names = readFileSync(file, 'utf8').match(/\b(?:tandem|nodejs)_[a-z_\d]+(?=[{)[ ]| offset)/g) ?? [];
    const asked = new Set(names.filter((name) => !isLabel(name)));
    t.true(asked.size >= 4, 'a file without queries proves nothing');
    t.deepEqual(
      [...asked].filter((name) => !known.has(name)),
      [],
    );
  });
}

/** Labels stand in the places of metrics in `by (…)`. */
function isLabel(name: string): boolean {
  return /^tandem_(space|role|mode|path|link|reason|full)$/.test(name) && name !== 'tandem_mode';
}

test('compose.yaml publishes ports on loopback only, and mounts only files that exist', (t) => {
  const compose = readFileSync('compose.yaml', 'utf8');
  const ports = compose.match(/(?<=')[^'\n]*:\d+(?=')/g) ?? [];
  t.true(ports.length >= 6);
  t.deepEqual(
    ports.filter((port) => !/^127\.0\.0\.1:\d+:\d+$/.test(port)),
    [],
  );
  const mounted = [...compose.matchAll(/(\.\/[^:]+):\/[^:]+:ro/g)].map(([, from]) => from!);
  t.true(mounted.length >= 4);
  t.deepEqual(
    mounted.filter((from) => !existsSync(from)),
    [],
  );
});

const noPromtool =
  spawnSync('promtool', ['--version']).error === undefined ? undefined : 'no promtool on the PATH';
const fires = 'the alert rules fire when they should, by Prometheus itself';

function testRules(t: ExecutionContext): void {
  const { status, stdout, stderr } = spawnSync('promtool', ['test', 'rules', 'test/fixtures/alerts.yaml'], {
    encoding: 'utf8',
  });
  t.is(status, 0, `${stdout}${stderr}`);
}

if (noPromtool === undefined) test(fires, testRules);
else test.skip(`${fires} (skipped: ${noPromtool})`, testRules);
