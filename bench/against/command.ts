/** A command that takes its time, and that is gone with all it started when it is aborted. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

export interface CommandOptions {
  readonly cwd: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
}

export class CommandFailed extends Error {
  /** @param output what it said before, all of it */
  constructor(command: string, code: number | string, output: string) {
    super(`${command} ended with ${code}:\n${output.trim()}`);
    this.name = 'CommandFailed';
  }
}

/** Its standard output, once it has ended well. */
export async function run(
  file: string,
  args: readonly string[],
  { signal, ...options }: CommandOptions,
): Promise<string> {
  signal.throwIfAborted();
  // A process group of its own, so that a signal reaches the servers and processes that it starts. The
  // terminal's Ctrl-C then does not: whoever is interrupted has to abort.
  const child = spawn(file, args, { ...options, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const killGroup = (): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch {
      // All of the group have ended.
    }
  };
  let stdout = '';
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    output += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
  signal.addEventListener('abort', killGroup, { once: true });
  process.once('exit', killGroup);
  try {
    const [code, killedBy] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
    signal.throwIfAborted();
    if (code !== 0) throw new CommandFailed([file, ...args].join(' '), code ?? killedBy!, output);
    return stdout;
  } finally {
    killGroup();
    signal.removeEventListener('abort', killGroup);
    process.off('exit', killGroup);
  }
}
