/**
 * The alert rules, on metrics that real processes have exported while something was broken
 * (`test/fixtures/alerts/`, recorded by `npm run record:alerts`): the right alert fires, and no other.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { firingIn, inputOf } from '../alerts/promtool.ts';
import { readRecording } from '../alerts/recording.ts';
import { DASHBOARD, metricsIn, queriesOf, RULES } from '../alerts/rules.ts';
import { BREAK_S, MEND_S, SCENARIOS } from '../alerts/scenarios.ts';
import { namesOf } from '../alerts/series.ts';
import { instruments } from '../_instruments.ts';
import { onPath } from '../_on-path.ts';

const rules = readFileSync(RULES, 'utf8');

for (const { name } of SCENARIOS) {
  test(`${name}: what was recorded is what is exported now`, (t) => {
    const known = new Set(instruments().flatMap(namesOf));
    const { names, series } = readRecording(name);
    t.true(names.length > 30, 'a recording without metrics proves nothing');
    t.deepEqual(
      names.filter((one) => !known.has(one)),
      [],
      'npm run record:alerts records them anew',
    );
    const recorded = new Set(series.map(({ series }) => series.slice(0, series.indexOf('{'))));
    // A counter of what never happened has no series.
    const silent = new Set(['tandem_fenced_total']);
    t.deepEqual(
      metricsIn(rules).filter((one) => !recorded.has(one) && !silent.has(one)),
      [],
      'a metric that the rules ask for was not recorded',
    );
  });
}

const promtool = onPath('promtool');
const FIRES = 'the right alerts fire in each scenario, and no other';
const MODES = 'the dashboard shows the mode of each instance, and none of one that is gone';
// Of a process that is gone, a scrape gets nothing, and a collector gives out the last values for five minutes.
const DELIVERIES = ['scraped', 'collected'] as const;

if (promtool === undefined)
  for (const title of [FIRES, MODES]) test.skip(`${title} (skipped: no promtool on the PATH)`, () => {});
else
  for (const delivery of DELIVERIES) {
    test(`${FIRES}, where processes are ${delivery}`, (t) => {
      const tests = SCENARIOS.map((scenario) => ({
        ...inputOf(scenario.name, delivery),
        promql_expr_test: firingIn(scenario),
      }));
      passes(t, tests);
    });

    test(`${MODES}, where processes are ${delivery}`, (t) => {
      const queries = queriesOf(DASHBOARD);
      const shown = (title: string, at: number, samples: readonly string[]) => ({
        expr: queries.get(title)![0]!.replaceAll('$__rate_interval', '30s').replaceAll('$space', '.*'),
        eval_time: `${at}s`,
        exp_samples: samples.map((sample) => ({ labels: sample.slice(2), value: Number(sample[0]) })),
      });
      const space = 'tandem_space="trading"';
      const owner = `{job="desk/trading",instance="trading-1",${space},tandem_role="owner"}`;
      const api = (n: number): string =>
        `{job="desk/api",instance="api-${n}",${space},tandem_role="follower"}`;
      const follower = (n: number): string => `{job="desk/api",instance="api-${n}",${space}}`;
      const modes = 'Mode, by instance';
      const served = 'What followers serve, last 12 hours';
      const owners = 'Owners as followers know them, last 12 hours';
      const redis = 'Redis, last 12 hours';
      passes(t, [
        {
          ...inputOf('one-follower-cut-off', delivery),
          promql_expr_test: [
            shown(modes, BREAK_S, [`1 ${owner}`, `1 ${api(1)}`, `1 ${api(2)}`]),
            shown(modes, MEND_S - 30, [`1 ${owner}`, `1 ${api(1)}`, `3 ${api(2)}`]),
            shown(served, MEND_S - 30, [`1 ${follower(1)}`, `3 ${follower(2)}`]),
            shown(redis, MEND_S - 30, [`1 {${space}}`]),
          ],
        },
        {
          ...inputOf('follower-killed', delivery),
          promql_expr_test: [shown(modes, MEND_S - 30, [`1 ${owner}`, `1 ${api(1)}`])],
        },
        {
          ...inputOf('owner-killed', delivery),
          promql_expr_test: [shown(owners, MEND_S - 30, [`3 ${follower(1)}`, `3 ${follower(2)}`])],
        },
        {
          ...inputOf('redis-hung', delivery),
          promql_expr_test: [shown(redis, MEND_S - 30, [`0 {${space}}`])],
        },
      ]);
    });
  }

/** Runs `promtool test rules` on these tests. */
function passes(t: ExecutionContext, tests: readonly object[]): void {
  const folder = mkdtempSync(join(tmpdir(), 'tandem-alerts-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  // JSON is YAML.
  const file = join(folder, 'tests.json');
  writeFileSync(file, JSON.stringify({ rule_files: [resolve(RULES)], evaluation_interval: '5s', tests }));
  const { status, stdout, stderr } = spawnSync(promtool!, ['test', 'rules', file], { encoding: 'utf8' });
  t.is(status, 0, `${stdout}${stderr}`);
}

test('each alert has a severity and a runbook of its own', (t) => {
  const alerts = rules.split(/^ {6}- alert: /m).slice(1);
  t.true(alerts.length >= 9);
  for (const alert of alerts) {
    const [name = ''] = alert.split('\n');
    t.regex(alert, /^ {8}labels: \{ severity: (critical|warning) \}$/m, name);
    t.true(alert.includes(`runbook_url: docs/on-call.md#alert-${name.toLowerCase()}\n`), name);
  }
});

test('no other alert stands beside a Redis that is out', (t) => {
  for (const { from } of SCENARIOS)
    if (from.some(({ alert }) => alert.alertname === 'TandemRedisOut'))
      t.false(
        from.some(({ alert }) => alert.alertname === 'TandemNoOwner' || alert.alertname === 'TandemStale'),
      );
});
