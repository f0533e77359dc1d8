/**
 * Installs what is missing in a clone, before `npm start` and `npm test`. Plain JavaScript without packages: it
 * runs before anything is installed, by whatever Node the machine has, and on any system.
 */
import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';

const ARGS = ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'];

/** npm writes the first file when it has installed what the second says. */
if (!(changedAt('node_modules/.package-lock.json') > changedAt('package-lock.json'))) {
  const { npm_execpath: npm } = process.env;
  // On Windows npm is a script of the shell, which Node does not start by itself.
  const { status } = npm?.endsWith('npm-cli.js')
    ? spawnSync(process.execPath, [npm, ...ARGS], { stdio: 'inherit' })
    : spawnSync(`npm ${ARGS.join(' ')}`, { stdio: 'inherit', shell: true });
  process.exitCode = status ?? 1;
}

function changedAt(file) {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? NaN;
}
