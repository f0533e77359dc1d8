/**
 * The update latency of the follower, as the library measures it: the same figure as on the live page, in the
 * metric and in traces. Every update counts, including those that had to wait for Redis to come back.
 *
 * Beside it, how many updates are still on their way: both processes report positions, which are compared here.
 */
import type { RecordableHistogram } from 'node:perf_hooks';
import { createHistogram } from 'node:perf_hooks';
import { comparePositions } from '../../src/index.ts';
import type { LatencySample, Sighting } from './messages.ts';

const RECENT_MS = 10_000;
const MAX_RECENT = 2_000;
const MAX_WAITING = 50_000;
const HOUR_US = 3_600_000_000;

/** A latency, and the bound of its error, ms. */
export interface Figure {
  readonly ms: number;
  readonly errorMs: number;
}

export interface Latency {
  readonly count: number;
  readonly p50: Figure;
  readonly p99: Figure;
  readonly max: Figure;
}

export class LatencyMeter {
  readonly #all: RecordableHistogram = createHistogram({ lowest: 1, highest: HOUR_US, figures: 3 });
  /** The largest error of any sample, ms. */
  #errorMs = 0;
  #recent: LatencySample[] = [];
  #sets: readonly Sighting[] = [];
  #head = '0-0';

  /** How many updates the follower lacked at its last report. */
  get waiting(): number {
    return this.#sets.length;
  }

  noteSets(sets: readonly Sighting[]): void {
    // Before its first claim, an owner's positions are provisional.
    const known = sets.filter(([position]) => !position.startsWith('0-'));
    this.#sets = [...this.#sets, ...known].slice(-MAX_WAITING);
    this.#forgetSeen();
  }

  /** The follower is at this position. */
  noteHead(head: string): void {
    this.#head = head;
    this.#forgetSeen();
  }

  note(samples: readonly LatencySample[]): void {
    for (const { ms, errorMs } of samples) {
      this.#all.record(Math.max(1, Math.min(HOUR_US, Math.round(ms * 1_000))));
      this.#errorMs = Math.max(this.#errorMs, errorMs);
    }
    this.#recent = [...this.#recent, ...samples].slice(-MAX_RECENT);
  }

  /** The owner has died: what it had set and not published is never seen. */
  forgetWaiting(): void {
    this.#sets = [];
  }

  /** The latency over the last ten seconds. */
  recent(): Latency | undefined {
    const last = this.#recent.at(-1);
    if (!last) return undefined;
    const sorted = this.#recent
      .filter(({ atUs }) => atUs >= last.atUs - RECENT_MS * 1_000)
      .toSorted((a, b) => a.ms - b.ms);
    const at = (share: number): Figure => sorted[Math.ceil(sorted.length * share) - 1]!;
    return { count: sorted.length, p50: at(0.5), p99: at(0.99), max: at(1) };
  }

  /** The latency since the start. */
  overall(): Latency | undefined {
    const { count, max } = this.#all;
    if (count === 0) return undefined;
    const figure = (us: number): Figure => ({ ms: us / 1_000, errorMs: this.#errorMs });
    const at = (share: number): Figure => figure(this.#all.percentile(share * 100));
    return { count, p50: at(0.5), p99: at(0.99), max: figure(max) };
  }

  #forgetSeen(): void {
    this.#sets = this.#sets.filter(([position]) => comparePositions(this.#head, position) < 0);
  }
}
