/** Simulated time and chance. Only scheduled events happen, in one order that follows from the seed alone. */
import type { Cancel } from '../../src/base/time.ts';
import { Random } from './random.ts';

interface Job {
  readonly at: number;
  /** Orders events that are due at the same time: first scheduled, first run. */
  readonly rank: number;
  run: (() => unknown) | undefined;
}

/**
 * The most events at one moment. More of them means a loop that waits for a time which has already come, and
 * never sees that it has.
 */
const MAX_EVENTS_AT_ONCE = 100_000;

export class SimTime {
  readonly random: Random;
  #now = 0;
  #rank = 0;
  /** A binary heap. */
  readonly #jobs: Job[] = [];
  #turn: (() => void)[] = [];

  constructor(seed: number) {
    this.random = new Random(seed);
  }

  /** Ms since the simulation began. */
  get now(): number {
    return this.#now;
  }

  after(ms: number, run: () => unknown): Cancel {
    const job: Job = { at: this.#now + Math.max(0, ms), rank: (this.#rank += 1), run };
    this.#push(job);
    return () => void (job.run = undefined);
  }

  /** Runs once the present event, and every promise that follows from it, is done. */
  endOfTurn(run: () => void): void {
    this.#turn.push(run);
  }

  /** Runs due events in order until `end`, or until `holds` is true after an event. */
  async run(end: number, holds: () => boolean = () => false): Promise<void> {
    let events = 0;
    while (!holds()) {
      const job = this.#jobs[0];
      if (job === undefined || job.at > end) {
        this.#now = end;
        return;
      }
      this.#pop();
      if (job.run === undefined) continue;
      events = job.at > this.#now ? 0 : events + 1;
      if (events > MAX_EVENTS_AT_ONCE) throw new Error(`time stands still at ${this.#now} ms`);
      this.#now = job.at;
      const done = job.run();
      if (done instanceof Promise) await done;
      await this.#finishTurn();
    }
  }

  async #finishTurn(): Promise<void> {
    await drain();
    for (let turns = 0; this.#turn.length > 0; turns += 1) {
      if (turns > 10_000) throw new Error('work is left after 10,000 turns');
      const turn = this.#turn;
      this.#turn = [];
      for (const run of turn) run();
      await drain();
    }
  }

  #push(job: Job): void {
    const jobs = this.#jobs;
    let at = jobs.length;
    jobs.push(job);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(job, jobs[parent]!)) break;
      jobs[at] = jobs[parent]!;
      at = parent;
    }
    jobs[at] = job;
  }

  #pop(): void {
    const jobs = this.#jobs;
    const last = jobs.pop()!;
    if (jobs.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= jobs.length) break;
      if (child + 1 < jobs.length && isBefore(jobs[child + 1]!, jobs[child]!)) child += 1;
      if (!isBefore(jobs[child]!, last)) break;
      jobs[at] = jobs[child]!;
      at = child;
    }
    jobs[at] = last;
  }
}

function isBefore(a: Job, b: Job): boolean {
  return a.at < b.at || (a.at === b.at && a.rank < b.rank);
}

/** Resolves when every promise that can settle has settled, and their continuations have run. */
export function drain(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
