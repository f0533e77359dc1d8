/** A process of the demo that lasts: where it dies, the demo starts it again. */
import type { Child } from './child.ts';

/** A process that ends by itself within this time would do so again, ms. */
const YOUNG_MS = 10_000;

export interface LastingOptions {
  readonly start: () => Child;
  /** The time until the next start, ms; `undefined` where somebody calls `startNow`. */
  readonly restartAfterMs: number | undefined;
  /** Called when it dies, and when it is back. */
  readonly tell: (what: string) => void;
  /** Called when it dies. */
  readonly gone: () => void;
}

export class Lasting {
  /** Rejects with its last words where starting it again would not help. */
  readonly failed: Promise<never>;
  readonly #options: LastingOptions;
  readonly #fail: (error: Error) => void;
  #child: Child;
  #isUp = true;
  #restart: NodeJS.Timeout | undefined;
  #isEnding = false;

  constructor(options: LastingOptions) {
    this.#options = options;
    const { promise, reject } = Promise.withResolvers<never>();
    this.failed = promise;
    this.#fail = reject;
    // It may fail while nobody waits any more.
    promise.catch(() => {});
    this.#child = this.#start();
  }

  get name(): string {
    return this.#child.name;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Starts it, if it is dead. */
  startNow(): void {
    clearTimeout(this.#restart);
    if (this.#isUp || this.#isEnding) return;
    this.#child = this.#start();
    this.#options.tell(`${this.name} is back, pid ${this.pid}`);
  }

  async end(killAfterMs: number): Promise<void> {
    this.#isEnding = true;
    clearTimeout(this.#restart);
    await this.#child.end(killAfterMs);
  }

  kill(): void {
    this.#isEnding = true;
    clearTimeout(this.#restart);
    this.#child.kill();
  }

  #start(): Child {
    const child = this.#options.start();
    const startedAt = performance.now();
    this.#isUp = true;
    void child.exited.then((how) => this.#died(child, how, performance.now() - startedAt));
    return child;
  }

  #died(child: Child, how: string, livedMs: number): void {
    if (this.#isEnding) return;
    this.#isUp = false;
    this.#options.gone();
    if (how.startsWith('exit code') && livedMs < YOUNG_MS) return this.#fail(lastWordsOf(child, how));
    const { restartAfterMs, tell } = this.#options;
    const next =
      restartAfterMs === undefined ? '' : `; the demo starts it again after ${restartAfterMs / 1_000} s`;
    tell(`${child.name}, pid ${child.pid}, is gone (${how})${next}`);
    if (restartAfterMs !== undefined) this.#restart = setTimeout(() => this.startNow(), restartAfterMs);
  }
}

function lastWordsOf({ name, lastWords }: Child, how: string): Error {
  const words = lastWords.filter((line) => !line.startsWith('{'));
  const shown = words.length > 0 ? words : lastWords;
  return new Error([`${name} has ended by itself: ${how}`, ...shown].join('\n  '));
}
