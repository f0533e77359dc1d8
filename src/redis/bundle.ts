/**
 * Heartbeats of several spaces that fall together, in one call: a thousand idle spaces give four thousand signs of life a second.
 *
 * What else is to be sent goes behind them, never before: each call of a space stands on the one before it. One that cannot be
 * among the others is made alone, and answers for itself.
 */
import type { TandemError } from '../base/errors.ts';
import type { Time } from '../base/time.ts';
import type { Keys } from './keys.ts';

/** A heartbeat takes Redis 10 to 20 µs. */
const MOST = 32;

/** What a commit answers. */
export type Answer = string | string[];

export interface Commit {
  readonly keys: Keys;
  readonly args: readonly string[];
}

/** How commits are made. */
export interface Ways {
  readonly alone: (commit: Commit) => Promise<Answer>;
  /** Gives an answer for each; an empty one where it has to be made alone. */
  readonly together: (commits: readonly Commit[]) => Promise<readonly Answer[]>;
  /** Hands Redis the script for several ahead: one that is found missing is made late, when others have overtaken it. */
  readonly learn: () => Promise<unknown>;
}

interface Part extends Commit {
  readonly resolve: (answer: Answer | Promise<Answer>) => void;
  readonly reject: (error: unknown) => void;
}

export class Bundle {
  readonly #time: Time;
  readonly #ways: Ways;
  #parts: Part[] = [];
  /** Whether this connection takes several at once. */
  #state: 'unknown' | 'learning' | 'takes' | 'refuses' = 'unknown';

  constructor(time: Time, ways: Ways) {
    this.#time = time;
    this.#ways = ways;
  }

  /** There is a new connection. A Cluster's takes one space a call. */
  begin(isCluster: boolean): void {
    this.#state = isCluster ? 'refuses' : 'unknown';
  }

  /** Goes out with others of this turn of the loop. */
  add(commit: Commit): Promise<Answer> {
    if (this.#state === 'refuses') return this.#ways.alone(commit);
    return new Promise((resolve, reject) => {
      this.#parts.push({ ...commit, resolve, reject });
      if (this.#parts.length === 1) this.#time.nextTurn(() => this.flush());
    });
  }

  /** What waits goes out now. */
  flush(): void {
    if (this.#parts.length === 0) return;
    const parts = this.#parts;
    this.#parts = [];
    if (parts.length > 1 && this.#state === 'takes') {
      for (let at = 0; at < parts.length; at += MOST) void this.#send(parts.slice(at, at + MOST));
      return;
    }
    for (const part of parts) this.#sendAlone(part);
    if (parts.length > 1) void this.#learn();
  }

  async #send(parts: readonly Part[]): Promise<void> {
    try {
      const answers = await this.#ways.together(parts);
      for (const [at, part] of parts.entries()) {
        const answer = answers[at];
        if (answer) part.resolve(answer);
        else this.#sendAlone(part);
      }
    } catch (error) {
      const { code } = error as TandemError;
      if (code === 'REDIS_REFUSED') this.#state = 'refuses';
      for (const part of parts) {
        if (code === 'REDIS_REFUSED') this.#sendAlone(part);
        else part.reject(error);
      }
    }
  }

  #sendAlone(part: Part): void {
    part.resolve(this.#ways.alone(part));
  }

  async #learn(): Promise<void> {
    if (this.#state !== 'unknown') return;
    this.#state = 'learning';
    const learned = await this.#ways.learn().then(
      () => 'takes' as const,
      () => 'refuses' as const,
    );
    if (this.#state === 'learning') this.#state = learned;
  }
}
