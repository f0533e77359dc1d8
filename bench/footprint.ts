/**
 * What the package weighs, beside others: the time and memory of an import, what an install brings, and what a
 * bundle holds. `npm run build`, then `node bench/footprint.ts`. It installs packages in a folder of its own.
 *
 * An import is measured in fresh processes, by turns. Its memory is the resident set over that of bare Node. V8 doubles
 * its young generation at moments that hang on chance, such as the length of a path: the same import took 24 MB in one folder
 * and 31 MB in another. So the folders have names of one length.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { install, installPacked, npm, toolsOf } from '../test/_npm.ts';
import { grid } from './harness/table.ts';

const PROCESSES = 25;
const NATS = '@nats-io/kv @nats-io/transport-node';

/** For each program: what it installs, and what an owner or a publisher imports. */
const OTHERS = [
  ['ioredis', 'ioredis'],
  ['ioredis and xstate', 'ioredis xstate'],
  ['bullmq', 'bullmq'],
  [NATS.replace(' ', ' and '), NATS],
] as const;

/** Prints ms of wall time and of the processor, and MB of the resident set, before and after. */
const MEASURE = `
  const [at, cpu, before] = [performance.now(), process.cpuUsage(), process.memoryUsage.rss()];
  for (const name of process.argv.slice(2)) await import(name);
  const { user, system } = process.cpuUsage(cpu);
  console.log(JSON.stringify([performance.now() - at, (user + system) / 1e3, (process.memoryUsage.rss() - before) / 1e6]));
`;

const work = mkdtempSync(join(tmpdir(), 'tandem-footprint-'));
try {
  const folders = new Map([['tandem-sync', join(work, '0')]]);
  await installPacked(folders.get('tandem-sync')!);
  for (const [name, packages] of OTHERS) {
    const folder = join(work, String(folders.size));
    folders.set(name, folder);
    mkdirSync(folder);
    writeFileSync(join(folder, 'package.json'), '{"private":true,"type":"module"}');
    await install(folder, ...packages.split(' '));
  }
  const programs = new Map([['tandem-sync', 'tandem-sync'], ...OTHERS]);
  const imports = measureImports(folders, programs);
  const rows = [];
  for (const [name, packages] of programs) {
    const folder = folders.get(name)!;
    const [wall, cpu, memory] = imports.get(name)!;
    const { packages: count, bytes } = await installed(folder);
    const bundle = await bundled(folder, packages);
    rows.push([
      name,
      `${wall!.toFixed(0)} ms`,
      `${cpu!.toFixed(0)} ms`,
      `${memory!.toFixed(1)} MB`,
      `${(bytes / 1e6).toFixed(1)} MB`,
      String(count),
      `${(bundle.length / 1e3).toFixed(0)} kB`,
      `${(gzipSync(bundle).length / 1e3).toFixed(0)} kB`,
    ]);
  }
  const head = ['', 'import', 'of the processor', 'memory', 'installed', 'packages', 'bundle', 'compressed'];
  console.log(grid(head, rows));
} finally {
  rmSync(work, { recursive: true, force: true });
}

/** @returns the medians of each */
function measureImports(
  folders: ReadonlyMap<string, string>,
  programs: ReadonlyMap<string, string>,
): Map<string, number[]> {
  const runs = new Map<string, number[][]>();
  const order = [...programs];
  for (let n = 0; n < PROCESSES; n += 1) {
    // Who follows whom changes: what a process leaves in the caches of the processor serves the next one.
    for (const [name, packages] of order.toSorted(() => Math.random() - 0.5)) {
      const cwd = folders.get(name)!;
      writeFileSync(join(cwd, 'measure.js'), MEASURE);
      const out = execFileSync(process.execPath, ['measure.js', ...packages.split(' ')], {
        cwd,
        encoding: 'utf8',
      });
      runs.set(name, [...(runs.get(name) ?? []), JSON.parse(out) as number[]]);
    }
  }
  return new Map(
    [...runs].map(([name, all]) => [name, [0, 1, 2].map((at) => median(all.map((figures) => figures[at]!)))]),
  );
}

function median(figures: readonly number[]): number {
  return figures.toSorted((a, b) => a - b)[Math.floor(figures.length / 2)]!;
}

async function installed(folder: string): Promise<{ packages: number; bytes: number }> {
  const modules = join(folder, 'node_modules');
  const files = readdirSync(modules, { recursive: true, encoding: 'utf8' });
  const sizes = files.map((file) => statSync(join(modules, file))).filter((stat) => stat.isFile());
  // The first line is the folder itself.
  const packages = (await npm(folder, 'ls', '--all', '--parseable')).trim().split('\n').length - 1;
  return { packages, bytes: sizes.reduce((sum, { size }) => sum + size, 0) };
}

/** All that the packages export, as esbuild bundles and minifies it. */
async function bundled(folder: string, packages: string): Promise<Buffer> {
  const tools = await toolsOf('test/bundles/package.json', 'bundlers');
  const entry = packages.split(' ').map((name) => `export * from '${name}';\n`);
  writeFileSync(join(folder, 'entry.js'), entry.join(''));
  const args = [
    'entry.js',
    '--bundle',
    '--minify',
    '--platform=node',
    '--format=esm',
    '--outfile=bundle.mjs',
  ];
  execFileSync(join(tools, 'node_modules/.bin/esbuild'), [...args, '--log-level=error'], { cwd: folder });
  return readFileSync(join(folder, 'bundle.mjs'));
}
