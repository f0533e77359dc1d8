/** Tests for `promtool test rules`, made of a recording and of what is expected. */
import { readRecording } from './recording.ts';
import type { Alert, Scenario } from './scenarios.ts';
import { BREAK_S, END_S, MEND_S, STEP_S } from './scenarios.ts';
import type { Values } from './series.ts';
import { printValues } from './series.ts';

/** How Prometheus gets metrics: from the processes themselves, or from a collector that they send them to. */
export type Delivery = 'scraped' | 'collected';

/** The `metric_expiration` of otel-collector.yaml, s. */
const KEPT_S = 300;

/** What Prometheus gets in a scenario. */
export function inputOf(scenario: string, delivery: Delivery): object {
  const { series } = readRecording(scenario);
  return {
    name: `${scenario}, ${delivery}`,
    interval: `${STEP_S}s`,
    input_series: series.map(({ series, values }) => ({ series, values: delivered(values, delivery) })),
  };
}

/** Asks at each step for all alerts that fire. */
export function firingIn(scenario: Scenario): object[] {
  const tests: object[] = [];
  for (let at = STEP_S; at < END_S; at += STEP_S) {
    const alerts = expectedAt(scenario, at);
    if (alerts === undefined) continue;
    const samples = alerts.map((alert) => ({ labels: labelsOf(alert), value: 1 }));
    tests.push({ expr: 'ALERTS{alertstate="firing"}', eval_time: `${at}s`, exp_samples: samples });
  }
  return tests;
}

/** The alerts that fire at a time; `undefined` while one may fire already, or still. */
function expectedAt({ from, overAfter }: Scenario, at: number): Alert[] | undefined {
  if (at <= BREAK_S) return [];
  if (at >= MEND_S + overAfter) return [];
  if (at >= MEND_S) return undefined;
  return from.every((one) => at >= one.at) ? from.map(({ alert }) => alert) : undefined;
}

function labelsOf(alert: Alert): string {
  const pairs = Object.entries({ ...alert, alertstate: 'firing' });
  return `ALERTS{${pairs.map(([name, value]) => `${name}="${value}"`).join(',')}}`;
}

function delivered(values: Values, delivery: Delivery): string {
  if (delivery === 'scraped') {
    // A scrape that fails marks the series as ended.
    return values
      .map((value, step) =>
        value === undefined && values[step - 1] !== undefined ? 'stale' : printValues([value]),
      )
      .join(' ');
  }
  const kept: (number | undefined)[] = [];
  let age = 0;
  for (const value of values) {
    age = value === undefined ? age + STEP_S : 0;
    kept.push(value ?? (age <= KEPT_S ? kept.at(-1) : undefined));
  }
  return printValues(kept);
}
