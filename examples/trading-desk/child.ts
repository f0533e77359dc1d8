/** One child process of the demo: its lines, its messages, its last output, and its end. */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const LAST_WORDS = 10;

export interface ChildOptions {
  readonly name: string;
  /** A file in this folder. */
  readonly script: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Called for each line on stdout. */
  readonly line?: (line: string) => void;
  /** Called for each line on stderr. */
  readonly log?: (line: string) => void;
  readonly message?: (message: unknown) => void;
}

export class Child {
  readonly name: string;
  /** Resolves with the exit code or the signal, in words. */
  readonly exited: Promise<string>;
  readonly #process: ChildProcess;
  readonly #stderr: string[] = [];

  constructor({ name, script, args = [], env = {}, line, log, message }: ChildOptions) {
    this.name = name;
    const file = fileURLToPath(new URL(script, import.meta.url));
    // In a group of its own, so that Ctrl-C reaches only start.ts, which ends its children in order.
    this.#process = spawn(process.execPath, [file, ...args], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      detached: true,
    });
    const { stdout, stderr } = this.#process;
    if (stdout) createInterface({ input: stdout }).on('line', (text) => line?.(text));
    if (stderr) createInterface({ input: stderr }).on('line', (text) => this.#hear(text, log));
    if (message) this.#process.on('message', message);
    // The processes that it has started end with it.
    this.#process.on('exit', () => this.kill());
    this.exited = new Promise((resolve) => {
      this.#process.on('error', (error) => resolve(error.message));
      // At 'exit', its last output may not have been read yet.
      this.#process.on('close', (code, signal) => resolve(signal ?? `exit code ${code}`));
    });
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** The last lines on stderr. If the process gave up, the very last one is meant for people. */
  get lastWords(): readonly string[] {
    return this.#stderr;
  }

  /** Ends the process and everything that it started: in good order, and by force after a while. */
  async end(killAfterMs: number): Promise<void> {
    this.#process.kill('SIGTERM');
    const timer = setTimeout(() => this.kill(), killAfterMs);
    await this.exited;
    clearTimeout(timer);
  }

  /** Ends the process and its group by force. */
  kill(): void {
    if (this.pid === undefined) return;
    try {
      process.kill(-this.pid, 'SIGKILL');
    } catch {
      // The whole group is already gone.
    }
  }

  #hear(line: string, log: ChildOptions['log']): void {
    if (line.trim() === '') return;
    log?.(line);
    this.#stderr.push(line);
    if (this.#stderr.length > LAST_WORDS) this.#stderr.shift();
  }
}
