/**
 * `npm run chaos -- --minutes M [--worlds W] [--seed S]` runs real processes against a real Redis. It draws
 * faults from a printed seed and combines them. The simulator's checkers judge the histories. `--runs N` runs
 * N seeds, starting with S, instead of M minutes. A seed always draws the same faults at the same times; the
 * processes may react differently.
 *
 * The command fails on a violation, when a process breaks, and when too little happened.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { faults } from './faults.ts';
import { now } from './recorder.ts';
import type { Run } from './run.ts';
import { run } from './run.ts';

/** After this number of episodes, a world ends and the next seed starts new processes. */
const EPISODES = 10;
/** Ten times the duration on a busy machine. A longer run hangs, which counts as a failure. */
const LONGEST_RUN_MS = 15 * 60_000;
/** The least number of episodes per minute and world. */
const LEAST_EPISODES = 2;
/** From this number of episodes on, every fault has to have happened. */
const ALL_FAULTS_BY = 500;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '2' },
    worlds: { type: 'string', default: '3' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 30)) },
    runs: { type: 'string' },
    /** Set only for worker processes. */
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
  if (!isWhole) console.log(`these faults never happened: ${unseen.join(', ')}`);
  process.exitCode = failed > 0 || !isEnough || !isWhole ? 1 : 0;
}

/** Runs one world in a process of its own, so that its proxies and checkers do not delay another world. */
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
  if (folder !== undefined) console.log(`  after ${faults.join('; ')}\n  the whole history is in ${folder}`);
}
