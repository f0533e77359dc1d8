/** Each planted bug is caught in the simulator, by the checker that it names. The seeds are those that any run has. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import test from 'ava';
import { turns } from '../_turns.ts';
import { bugs } from './bugs.ts';

const SEEDS = 1_000;
/** A bug may keep a simulation from ending: that, too, is said with its name. */
const LONGEST_MS = 240_000;
const simulate = new URL('../simulation/simulate.ts', import.meta.url).pathname;
const plant = new URL('plant.ts', import.meta.url).href;

/** Runs seeds until the checker speaks. */
async function caught(bug: number, checker: string): Promise<{ isCaught: boolean; said: string }> {
  const args = ['--import', plant, simulate, '--seed', '1', '--seeds', String(SEEDS), '--until', checker];
  const env = { ...process.env, PLANTED: String(bug) };
  const child = spawn(process.execPath, args, { env, timeout: LONGEST_MS });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (piece) => (said += String(piece)));
  const [code] = (await once(child, 'close')) as [number | null];
  return { isCaught: code === 0, said };
}

test('thirty bugs and more are planted', (t) => {
  t.true(bugs.length >= 30);
  t.is(new Set(bugs.map(({ name }) => name)).size, bugs.length);
});

test('each has a place in the sources, and one alone', (t) => {
  for (const { name, file, find } of bugs) {
    const source = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
    t.is(source.split(find).length - 1, 1, name);
  }
});

/** A simulation keeps a core busy. */
const turn = turns(availableParallelism());

// Each a test of its own: one that goes on for too long is named, and the others are told meanwhile.
for (const [n, { name, caughtBy }] of bugs.entries()) {
  test(`caught by "${caughtBy}": ${name}`, async (t) => {
    await turn(t);
    t.timeout(LONGEST_MS);
    const { isCaught, said } = await caught(n, caughtBy);
    t.true(isCaught, `not caught in ${SEEDS} seeds\n${said.slice(-2_000)}`);
    t.log(said.trim().split('\n').at(-1));
  });
}
