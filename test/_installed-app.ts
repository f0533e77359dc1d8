/** `fixtures/installed-app.js`, run as an owner and a follower in processes of their own. */
import type { ChildProcess } from 'node:child_process';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import type { RedisServer } from './_redis-server.ts';

const LONGEST_MS = 60_000;
const READ = { value: { text: 'from the owner' }, freshness: 'live', answers: ['200 true'] };

/** @param command the program that runs the file, and the file @throws when the follower reads anything else */
export async function runApp(command: readonly string[], cwd: string, redis: RedisServer): Promise<void> {
  const [program = '', ...args] = command;
  const owner = spawn(program, [...args, 'owner', redis.url], { cwd, stdio: ['pipe', 'pipe', 'inherit'] });
  try {
    await firstLine(owner);
    expectSame(await output([...command, 'follower', redis.url], cwd), READ);
  } finally {
    owner.stdin.end();
    if (owner.exitCode === null)
      await once(owner, 'exit', { signal: AbortSignal.timeout(10_000) }).catch(() => owner.kill('SIGKILL'));
  }
}

/** @throws when the command fails or takes too long */
export async function output([program = '', ...args]: readonly string[], cwd: string): Promise<string> {
  return (await promisify(execFile)(program, args, { cwd, timeout: LONGEST_MS })).stdout;
}

/** @throws when a program has printed anything else, as JSON */
export function expectSame(stdout: string, expected: unknown): void {
  if (stdout.trim() !== JSON.stringify(expected))
    throw new Error(`expected ${JSON.stringify(expected)}, got ${stdout}`);
}

async function firstLine(child: ChildProcess): Promise<void> {
  const signal = AbortSignal.timeout(LONGEST_MS);
  await Promise.race([
    once(createInterface({ input: child.stdout! }), 'line', { signal }),
    once(child, 'exit', { signal }).then(([code]) => {
      throw new Error(`the owner ended with ${code}`);
    }),
  ]);
}
