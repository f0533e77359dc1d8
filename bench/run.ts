/**
 * Runs the benchmarks: `npm run bench [-- names…] [-- --quick] [--rounds n] [--seconds n] [--json file] [--cpu-prof folder]`.
 * Prints a table of ratios and writes all of it as JSON. No figure fails a run; what cannot run does.
 */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { benchmarks } from './benchmarks.ts';
import type { Report } from './harness/benchmark.ts';
import { describeMachine } from './harness/machine.ts';
import { table } from './harness/table.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    json: { type: 'string' },
    'cpu-prof': { type: 'string' },
  },
});
const { quick } = values;
const settings = {
  quick,
  rounds: Number(values.rounds ?? (quick ? 1 : 5)),
  seconds: Number(values.seconds ?? (quick ? 1 : 4)),
};
// Read by `harness/child.ts`, for each process that it starts.
if (values['cpu-prof']) process.env.BENCH_CPU_PROF = values['cpu-prof'];

const unknown = positionals.filter((name) => !benchmarks.some((one) => one.name === name));
if (unknown.length > 0) {
  console.error(
    `no benchmark ${unknown.join(', ')}; there are: ${benchmarks.map(({ name }) => name).join(', ')}`,
  );
  process.exit(2);
}

const machine = describeMachine();
const reports: Record<string, Report> = {};
console.log(
  Object.entries(machine)
    .map(([name, value]) => `${name} ${value}`)
    .join(' · '),
);
console.log(
  `medians of ${settings.rounds} rounds of ${settings.seconds} s a candidate, values of 150 bytes, loopback`,
);
for (const benchmark of benchmarks) {
  const { name, title } = benchmark;
  if (positionals.length > 0 && !positionals.includes(name)) continue;
  const started = performance.now();
  console.log(`\n## ${name}: ${title}\n`);
  try {
    const report = await benchmark.run(settings);
    reports[name] = report;
    if (report.rows.length > 0) console.log(table(report.rows));
    for (const why of report.skipped ?? []) console.log(`skipped: ${why}`);
  } catch (error) {
    console.error(error);
    process.exitCode = 1;
  }
  console.log(`(${Math.round((performance.now() - started) / 1_000)} s)`);
}

const file = values.json ?? join(mkdtempSync(join(tmpdir(), 'bench-')), 'bench.json');
writeFileSync(file, JSON.stringify({ machine, settings, reports }, undefined, 2));
console.log(`\nall of it: ${file}`);
