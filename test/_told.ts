/** The events of a follower, held against its readings: each word is told once, and in time. */
import { setTimeout as pause } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import type { Follower } from '../src/index.ts';
import { until } from './_wait.ts';

/** Ten times what is promised would be a second; the machine may be busy. */
const TOLERANCE_MS = 1_000;

/** Polls readings, and notes when each word was read first, and when it was told. */
export class Told {
  readonly told: string[] = [];
  readonly #toldAt = new Map<string, number>();
  readonly #readAt = new Map<string, number>();
  readonly #timer: NodeJS.Timeout;

  /** @param key the key whose readings are polled */
  constructor(t: ExecutionContext, follower: Follower<any>, key: string) {
    follower.on('freshness', ({ freshness }) => this.#tell(freshness));
    follower.on('ownerChanged', ({ owner, ownerName }) => this.#tell(`${owner} ${ownerName}`));
    let last = ['stale', 'never'];
    this.#timer = setInterval(() => {
      const { freshness, owner } = follower.get(key);
      for (const word of [freshness, owner])
        if (!last.includes(word)) this.#readAt.set(word, performance.now());
      last = [freshness, owner];
    }, 5);
    t.teardown(() => clearInterval(this.#timer));
  }

  #tell(line: string): void {
    this.told.push(line);
    this.#toldAt.set(line.split(' ')[0]!, performance.now());
  }

  /** Waits for the lines, and checks that no others came, and that each came in time. */
  async expect(t: ExecutionContext, ...lines: string[]): Promise<void> {
    await until(() => lines.every((line) => this.told.includes(line)), lines.join(', '), 15_000);
    t.deepEqual(this.told.splice(0).toSorted(), lines.toSorted());
    // The poll comes a moment after the change, where the event was first.
    await pause(50);
    for (const line of lines) {
      const word = line.split(' ')[0]!;
      const [readAt, toldAt] = [this.#readAt.get(word), this.#toldAt.get(word)!];
      if (readAt !== undefined)
        t.true(toldAt - readAt < TOLERANCE_MS, `${line} came ${toldAt - readAt} ms late`);
    }
    this.#readAt.clear();
  }
}
