/**
 * `npm run simulate -- --seeds N [--seed S] [--minutes M]` runs N seeds, starting with S, for at most M
 * minutes. It uses one process per core, and reports every violation. The command fails on a violation, and
 * when too little happened.
 *
 * A single seed runs twice, and both traces have to be equal; `--trace` prints the trace. `--until CHECKER`
 * stops at the first violation that this checker finds.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import type { Totals } from './campaign.ts';
import { add, campaign, failure } from './campaign.ts';
import { faults } from './faults.ts';
import type { Run } from './run.ts';
import { run } from './run.ts';

/** The least average of operations and faults per seed. Runs with fewer prove little. */
const LEAST_OPERATIONS = 1_000;
const LEAST_FAULTS = 5;
/** How many seeds a worker process runs between two reports. */
const PORTION = 10;
/** A portion takes about a second. A worker without a result for this long hangs, and is killed. */
const LONGEST_PORTION_MS = 5 * 60_000;
/** From this number of seeds on, every fault has to have happened. */
const ALL_FAULTS_BY = 1_000;

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    minutes: { type: 'string', default: 'Infinity' },
    until: { type: 'string' },
    trace: { type: 'boolean', default: false },
    /** Set only for worker processes. */
    step: { type: 'string' },
  },
});
const first = Number(values.seed);
const count = Number(values.seeds);

if (values.step !== undefined) {
  await share(Number(values.step));
} else if (values.until !== undefined) {
  await campaign(first, count, 1, told);
  process.exitCode = 1;
} else if (count === 1) {
  await twice();
} else {
  await all();
}

function told(done: Run): void {
  const wanted = done.violations.find(({ checker }) => checker === values.until);
  if (wanted !== undefined) {
    console.log(`seed ${done.seed}: ${wanted.checker}: ${wanted.what}`);
    process.exit(0);
  }
  if (done.violations.length > 0 && values.until === undefined) console.log(failure(done));
}

async function twice(): Promise<void> {
  const [done, again] = [await run(first), await run(first)];
  if (values.trace) for (const event of done.history.events) console.log(JSON.stringify(event));
  if (done.violations.length > 0) console.log(failure(done));
  const isSame = done.hash === again.hash;
  console.log(`seed ${first}: ${done.operations} operations, faults: ${done.faults.join(', ')}`);
  console.log(
    isSame
      ? `both runs have the trace ${done.hash}`
      : `the two traces differ: ${done.hash}, then ${again.hash}`,
  );
  if (!isSame || done.violations.length > 0) process.exitCode = 1;
}

/** Runs a worker's share of the seeds, and reports the results in portions. */
async function share(step: number): Promise<void> {
  for (let done = 0; done < count; done += PORTION) {
    const portion = Math.min(PORTION, count - done);
    process.send!(await campaign(first + done * step, portion, step, told));
  }
  process.disconnect();
}

async function all(): Promise<void> {
  const startedAt = performance.now();
  console.log(`SEED=${first}`);
  const totals: Totals = { seeds: 0, operations: 0, failed: 0, faults: {} };
  const workers = availableParallelism();
  let isOver = false;
  const children = Array.from({ length: workers }, (_, n) => {
    const seeds = Math.floor(count / workers) + (n < count % workers ? 1 : 0);
    const args = ['--seed', String(first + n), '--seeds', String(seeds), '--step', String(workers)];
    const child = fork(import.meta.filename, args);
    const timer = setTimeout(() => child.kill('SIGKILL'), LONGEST_PORTION_MS);
    child.on('message', (part) => {
      add(totals, part as Totals);
      timer.refresh();
    });
    child.on('exit', () => clearTimeout(timer));
    return child;
  });
  const end = (): void => {
    isOver = true;
    for (const child of children) child.kill('SIGKILL');
  };
  const timer = setTimeout(end, Math.min(2 ** 31 - 1, Number(values.minutes) * 60_000));
  process.once('SIGINT', end);
  const codes = await Promise.all(children.map((child) => once(child, 'exit')));
  clearTimeout(timer);
  process.off('SIGINT', end);
  const hasCrashed = !isOver && codes.some(([code]) => code !== 0);
  const struck = Object.entries(totals.faults).toSorted(([, a], [, b]) => b - a);
  for (const [name, times] of struck) console.log(`${String(times).padStart(9)}  ${name}`);
  const { operations, failed } = totals;
  const strikes = struck.reduce((sum, [, times]) => sum + times, 0);
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
  console.log(
    `${totals.seeds} seeds, ${operations} operations, ${strikes} faults in ${seconds} s: ${failed} seeds failed`,
  );
  const unseen = faults.filter(({ name }) => totals.faults[name] === undefined).map(({ name }) => name);
  const { seeds } = totals;
  const isEnough = seeds > 0 && operations >= seeds * LEAST_OPERATIONS && strikes >= seeds * LEAST_FAULTS;
  const isWhole = seeds < ALL_FAULTS_BY || unseen.length === 0;
  if (hasCrashed) console.log('a worker process has crashed, or hung for five minutes');
  if (!isEnough) console.log('too little happened: this run proves nothing');
  if (!isWhole) console.log(`these faults never happened: ${unseen.join(', ')}`);
  if (failed > 0 || hasCrashed || !isEnough || !isWhole) process.exitCode = 1;
}
