/**
 * A Redis server that the demo has started. If it is killed to cause an outage, the demo starts it again,
 * empty.
 */
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { Child } from './child.ts';
import type { RedisUp } from './messages.ts';
import type { Redis } from './redis.ts';
import { versionOf } from './redis.ts';

const KILL_AFTER_MS = 2_000;

export class OwnRedis implements Redis {
  readonly url: string;
  readonly label: string;
  readonly cli: string;
  pid: number | undefined;
  readonly #args: readonly string[];
  readonly #directory = join(tmpdir(), `tandem-demo-${process.pid}`);
  readonly #tell: (what: string) => void;
  readonly #restartAfterMs: number | undefined;
  #child: Child | undefined;
  #restart: NodeJS.Timeout | undefined;
  #isEnding = false;

  /**
   * @param program a server program; `undefined` stands for the embedded server
   * @param tell called when the server dies, and when it is back
   * @param restartAfterMs the time until it is started again, ms; `undefined` where somebody calls `startNow`
   */
  constructor(
    program: string | undefined,
    port: number,
    tell: (what: string) => void,
    restartAfterMs: number | undefined,
  ) {
    this.#args = [program ?? 'embedded', String(port), this.#directory];
    this.#tell = tell;
    this.#restartAfterMs = restartAfterMs;
    this.url = `redis://127.0.0.1:${port}`;
    this.label = program
      ? `${basename(program)} ${versionOf(program)} from the PATH`
      : 'js-redis-server, embedded, since the PATH has no redis-server or valkey-server';
    this.cli = `redis-cli -p ${port}`;
  }

  /**
   * Resolves when the server takes commands.
   *
   * @throws Error with one line for people, if the server ends instead
   */
  async start(): Promise<void> {
    const child = await this.#launch();
    void child.exited.then(() => this.#died(`Redis, pid ${this.pid}, is gone`));
  }

  get toBreakIt(): string {
    if (this.pid === undefined) return 'Redis is gone; the demo starts it again, empty';
    return `kill -9 ${this.pid}   kills Redis${this.#promise}`;
  }

  /** What happens after its death. */
  get #promise(): string {
    const ms = this.#restartAfterMs;
    return ms === undefined ? '' : `; the demo starts it again, empty, after ${ms / 1_000} s`;
  }

  /** Starts it, if it is dead. */
  startNow(): void {
    clearTimeout(this.#restart);
    if (this.pid === undefined && !this.#isEnding) void this.#startAgain();
  }

  async end(): Promise<void> {
    this.#isEnding = true;
    clearTimeout(this.#restart);
    await this.#child?.end(KILL_AFTER_MS);
    this.#clean();
  }

  /** Ends the server at once. */
  kill(): void {
    this.#isEnding = true;
    clearTimeout(this.#restart);
    this.#child?.kill();
    this.#clean();
  }

  async #launch(): Promise<Child> {
    const { promise: up, resolve } = Promise.withResolvers<undefined>();
    const child = new Child({
      name: 'redis',
      script: 'redis-process.ts',
      args: this.#args,
      message: (message) => {
        this.pid = (message as RedisUp).pid;
        resolve(undefined);
      },
    });
    this.#child = child;
    const ended = await Promise.race([up, child.exited]);
    if (ended === undefined) return child;
    throw new Error(`cannot start Redis (${this.label}): ${child.lastWords.slice(-2).join('; ') || ended}`);
  }

  #died(what: string): void {
    if (this.#isEnding) return;
    this.#tell(`${what}${this.#promise}`);
    this.pid = undefined;
    if (this.#restartAfterMs !== undefined)
      this.#restart = setTimeout(() => this.startNow(), this.#restartAfterMs);
  }

  async #startAgain(): Promise<void> {
    try {
      await this.start();
      this.#tell(`Redis is back, empty, pid ${this.pid}`);
    } catch (error) {
      this.#died((error as Error).message);
    }
  }

  #clean(): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
