/** What happens in a space, second by second, as a follower sees it. Pure: the time is handed in. */
import type { Applied, Synced } from '../ports/observer.ts';
import { medianOf } from './server-findings.ts';

/** One second of a space. */
export interface SpaceSecond {
  readonly space: string;
  readonly owner: string;
  readonly ownerName: string | null;
  readonly mode: string;
  readonly freshness: string;
  readonly staleMs: number | null;
  readonly keys: number;
  /** Keys that have changed, a second. */
  readonly changesPerS: number;
  readonly framesPerS: number;
  /** From the set until it was visible here: the median, and the greatest, ms. Null where nothing came. */
  readonly lagMs: number | null;
  readonly mostLagMs: number | null;
  readonly head: string;
}

/** How a follower stands now. */
export type Standing = Omit<SpaceSecond, 'changesPerS' | 'framesPerS' | 'lagMs' | 'mostLagMs'>;

/** Latencies that are kept for a second: the others count in the greatest alone. */
const MOST_KEPT = 10_000;

export class SpaceMeter {
  #changes = 0;
  #frames = 0;
  #lags: number[] = [];
  #mostLagMs: number | null = null;
  #since: number;

  /** @param now ms */
  constructor(now: number) {
    this.#since = now;
  }

  applied({ keys, updateLatencyMs }: Pick<Applied, 'keys' | 'updateLatencyMs'>): void {
    this.#changes += keys;
    if (keys > 0) this.#frames += 1;
    this.synced({ updateLatencyMs });
  }

  /** Something that was set became visible here. */
  synced({ updateLatencyMs }: Pick<Synced, 'updateLatencyMs'>): void {
    if (updateLatencyMs === undefined) return;
    const lagMs = Math.max(0, updateLatencyMs);
    if (this.#lags.length < MOST_KEPT) this.#lags.push(lagMs);
    this.#mostLagMs = Math.max(this.#mostLagMs ?? 0, lagMs);
  }

  /** What came since the last call. */
  second(standing: Standing, now: number): SpaceSecond {
    const seconds = Math.max(0.001, (now - this.#since) / 1_000);
    const second = {
      ...standing,
      changesPerS: rounded(this.#changes / seconds),
      framesPerS: rounded(this.#frames / seconds),
      lagMs: this.#lags.length === 0 ? null : rounded(medianOf(this.#lags)),
      mostLagMs: this.#mostLagMs === null ? null : rounded(this.#mostLagMs),
    };
    this.#changes = this.#frames = 0;
    this.#lags = [];
    this.#mostLagMs = null;
    this.#since = now;
    return second;
  }
}

/** Two places are enough for people, and for a chart. */
function rounded(number: number): number {
  return Math.round(number * 100) / 100;
}
