/** A console that keeps what a command says. */
import { execFile, spawn } from 'node:child_process';
import { run } from '../src/cli/run.ts';
import type { Console, ExitCode } from '../src/cli/console.ts';

export interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Calls a command in this process. */
export async function called(args: readonly string[], given: Partial<Console> = {}): Promise<Said> {
  let [out, err] = ['', ''];
  const code: ExitCode = await run(args, {
    out: (text) => (out += text),
    err: (text) => (err += text),
    drained: async () => {},
    isTerminal: false,
    size: () => ({ columns: 80, rows: 24 }),
    environment: {},
    input: async function* () {},
    ended: new AbortController().signal,
    ...given,
  });
  return { code, out, err };
}

const PROGRAM = new URL('../src/cli.ts', import.meta.url).pathname;

export interface Starting {
  readonly environment?: Readonly<Record<string, string>>;
  /** What is piped into it. Default: nothing. */
  readonly input?: string;
}

/** Runs the program in a process of its own. */
export function program(
  args: readonly string[],
  { environment = {}, input = '' }: Starting = {},
): Promise<Said> {
  return new Promise((resolve) => {
    const options = { env: { ...process.env, ...environment }, maxBuffer: 2 ** 28 };
    const child = execFile(process.execPath, [PROGRAM, ...args], options, (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), out, err }),
    );
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
  });
}

/** Starts the program in a process of its own, which goes on until it is told to end. */
export function startProgram(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [out, err] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  const exited = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
  return {
    child,
    exited,
    get out() {
      return out;
    },
    get err() {
      return err;
    },
  };
}

/** The lines of JSON that a command has printed. */
export function linesOf<T = Record<string, unknown>>(out: string): T[] {
  return out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);
}
