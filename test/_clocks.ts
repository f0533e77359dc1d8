/**
 * The clocks of another process, as a test sets them: by a library that is preloaded into it
 * (`fixtures/clocks.c`, built here with `cc`). Linux only.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onPath } from './_on-path.ts';

/** Why tests that set clocks are skipped, for their titles; `undefined` where they can run. */
export const noClocks =
  process.platform === 'linux' && onPath('cc') !== undefined
    ? undefined
    : 'no C compiler on the PATH, or no Linux';

const source = new URL('fixtures/clocks.c', import.meta.url).pathname;
const NS_PER_MS = 1_000_000;

export class Clocks {
  readonly #folder = mkdtempSync(join(tmpdir(), 'tandem-clocks-'));
  readonly #library = join(this.#folder, 'clocks.so');
  readonly #file: number;
  #wallMs = 0;
  #suspendedMs = 0;

  /** Builds the library. Both clocks are right at first. */
  constructor() {
    execFileSync('cc', ['-shared', '-fPIC', '-O1', '-o', this.#library, source]);
    this.#file = openSync(join(this.#folder, 'offsets'), 'w+');
    this.#write();
  }

  /** What the environment of a process needs, so that its clocks are these. */
  get env(): Record<string, string> {
    return { LD_PRELOAD: this.#library, TANDEM_CLOCKS: join(this.#folder, 'offsets') };
  }

  /** Sets the wall clock so far ahead of the true one, ms; negative for behind it. */
  setWall(aheadMs: number): void {
    this.#wallMs = aheadMs;
    this.#write();
  }

  /** The monotonic clock has stood still for so long, ms: the machine was suspended. */
  suspended(ms: number): void {
    this.#suspendedMs += ms;
    this.#write();
  }

  /** How long the monotonic clock has stood still in all, ms. */
  get suspendedMs(): number {
    return this.#suspendedMs;
  }

  /** Deletes the files. Processes that have the library keep their clocks. */
  close(): void {
    closeSync(this.#file);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #write(): void {
    const offsets = new BigInt64Array([this.#wallMs, -this.#suspendedMs].map((ms) => BigInt(ms * NS_PER_MS)));
    writeSync(this.#file, new Uint8Array(offsets.buffer), 0, offsets.byteLength, 0);
  }
}
