/** Another commit of this repository, checked out beside this tree for as long as it is measured. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { run } from './command.ts';

/** The root of this tree. */
export const HERE = resolve(import.meta.dirname, '../..');

/** `undefined` where there is no such commit. */
export function commitOf(ref: string): string | undefined {
  const { status, stdout } = git('rev-parse', '--verify', '--quiet', '--end-of-options', `${ref}^{commit}`);
  return status === 0 ? stdout.trim() : undefined;
}

/** The commit of this tree, and whether it has changes that are not committed. */
export function describeHere(): string {
  const commit = git('rev-parse', 'HEAD').stdout.trim();
  return git('status', '--porcelain').stdout === '' ? commit : `${commit} with changes`;
}

/**
 * Checks the commit out and calls `use` with its root, and with a folder for what its runs leave behind. Both
 * folders are gone at the end, whatever happens.
 */
export async function withCheckout<T>(
  commit: string,
  signal: AbortSignal,
  use: (root: string, temporary: string) => Promise<T>,
): Promise<T> {
  const temporary = mkdtempSync(join(tmpdir(), 'bench-against-'));
  const root = join(temporary, 'tree');
  try {
    const { status, stderr } = git('worktree', 'add', '--quiet', '--detach', root, commit);
    if (status !== 0) throw new Error(`git worktree add: ${stderr.trim()}`);
    await provideModules(root, signal);
    return await use(root, temporary);
  } finally {
    // Twice --force: a checkout that was interrupted is locked.
    git('worktree', 'remove', '--force', '--force', root);
    rmSync(temporary, { recursive: true, force: true });
    git('worktree', 'prune');
  }
}

async function provideModules(root: string, signal: AbortSignal): Promise<void> {
  const [here, there] = [HERE, root].map((tree) => join(tree, 'package-lock.json'));
  const isSame = existsSync(there!) && readFileSync(here!).equals(readFileSync(there!));
  if (isSame) {
    symlinkSync(join(HERE, 'node_modules'), join(root, 'node_modules'), 'dir');
    return;
  }
  console.log('its package-lock.json is another: installing');
  // As package.json does before `npm test`. `npm ci` refuses a lock file that lacks other platforms' optional
  // packages.
  const args = ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'];
  await run('npm', args, { cwd: root, signal });
}

function git(...args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync('git', args, { cwd: HERE, encoding: 'utf8' });
}
