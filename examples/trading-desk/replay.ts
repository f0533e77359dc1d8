/** Plays the bars again and again at a given rate, without drift. */
import type { Bar } from './bars.ts';

/**
 * A delay beyond this means that the machine slept. The bars missed in that time are skipped, not rushed
 * through.
 */
const MAX_LAG_MS = 1_000;

export interface Pace {
  readonly bars: readonly Bar[];
  readonly barsPerSecond: number;
  /** Plays one bar that is due. Several bars may be due at once. */
  readonly play: (bar: Bar) => void;
  /** Runs before the first bar of every pass but the first. */
  readonly startOver: () => void;
}

export class Replay {
  readonly #pace: Pace;
  readonly #msPerBar: number;
  #startedAt = 0;
  #playedSinceStart = 0;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  /** How many bars have been played, over all passes. */
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

  /** Each bar is due at a time counted from the start, so a late timer delays one bar, not all later ones. */
  get #nextAt(): number {
    return this.#startedAt + (this.#playedSinceStart + 1) * this.#msPerBar;
  }

  #schedule(): void {
    // What is due already comes in the next turn: Node warns of a negative time.
    this.#timer = setTimeout(() => this.#playDue(), Math.max(0, this.#nextAt - performance.now()));
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
