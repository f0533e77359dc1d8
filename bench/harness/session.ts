/** One run of benchmarks of this tree: a table of ratios each, and all of it as JSON. */
import { writeFileSync } from 'node:fs';
import type { Benchmark, Report, Settings } from './benchmark.ts';
import { describeMachine, inOneLine } from './machine.ts';
import { table } from './table.ts';

/** The exit code. No figure fails a run; what cannot run does. */
export async function runSession(
  chosen: readonly Benchmark[],
  settings: Settings,
  file: string,
): Promise<number> {
  const machine = describeMachine();
  const reports: Record<string, Report> = {};
  let failed = 0;
  console.log(inOneLine(machine));
  console.log(
    `medians of ${settings.rounds} rounds of ${settings.seconds} s a candidate, values of 150 bytes, loopback`,
  );
  for (const benchmark of chosen) {
    const { name, title } = benchmark;
    const started = performance.now();
    console.log(`\n## ${name}: ${title}\n`);
    try {
      const report = await benchmark.run(settings);
      reports[name] = report;
      if (report.rows.length > 0) console.log(table(report.rows));
      for (const why of report.skipped ?? []) console.log(`skipped: ${why}`);
    } catch (error) {
      console.error(error);
      failed += 1;
    }
    console.log(`(${Math.round((performance.now() - started) / 1_000)} s)`);
  }
  writeFileSync(file, JSON.stringify({ machine, settings, reports }, undefined, 2));
  console.log(`\nall of it: ${file}`);
  return failed > 0 ? 1 : 0;
}
