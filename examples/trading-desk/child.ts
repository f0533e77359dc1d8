/** Owns one child process of the demo: its lines, its messages, its last words, and its end. */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const LAST_WORDS = 10;

export interface ChildOptions {
  readonly name: string;
  /** The file beside this one. */
  readonly script: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Each line on its stdout. */
  readonly line?: (line: string) => void;
  readonly message?: (message: unknown) => void;
}

export class Child {
  readonly name: string;
  /** Resolves with how it ended, in words. */
  readonly exited: Promise<string>;
  readonly #process: ChildProcess;
  readonly #stderr: string[] = [];

  constructor({ name, script, args = [], env = {}, line, message }: ChildOptions) {
    this.name = name;
    const file = fileURLToPath(new URL(script, import.meta.url));
    // A group of its own: Ctrl-C reaches start.ts alone, which ends its children in their order.
    this.#process = spawn(process.execPath, [file, ...args], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      detached: true,
    });
    const { stdout, stderr } = this.#process;
    if (stdout) createInterface({ input: stdout }).on('line', (text) => line?.(text));
    if (stderr) createInterface({ input: stderr }).on('line', (text) => this.#hear(text));
    if (message) this.#process.on('message', message);
    // What it has started does not outlive it.
    this.#process.on('exit', () => this.kill());
    this.exited = new Promise((resolve) => {
      this.#process.on('error', (error) => resolve(error.message));
      // At 'exit' what it wrote last may still have to be read.
      this.#process.on('close', (code, signal) => resolve(signal ?? `exit code ${code}`));
    });
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** The end of what it said on stderr. Its very last line is meant for a person when it has given up. */
  get lastWords(): readonly string[] {
    return this.#stderr;
  }

  /** Ends it, and whatever it started: gently, and after a while by force. */
  async end(killAfterMs: number): Promise<void> {
    this.#process.kill('SIGTERM');
    const timer = setTimeout(() => this.kill(), killAfterMs);
    await this.exited;
    clearTimeout(timer);
  }

  /** By force, its group with it. */
  kill(): void {
    if (this.pid === undefined) return;
    try {
      process.kill(-this.pid, 'SIGKILL');
    } catch {
      // The whole group is gone.
    }
  }

  #hear(line: string): void {
    if (line.trim() === '') return;
    this.#stderr.push(line);
    if (this.#stderr.length > LAST_WORDS) this.#stderr.shift();
  }
}
