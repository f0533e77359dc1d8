/**
 * The time of one simulated process, on a machine of its own. Its clock has its own zero and its own drift.
 * While the process is paused, due timers and deliveries wait. While the machine sleeps, the monotonic clock
 * and the timers stand still, too: on waking, each timer has as long to go as before. Once the process is
 * killed, nothing of it ever runs.
 */
import { Elapsed } from '../../src/base/elapsed.ts';
import type { Cancel, Time } from '../../src/base/time.ts';
import type { SimTime } from './sim-time.ts';
import { drain } from './sim-time.ts';

/** The largest relative error of a clock's rate. */
const MAX_DRIFT = 100e-6;
/** The wall clock of a machine whose clock is right, at the beginning, ms since 1970. */
const WALL_MS = 1_764_000_000_000;

interface Timer {
  /** On the monotonic clock. */
  readonly dueAt: number;
  readonly run: () => void;
  cancel: Cancel;
}

export class Host implements Time {
  readonly name: string;
  readonly #sim: SimTime;
  readonly #rate: number;
  readonly #zero: number;
  readonly #timers = new Set<Timer>();
  #isKilled = false;
  #isPaused = false;
  /** When the machine fell asleep, in simulated time; `undefined` while it is awake. */
  #asleepSince: number | undefined;
  /** For how long the monotonic clock has stood still, ms. */
  #sleptMs = 0;
  /** How far the wall clock is ahead of where it would be had nobody set it, ms. */
  #wallAheadMs = 0;
  readonly #elapsed: Elapsed;
  #stoppedAt = 0;
  /** Called first of all when the process goes on, with the time for which it was stopped, ms. */
  onResume: (stoppedMs: number) => void = () => {};
  #due: (() => void)[] = [];
  #arrived: (() => void)[] = [];

  constructor(name: string, sim: SimTime) {
    this.name = name;
    this.#sim = sim;
    this.#rate = 1 + sim.random.between(-MAX_DRIFT, MAX_DRIFT);
    this.#zero = sim.random.between(0, 1e6) - sim.now * this.#rate;
    this.#elapsed = new Elapsed({
      monotonic: () => this.#monotonic,
      wall: () => this.wall(),
      later: (run) => this.endOfTurn(run),
    });
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
    return this.#elapsed.now();
  }

  get wokeAt(): number {
    return this.#elapsed.wokeAt;
  }

  onWake(run: () => void): Cancel {
    return this.#elapsed.onWake(run);
  }

  wall(): number {
    return Math.floor(WALL_MS + this.#sim.now * this.#rate + this.#wallAheadMs);
  }

  get #monotonic(): number {
    return this.#zero + ((this.#asleepSince ?? this.#sim.now) - this.#sleptMs) * this.#rate;
  }

  after(ms: number, run: () => void): Cancel {
    // Node's timers take at least a millisecond.
    const timer: Timer = { dueAt: this.#monotonic + Math.max(1, ms), run, cancel: () => {} };
    this.#timers.add(timer);
    if (this.#asleepSince === undefined) this.#schedule(timer);
    return () => {
      this.#timers.delete(timer);
      timer.cancel();
    };
  }

  #schedule(timer: Timer): void {
    const fire = (): void => {
      if (this.#timers.delete(timer)) timer.run();
    };
    timer.cancel = this.#sim.after((timer.dueAt - this.#monotonic) / this.#rate, () => {
      if (this.#isKilled) return;
      if (this.#isPaused) this.#due.push(fire);
      else fire();
    });
  }

  nextTurn(run: () => void): void {
    // What has arrived in the meantime comes first.
    this.#sim.after(this.#sim.random.between(0.01, 0.2), () => this.deliver(run));
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

  /** Runs the arrival of a message from outside. */
  deliver(run: () => void): void {
    if (this.#isKilled) return;
    if (this.#isPaused) this.#arrived.push(run);
    else run();
  }

  /** Pauses the process, as SIGSTOP or a blocked event loop does. */
  pause(): void {
    if (!this.#isPaused) this.#stoppedAt = this.#sim.now;
    this.#isPaused = true;
  }

  /**
   * Resumes in the order of an event loop: due timers, then messages that have arrived, then the ends of
   * turns.
   */
  resume(): void {
    if (!this.#isPaused || this.#isKilled) return;
    this.#sim.after(0, async () => {
      if (this.#asleepSince !== undefined) return;
      this.#isPaused = false;
      this.onResume(this.#sim.now - this.#stoppedAt);
      const jobs = [...this.#due, ...this.#arrived];
      this.#due = [];
      this.#arrived = [];
      for (const job of jobs) {
        job();
        await drain();
      }
    });
  }

  /** Puts the machine to sleep, with everything on it. What arrives from now on waits in the sockets. */
  sleep(): void {
    this.pause();
    this.#asleepSince = this.#sim.now;
    for (const { cancel } of this.#timers) cancel();
  }

  /**
   * Wakes the machine up.
   * @param errorMs the error of the hardware's clock, by which the system sets the wall clock on waking
   */
  wake(errorMs: number): void {
    if (this.#asleepSince === undefined || this.#isKilled) return;
    this.#sleptMs += this.#sim.now - this.#asleepSince;
    this.#asleepSince = undefined;
    this.#wallAheadMs += errorMs;
    for (const timer of this.#timers) this.#schedule(timer);
    this.resume();
  }

  /** Somebody sets the wall clock, ms from where it is. A process that runs reads its clocks all the time. */
  setWall(byMs: number): void {
    this.#wallAheadMs += byMs;
    this.now();
  }

  get isAsleep(): boolean {
    return this.#asleepSince !== undefined;
  }

  kill(): void {
    this.#isKilled = true;
    this.#timers.clear();
  }
}
