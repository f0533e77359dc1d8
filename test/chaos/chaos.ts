/**
 * `npm run chaos -- --minutes M [--worlds W] [--seed S]`: real processes and real Redis, faults drawn from a printed
 * seed and combined, histories judged by the checkers that judge the simulator's. `--runs N` runs N seeds, from S on,
 * instead of M minutes. A seed draws the same faults again, at the same times; what processes make of it is up to them.
 *
 * Fails when anything is violated, a process breaks, or too little happened.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { faults } from './faults.ts';
import { now } from './recorder.ts';
import type { Run } from './run.ts';
import { run } from './run.ts';

/** Then all are started anew. */
const EPISODES = 10;
/** Ten times what it takes on a busy machine: it hangs, and that is a failure, too. */
const LONGEST_RUN_MS = 15 * 60_000;
/** In each minute of each world, at least. */
const LEAST_EPISODES = 2;
/** After so many episodes each fault has to have struck. */
const ALL_FAULTS_BY = 500;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '2' },
    worlds: { type: 'string', default: '3' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 30)) },
    runs: { type: 'string' },
    /** Set for the processes that share the work. */
    until: { type: 'string' },
  },
});
const first = Number(values.seed);
const minutes = Number(values.minutes);
const worlds = Number(values.worlds);

if (values.until === undefined) await all();
else process.send!(await run(first, EPISODES, Number(values.until)), () => process.exit(0));

async function all(): Promise<void> {
  const startedAt = now();
  const runs = values.runs === undefined ? Infinity : Number(values.runs);
  const untilAt = values.runs === undefined ? startedAt + minutes * 60_000 : startedAt + 3_600_000;
  const struck: Record<string, number> = Object.fromEntries(faults.map(({ name }) => [name, 0]));
  const totals = { runs: 0, episodes: 0, operations: 0, strikes: 0, stalls: 0, failed: 0 };
  let next = first;
  console.log(`SEED=${first}`);
  const lane = async (): Promise<void> => {
    while (now() < untilAt && next < first + runs) {
      const seed = next;
      next += 1;
      const done = await runApart(seed, untilAt);
      totals.runs += 1;
      if (done === undefined || done.violations.length > 0) totals.failed += 1;
      if (done === undefined) continue;
      totals.episodes += done.episodes;
      totals.operations += done.operations;
      totals.stalls += done.stalls;
      totals.strikes += done.faults.length;
      for (const name of done.faults) struck[name]! += 1;
      tell(done, startedAt);
    }
  };
  await Promise.all(Array.from({ length: worlds }, lane));
  for (const [name, times] of Object.entries(struck).toSorted(([, a], [, b]) => b - a))
    console.log(`${String(times).padStart(6)}  ${name}`);
  const seconds = ((now() - startedAt) / 1_000).toFixed(0);
  const { episodes, strikes, operations, failed } = totals;
  console.log(
    `${episodes} episodes, ${strikes} faults, ${operations} operations in ${seconds} s, ${totals.runs} worlds, ${failed} failed`,
  );
  console.log(`the machine stalled ${totals.stalls} times for more than 200 ms`);
  const unseen = Object.keys(struck).filter((name) => struck[name] === 0);
  const isEnough = episodes >= (values.runs === undefined ? minutes * worlds * LEAST_EPISODES : 1);
  const isWhole = episodes < ALL_FAULTS_BY || unseen.length === 0;
  if (!isEnough) console.log('too little happened: this run proves nothing');
  if (!isWhole) console.log(`never struck: ${unseen.join(', ')}`);
  process.exitCode = failed > 0 || !isEnough || !isWhole ? 1 : 0;
}

/** In a process of its own: proxies and judging of one world do not keep another waiting. */
async function runApart(seed: number, untilAt: number): Promise<Run | undefined> {
  const child = fork(import.meta.filename, ['--seed', String(seed), '--until', String(untilAt)]);
  let done: Run | undefined;
  child.on('message', (message) => (done = message as Run));
  const timer = setTimeout(() => child.kill('SIGKILL'), LONGEST_RUN_MS);
  const [code] = (await once(child, 'exit')) as [number | null];
  clearTimeout(timer);
  if (done === undefined) console.log(`seed ${seed}: the run ended with ${code}`);
  return done;
}

function tell({ seed, episodes, operations, violations, folder, faults }: Run, startedAt: number): void {
  const seconds = ((now() - startedAt) / 1_000).toFixed(0);
  console.log(
    `${seconds} s: seed ${seed}: ${episodes} episodes, ${operations} operations, ${violations.length} violations`,
  );
  for (const { checker, at, what } of violations) console.log(`  ${at.toFixed(3)} ${checker}: ${what}`);
  if (folder !== undefined) console.log(`  after ${faults.join('; ')}\n  all of it in ${folder}`);
}
