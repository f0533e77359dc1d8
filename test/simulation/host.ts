/**
 * The time of one simulated process. Its clock has its own zero and its own drift. While the process is
 * paused, due timers and deliveries wait. Once it is killed, they never run.
 */
import type { Cancel, Time } from '../../src/base/time.ts';
import type { SimTime } from './sim-time.ts';
import { drain } from './sim-time.ts';

/** The largest relative error of a clock's rate. */
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

  /** How many timers are pending. */
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
    // Node's timers take at least a millisecond.
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

  /** This time in the form in which XState takes it for the delays of machines. */
  readonly clock = {
    setTimeout: (run: (...args: any[]) => void, ms: number): Cancel => this.after(ms, run),
    clearTimeout: (cancel: Cancel | undefined): void => cancel?.(),
  };

  /** Runs the arrival of a message from outside. */
  deliver(run: () => void): void {
    if (this.#isKilled) return;
    if (this.#isPaused) this.#arrived.push(run);
    else run();
  }

  /** Pauses the process, as SIGSTOP or a blocked event loop does. */
  pause(): void {
    this.#isPaused = true;
  }

  /**
   * Resumes in the order of an event loop: due timers, then messages that have arrived, then the ends of
   * turns.
   */
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
