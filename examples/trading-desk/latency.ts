/**
 * The update latency: from just before the owner sets a value until the follower in the other process has it.
 * Every update counts, including those that had to wait for Redis to come back.
 *
 * Both processes report positions and times, which are matched here. An update is visible with the first
 * frame that reaches its position.
 */
import type { RecordableHistogram } from 'node:perf_hooks';
import { createHistogram } from 'node:perf_hooks';
import { comparePositions } from '../../src/index.ts';
import type { Sighting } from './messages.ts';

const RECENT_MS = 10_000;
const MAX_RECENT = 2_000;
const MAX_WAITING = 50_000;
const HOUR_US = 3_600_000_000;

/** All durations are in ms. */
export interface Latency {
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export class LatencyMeter {
  readonly #all: RecordableHistogram = createHistogram({ lowest: 1, highest: HOUR_US, figures: 3 });
  #recent: { readonly seenUs: number; readonly tookUs: number }[] = [];
  #sets: Sighting[] = [];
  #seen: Sighting[] = [];

  /** How many updates the follower lacked at its last report. */
  get waiting(): number {
    return this.#sets.length;
  }

  noteSets(sets: readonly Sighting[]): void {
    // Before its first claim, an owner's positions are provisional.
    this.#sets.push(...sets.filter(([position]) => !position.startsWith('0-')));
    this.#match();
  }

  noteSeen(seen: readonly Sighting[]): void {
    this.#seen.push(...seen);
    this.#match();
  }

  /** The owner has died: what it had set and not published is never seen. */
  forgetWaiting(): void {
    this.#sets = [];
  }

  /** The latency over the last ten seconds. */
  recent(): Latency | undefined {
    const last = this.#recent.at(-1);
    if (!last) return undefined;
    const from = last.seenUs - RECENT_MS * 1_000;
    const sorted = this.#recent.filter(({ seenUs }) => seenUs >= from).map(({ tookUs }) => tookUs);
    sorted.sort((a, b) => a - b);
    const at = (share: number): number => (sorted[Math.ceil(sorted.length * share) - 1] ?? 0) / 1_000;
    return { count: sorted.length, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) };
  }

  /** The latency since the start. */
  overall(): Latency | undefined {
    const { count, max } = this.#all;
    if (count === 0) return undefined;
    const at = (share: number): number => this.#all.percentile(share * 100) / 1_000;
    return { count, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: max / 1_000 };
  }

  /** Both lists are in order. Either process may be the first to report. */
  #match(): void {
    let set = 0;
    let seen = 0;
    while (set < this.#sets.length && seen < this.#seen.length) {
      const [position, setUs] = this.#sets[set]!;
      const [head, seenUs] = this.#seen[seen]!;
      if (comparePositions(head, position) < 0) seen += 1;
      else {
        this.#record(seenUs, seenUs - setUs);
        set += 1;
      }
    }
    this.#sets = this.#sets.slice(Math.max(set, this.#sets.length - MAX_WAITING));
    this.#seen = this.#seen.slice(Math.max(seen, this.#seen.length - MAX_WAITING));
  }

  #record(seenUs: number, tookUs: number): void {
    this.#all.record(Math.max(1, Math.min(HOUR_US, tookUs)));
    this.#recent.push({ seenUs, tookUs });
    if (this.#recent.length > 2 * MAX_RECENT) this.#recent = this.#recent.slice(-MAX_RECENT);
  }
}
