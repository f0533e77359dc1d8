/** The docs, the dashboard and the alert rules name exactly the metrics that exist. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { instruments } from '../_instruments.ts';
import { onPath } from '../_on-path.ts';
import { DASHBOARD, metricsIn, RULES } from '../alerts/rules.ts';
import { namesOf } from '../alerts/series.ts';

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
    const known = new Set(instruments().flatMap(namesOf));
    const asked = metricsIn(readFileSync(file, 'utf8'));
    t.true(asked.length >= 4, 'a file without queries proves nothing');
    t.deepEqual(
      asked.filter((name) => !known.has(name)),
      [],
    );
  });
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

const promtool = onPath('promtool');
const fires = 'the alert rules fire when they should, by Prometheus itself';

function testRules(t: ExecutionContext): void {
  const { status, stdout, stderr } = spawnSync(promtool!, ['test', 'rules', 'test/fixtures/alerts.yaml'], {
    encoding: 'utf8',
  });
  t.is(status, 0, `${stdout}${stderr}`);
}

if (promtool !== undefined) test(fires, testRules);
else test.skip(`${fires} (skipped: no promtool on the PATH)`, testRules);
