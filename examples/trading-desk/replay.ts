/** Owns the pace: plays bars again and again, so many a second, without drift. */
import type { Bar } from './bars.ts';

/** Behind by more than this, it was the machine that slept; nobody wants to see what was missed rush by. */
const MAX_LAG_MS = 1_000;

export interface Pace {
  readonly bars: readonly Bar[];
  readonly barsPerSecond: number;
  /** Called for each bar that is due; several may be due at once. */
  readonly play: (bar: Bar) => void;
  /** Called before the first bar of the second pass, and of each after it. */
  readonly startOver: () => void;
}

export class Replay {
  readonly #pace: Pace;
  readonly #msPerBar: number;
  #startedAt = 0;
  #playedSinceStart = 0;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  /** Bars played, over all passes. */
  played = 0;

  constructor(pace: Pace) {
    this.#pace = pace;
    this.#msPerBar = 1_000 / pace.barsPerSecond;
  }

  start(): void {
    this.#startedAt = performance.now();
    this.#playedSinceStart = 0;
    this.#schedule();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  /** Each bar has its time, counted from the start: a late timer delays one bar, not all that follow. */
  get #nextAt(): number {
    return this.#startedAt + (this.#playedSinceStart + 1) * this.#msPerBar;
  }

  #schedule(): void {
    this.#timer = setTimeout(() => this.#playDue(), this.#nextAt - performance.now());
  }

  #playDue(): void {
    const now = performance.now();
    if (now - this.#nextAt > MAX_LAG_MS) return this.start();
    while (!this.#stopped && this.#nextAt <= now) this.#playNext();
    if (!this.#stopped) this.#schedule();
  }

  #playNext(): void {
    const { bars, play, startOver } = this.#pace;
    const bar = bars[this.played % bars.length]!;
    if (this.played > 0 && this.played % bars.length === 0) startOver();
    this.played += 1;
    this.#playedSinceStart += 1;
    play(bar);
  }
}
