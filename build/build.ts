/** Builds the package into `dist`, from nothing: `npm run build`. */
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { joinFolder } from './join.ts';

const ROOT = new URL('../', import.meta.url);
const DIST = new URL('dist/', ROOT);

/** A browser loads this one. */
const ALONE: readonly string[] = ['src/client.js'];

interface PackageJson {
  readonly exports: Readonly<Record<string, string | { readonly default: string }>>;
  readonly bin?: Readonly<Record<string, string>>;
}

// Declarations keep their comments, which editors show. Code is for the engine alone.
rmSync(DIST, { recursive: true, force: true });
compile('--emitDeclarationOnly');
compile('--declaration', 'false', '--removeComments');
joinFolder(DIST, ...entries(), ALONE);

function compile(...args: string[]): void {
  const tsc = fileURLToPath(new URL('node_modules/typescript/bin/tsc', ROOT));
  const { status } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json', ...args], {
    cwd: ROOT,
    stdio: 'inherit',
  });
  if (status !== 0) process.exit(status ?? 1);
}

/** The files that package.json names, the main entry first; and those of them that are programs. */
function entries(): [all: string[], programs: string[]] {
  const about = JSON.parse(readFileSync(new URL('package.json', ROOT), 'utf8')) as PackageJson;
  const inDist = (path: string): string => path.replace(/^(?:\.\/)?dist\//, '');
  const exported = Object.values(about.exports).flatMap((entry) =>
    typeof entry === 'string' ? [] : [inDist(entry.default)],
  );
  const programs = [...new Set(Object.values(about.bin ?? {}).map(inDist))];
  const all = new Set([...exported, ...programs]);
  return [[...all].filter((entry) => !ALONE.includes(entry)), programs];
}
