/**
 * Processes of a benchmark, and the way to ask them things. The parent starts a file of `bench/processes` and
 * asks; the file `serve`s what it can do. A child ends with its parent.
 */
import type { ChildProcess } from 'node:child_process';
import { fork } from 'node:child_process';
import { once } from 'node:events';

/** What a child can be asked, by name. */
type Handlers = Readonly<Record<string, (argument: never) => unknown>>;

interface Question {
  readonly id: number;
  readonly ask: string;
  readonly argument: unknown;
}
interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}

export class Child {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #asked = 0;

  /** @param execArgv options for node itself, such as `--expose-gc` */
  constructor(file: string, execArgv: readonly string[] = []) {
    const profile = process.env.BENCH_CPU_PROF;
    const profiling = profile ? ['--cpu-prof', `--cpu-prof-dir=${profile}`, '--cpu-prof-interval=200'] : [];
    this.#process = fork(new URL(`../processes/${file}.ts`, import.meta.url), [], {
      execArgv: [...profiling, ...execArgv],
    });
    this.#process.on('message', ({ id, result, error }: Answer) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) waiting?.resolve(result);
      else waiting?.reject(new Error(`${file}: ${error}`));
    });
    this.#process.on('exit', (code, signal) => {
      const error = new Error(`the process of ${file} ended: ${signal ?? code}`);
      for (const { reject } of this.#waiting.values()) reject(error);
    });
  }

  /** The answer of the child, whatever it is. */
  ask<T = void>(ask: string, argument?: unknown): Promise<T> {
    this.#asked += 1;
    const waiting = Promise.withResolvers<unknown>();
    this.#waiting.set(this.#asked, waiting);
    this.#process.send({ id: this.#asked, ask, argument } satisfies Question);
    return waiting.promise as Promise<T>;
  }

  async end(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = once(this.#process, 'exit');
    this.#process.disconnect();
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), 5_000);
    await ended;
    clearTimeout(timer);
  }
}

/** What every child answers: the CPU time of this process so far, ms, with all of its threads. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

/** In a child: answers what is asked by `handlers`, and ends when nobody can ask any more. */
export function serve(own: Handlers): void {
  const handlers: Handlers = { cpuMs, ...own };
  const answer = async ({ id, ask, argument }: Question): Promise<void> => {
    try {
      const result = await (handlers[ask] as (argument: unknown) => unknown)(argument);
      process.send?.({ id, result } satisfies Answer);
    } catch (error) {
      process.send?.({ id, error: String(error instanceof Error ? error.stack : error) } satisfies Answer);
    }
  };
  process.on('message', (question: Question) => void answer(question));
  // By `exit`, so that a profile is written.
  process.on('disconnect', () => process.exit(0));
}
