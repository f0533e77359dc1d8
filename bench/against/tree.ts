/** A tree whose benchmarks are run, by its own code, in a process of their own. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Settings } from '../harness/benchmark.ts';
import { CommandFailed, run } from './command.ts';
import type { Reports } from './series.ts';

/** Names of all benchmarks, asked of the tree's own list. */
const LIST = `
  const { benchmarks } = await import(process.argv[1]);
  console.log(JSON.stringify(benchmarks.map(({ name }) => name)));
`;

export interface TreeOptions {
  readonly root: string;
  /** For what its runs leave behind. */
  readonly temporary: string;
  readonly signal: AbortSignal;
  /** The root of the tree whose library its benchmarks measure, if not its own. */
  readonly library?: string;
}

export class Tree {
  readonly #options: TreeOptions;

  constructor(options: TreeOptions) {
    this.#options = options;
  }

  /** `undefined` where there is no list of benchmarks. */
  async names(): Promise<string[] | undefined> {
    const list = join(this.#options.root, 'bench/benchmarks.ts');
    try {
      return JSON.parse(await this.#node(['--input-type=module', '-e', LIST, list])) as string[];
    } catch (error) {
      if (error instanceof CommandFailed) return undefined;
      throw error;
    }
  }

  /** Runs benchmarks once. An older tree has to understand these options: none is new. */
  async run(names: readonly string[], { rounds, seconds, quick }: Settings): Promise<Reports> {
    const file = join(this.#options.temporary, 'run.json');
    const settings = [
      '--rounds',
      String(rounds),
      '--seconds',
      String(seconds),
      ...(quick ? ['--quick'] : []),
    ];
    await this.#node(['bench/run.ts', ...names, ...settings, '--json', file]);
    return (JSON.parse(readFileSync(file, 'utf8')) as { reports: Reports }).reports;
  }

  #node(args: readonly string[]): Promise<string> {
    const { root, temporary, signal, library } = this.#options;
    const { BENCH_LIBRARY: _, ...env } = process.env;
    // A run starts some thirty processes: a tenth of its time is compiling the same files.
    const added = { TMPDIR: temporary, NODE_COMPILE_CACHE: join(temporary, 'compiled') };
    return run(process.execPath, args, {
      cwd: root,
      signal,
      env: { ...env, ...added, ...(library === undefined ? {} : { BENCH_LIBRARY: library }) },
    });
  }
}
