/**
 * The simulator catches each planted bug, by the checker that the bug names. It runs up to 2,000 seeds for
 * each bug. A bug outside what is simulated is caught by the quick test that it names.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import test from 'ava';
import { turns } from '../_turns.ts';
import { isCaughtByTest } from './bug.ts';
import { bugs } from './bugs.ts';
import { markedIn, marksIn, planted } from './mark.ts';

const SEEDS = 2_000;
/** A bug may keep a simulation from ending. This limit then fails the test, and its title names the bug. */
const LONGEST_MS = 400_000;
const simulate = new URL('../simulation/simulate.ts', import.meta.url).pathname;
const plant = new URL('plant.ts', import.meta.url).href;
const ava = new URL('../../node_modules/ava/entrypoints/cli.js', import.meta.url).pathname;

/** Runs seeds until the checker reports a violation, or none is left. */
async function caught(bug: number, checker: string): Promise<{ isCaught: boolean; said: string }> {
  const args = ['--import', plant, simulate, '--seed', '1', '--seeds', String(SEEDS), '--until', checker];
  const { code, said } = await run(args, { PLANTED: String(bug) });
  return { isCaught: code === 0, said };
}

/** Runs a quick test over the sources with the bug. At least one test of its file has to fail. */
async function caughtByTest(bug: number, file: string): Promise<{ isCaught: boolean; said: string }> {
  const { said } = await run([ava, '--tap', file], {
    PLANTED: String(bug),
    NODE_OPTIONS: `--import ${plant}`,
  });
  return { isCaught: /^not ok \d+ - (?!No tests found)/m.test(said), said };
}

async function run(args: readonly string[], env: object): Promise<{ code: number | null; said: string }> {
  const child = spawn(process.execPath, args, { env: { ...process.env, ...env }, timeout: LONGEST_MS });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (piece) => (said += String(piece)));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, said };
}

test('there are at least thirty planted bugs, and no two have the same name', (t) => {
  t.true(bugs.length >= 30);
  t.is(new Set(bugs.map(({ name }) => name)).size, bugs.length);
});

test('each mark is at one place in the sources, and each bug changes the statement there', (t) => {
  const sources = ['src', 'machines'].flatMap((folder) => sourcesIn(folder));
  const marks = sources.flatMap(marksIn);
  t.deepEqual(marks.toSorted(), [...new Set(bugs.map(({ mark }) => mark))].toSorted());
  for (const { name, mark, plant: plantBug } of bugs) {
    const { statement } = sources.map((source) => markedIn(source, mark)).find((one) => one !== undefined)!;
    t.not(plantBug(statement), statement, name);
  }
});

test('a marked statement ends where its brackets do, however many lines it takes', (t) => {
  const source = ['  // planted: a', '  call({', '    b: 1, // ;', '  });', '  next();', ''].join('\n');
  const marked = markedIn(source, 'a')!;
  t.is(marked.statement, '  call({\n    b: 1, // ;\n  });');
  t.is(planted(source, marked, 'other();'), '  // planted: a\nother();\n  next();\n');
  t.is(markedIn(source, 'b'), undefined);
});

/** The text of each TypeScript file in a folder of the project. */
function sourcesIn(folder: string): string[] {
  const root = new URL(`../../${folder}/`, import.meta.url);
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => readFileSync(new URL(name, root), 'utf8'));
}

/** One simulation keeps one core busy. */
const turn = turns(availableParallelism());

// Each bug has a test of its own: so a hanging one is named, and the results of the others still appear.
for (const [n, bug] of bugs.entries()) {
  const { name, caughtBy } = bug;
  test(`the checker "${caughtBy}" catches this bug: ${name}`, async (t) => {
    await turn(t);
    t.timeout(LONGEST_MS);
    const { isCaught, said } = await (isCaughtByTest(bug) ? caughtByTest : caught)(n, caughtBy);
    t.true(isCaught, `not caught in ${SEEDS} seeds\n${said.slice(-2_000)}`);
    t.log(said.trim().split('\n').at(-1));
  });
}
