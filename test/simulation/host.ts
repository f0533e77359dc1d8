/**
 * A process, as far as time is concerned: a clock of its own that has its own zero and drifts, timers and deliveries
 * that wait while it is paused, and come never more once it is killed.
 */
import type { Cancel, Time } from '../../src/base/time.ts';
import type { SimTime } from './sim-time.ts';
import { drain } from './sim-time.ts';

/** Crystals differ by so much. */
const MAX_DRIFT = 100e-6;

export class Host implements Time {
  readonly name: string;
  readonly #sim: SimTime;
  readonly #rate: number;
  readonly #zero: number;
  readonly #timers = new Set<object>();
  #isKilled = false;
  #isPaused = false;
  #due: (() => void)[] = [];
  #arrived: (() => void)[] = [];

  constructor(name: string, sim: SimTime) {
    this.name = name;
    this.#sim = sim;
    this.#rate = 1 + sim.random.between(-MAX_DRIFT, MAX_DRIFT);
    this.#zero = sim.random.between(0, 1e6) - sim.now * this.#rate;
  }

  get isAlive(): boolean {
    return !this.#isKilled;
  }

  get isRunning(): boolean {
    return !this.#isKilled && !this.#isPaused;
  }

  /** Timers that are set. */
  get timers(): number {
    return this.#timers.size;
  }

  now(): number {
    return this.#zero + this.#sim.now * this.#rate;
  }

  after(ms: number, run: () => void): Cancel {
    const token = {};
    const fire = (): void => {
      if (this.#timers.delete(token)) run();
    };
    this.#timers.add(token);
    // Timers of Node know no less than a millisecond.
    const cancel = this.#sim.after(Math.max(1, ms) / this.#rate, () => {
      if (this.#isKilled) return;
      if (this.#isPaused) this.#due.push(fire);
      else fire();
    });
    return () => {
      this.#timers.delete(token);
      cancel();
    };
  }

  nextTurn(run: () => void): void {
    this.endOfTurn(run);
  }

  endOfTurn(run: () => void): void {
    this.#sim.endOfTurn(() => {
      if (this.#isKilled) return;
      if (this.#isPaused) this.#due.push(run);
      else run();
    });
  }

  random(): number {
    return this.#sim.random.next();
  }

  /** The same time, as XState wants it for the delays of its machines. */
  readonly clock = {
    setTimeout: (run: (...args: any[]) => void, ms: number): Cancel => this.after(ms, run),
    clearTimeout: (cancel: Cancel | undefined): void => cancel?.(),
  };

  /** Something comes in from outside. */
  deliver(run: () => void): void {
    if (this.#isKilled) return;
    if (this.#isPaused) this.#arrived.push(run);
    else run();
  }

  /** SIGSTOP, or a loop that is blocked. */
  pause(): void {
    this.#isPaused = true;
  }

  /** As a loop that goes on: first the timers that are due, then what has arrived, then the ends of turns. */
  resume(): void {
    if (!this.#isPaused || this.#isKilled) return;
    this.#sim.after(0, async () => {
      this.#isPaused = false;
      const jobs = [...this.#due, ...this.#arrived];
      this.#due = [];
      this.#arrived = [];
      for (const job of jobs) {
        job();
        await drain();
      }
    });
  }

  kill(): void {
    this.#isKilled = true;
    this.#timers.clear();
  }
}
