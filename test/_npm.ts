/** npm in other folders than this one: this package packed, and packages that only one test needs. */
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const ROOT = fileURLToPath(new URL('..', import.meta.url));
const CACHE = join(ROOT, 'node_modules/.cache/tandem');
const LONGEST_MS = 240_000;

const run = promisify(execFile);

/** The registry did not answer, so that whatever needs it cannot be tested here. */
class Unreachable extends Error {}

/** Runs a test that needs the registry. Without it there is a word, and no failure. */
export async function orSkip(test: () => Promise<void>): Promise<void> {
  try {
    await test();
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error;
    console.log(`skipped: ${error.message}`);
  }
}

/** Where npm runs a script, it names itself. Its name alone is no program on Windows. */
export async function npm(cwd: string, ...args: string[]): Promise<string> {
  const cli = process.env['npm_execpath'];
  const [program, first] = cli?.endsWith('npm-cli.js') ? [process.execPath, [cli]] : ['npm', []];
  const options = { cwd, timeout: LONGEST_MS, maxBuffer: 64 * 1024 * 1024 };
  try {
    return (await run(program, [...first, ...args], options)).stdout;
  } catch (error) {
    const { stderr = '' } = error as { stderr?: string };
    const why =
      /\b(?:ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ERR_SOCKET_TIMEOUT)\b/.exec(
        stderr,
      );
    throw why ? new Unreachable(`the registry cannot be reached (${why[0]})`) : error;
  }
}

/** Installs packages in a folder, which may have a `package.json` already. */
export async function install(folder: string, ...packages: string[]): Promise<void> {
  await npm(
    folder,
    'install',
    '--no-audit',
    '--no-fund',
    '--no-package-lock',
    '--loglevel=error',
    ...packages,
  );
}

/** Installs this package in a folder, from its tarball, and others beside it in the versions of ours. */
export async function installPacked(folder: string, ...others: string[]): Promise<void> {
  mkdirSync(folder);
  writeFileSync(join(folder, 'package.json'), '{"private":true,"type":"module"}');
  const ours = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as PackageJson;
  const lines = (await npm(ROOT, 'pack', '--silent', '--pack-destination', folder)).trim().split('\n');
  const tarball = join(folder, lines.at(-1)!);
  await install(folder, tarball, ...others.map((name) => `${name}@${ours.devDependencies[name]}`));
}

interface PackageJson {
  readonly devDependencies: Readonly<Record<string, string>>;
}

/**
 * Installs what a `package.json` asks for, once for each content of it.
 * @returns the folder, which is kept in `node_modules/.cache`
 */
export async function toolsOf(packageJson: string, name: string): Promise<string> {
  const folder = join(CACHE, name);
  const [from, installed] = [join(ROOT, packageJson), join(folder, 'installed.json')];
  const text = readFileSync(from, 'utf8');
  if (existsSync(installed) && readFileSync(installed, 'utf8') === text) return folder;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  cpSync(from, join(folder, 'package.json'));
  await install(folder);
  writeFileSync(installed, text);
  return folder;
}
