/** The alert rules and the dashboard, as far as tests have to read them. */
import { readFileSync } from 'node:fs';

export const RULES = 'docs/grafana/prometheus/alerts.yaml';

export const DASHBOARD = 'docs/grafana/dashboards/tandem.json';

/** Labels that stand in the places of metrics in `by (…)` and `on (…)`. */
const LABELS = /^tandem_(space|role|path|link|reason|full|owner)$/;

/** The exported metrics that queries ask for. What a rule records has a colon in its name. */
export function metricsIn(text: string): string[] {
  const names = text.match(/(?<![\w:])(?:tandem|nodejs)_[a-z_\d]+(?=[{)[ ,]| offset|$)/gm) ?? [];
  return [...new Set(names)].filter((name) => !LABELS.test(name));
}

/** The queries of a dashboard, by the titles of their panels. */
export function queriesOf(path: string): Map<string, string[]> {
  const { panels } = JSON.parse(readFileSync(path, 'utf8')) as {
    panels: { title: string; targets: { expr: string }[] }[];
  };
  return new Map(panels.map(({ title, targets }) => [title, targets.map(({ expr }) => expr)]));
}
