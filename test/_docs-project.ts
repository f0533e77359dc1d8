/**
 * The files that a page of the docs shows, as a project of its own: compiled, and run against a real Redis.
 *
 * A block of code is a file where its first line is a comment with a name, such as `// owner.ts`.
 */
import type { ChildProcess } from 'node:child_process';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ExecutionContext } from 'ava';

const ROOT = new URL('..', import.meta.url).pathname;
const BLOCK = /^```(?:ts|js|python)\n(?:\/\/|#) ([\w-]+\.\w+).*\n([^]*?)^```/gm;
/** What the pages import besides Tandem. */
const PACKAGES = ['zod', 'koa', '@types', '@koa'];
const OPTIONS = [
  ['--noEmit', '--strict', '--erasableSyntaxOnly', '--allowImportingTsExtensions'],
  ['--module', 'nodenext', '--target', 'es2024', '--types', 'node'],
].flat();

/** The files of a page, by name. */
export function filesOf(page: string): Map<string, string> {
  const text = readFileSync(join(ROOT, page), 'utf8');
  return new Map([...text.matchAll(BLOCK)].map(([, name, code]) => [name!, code!]));
}

/** A program that runs. */
export interface Program {
  /** What it has printed so far, errors too. */
  printed(): string;
  /** Resolves to its exit code. */
  readonly exited: Promise<number | null>;
  /** Asks it to end, and resolves to its exit code. */
  stop(): Promise<number | null>;
  /** Ends it at once, as a crash does. */
  kill(): Promise<number | null>;
}

export class DocsProject {
  readonly #t: ExecutionContext;
  readonly #folder = mkdtempSync(join(tmpdir(), 'tandem-docs-'));

  /** In its folder, `tandem-sync` is this clone's sources. The folder goes with the test. */
  constructor(t: ExecutionContext, files: ReadonlyMap<string, string>) {
    this.#t = t;
    t.teardown(() => rmSync(this.#folder, { recursive: true, force: true }));
    const modules = join(this.#folder, 'node_modules');
    const own = join(modules, 'tandem-sync');
    mkdirSync(own, { recursive: true });
    for (const name of PACKAGES) symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
    const exports = { '.': './index.js', './koa': './koa.js', './testing': './testing.js' };
    writeFileSync(
      join(own, 'package.json'),
      JSON.stringify({ name: 'tandem-sync', type: 'module', exports }),
    );
    for (const entry of ['index', 'koa', 'testing']) {
      const source = `export * from '${join(ROOT, 'src', `${entry}.ts`)}';\n`;
      writeFileSync(join(own, `${entry}.js`), source);
      writeFileSync(join(own, `${entry}.d.ts`), source);
    }
    writeFileSync(join(this.#folder, 'package.json'), '{"type":"module"}');
    for (const [name, text] of files) writeFileSync(join(this.#folder, name), text);
  }

  /** Rejects with what the compiler says. */
  async compile(names: Iterable<string>): Promise<void> {
    const tsc = join(ROOT, 'node_modules/.bin/tsc');
    await promisify(execFile)(tsc, [...OPTIONS, ...names], { cwd: this.#folder });
  }

  /** @param command a file, and arguments for it */
  start(program: string, command: string, env: Readonly<Record<string, string>>): Program {
    const child: ChildProcess = spawn(program, command.split(' '), {
      cwd: this.#folder,
      env: { ...process.env, ...env },
    });
    this.#t.teardown(() => void child.kill('SIGKILL'));
    const exited = once(child, 'exit').then(([code]) => code as number | null);
    let printed = '';
    for (const stream of [child.stdout!, child.stderr!])
      stream.on('data', (text: Buffer) => (printed += text.toString()));
    return {
      printed: () => printed,
      exited,
      stop() {
        child.kill('SIGTERM');
        return exited;
      },
      kill() {
        child.kill('SIGKILL');
        return exited;
      },
    };
  }
}
