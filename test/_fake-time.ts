/**
 * Time and chance for tests. Time passes only by `advance`, `skip` or `sleep`, and every random number comes
 * from the seed.
 */
import { Elapsed } from '../src/base/elapsed.ts';
import type { Cancel, Time } from '../src/base/time.ts';

const WALL_MS = 1_764_000_000_000;

interface Timer {
  readonly at: number;
  readonly run: () => void;
}

export class FakeTime implements Time {
  /** The monotonic clock: timers run by it. */
  #now = 0;
  #wallAheadMs = 0;
  #state: number;
  readonly #timers = new Set<Timer>();
  #turn: (() => void)[] = [];

  constructor(seed = 1) {
    this.#state = seed;
  }

  readonly #elapsed = new Elapsed({
    monotonic: () => this.#now,
    wall: () => this.wall(),
    later: (run) => this.endOfTurn(run),
  });

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
    return Math.floor(WALL_MS + this.#now + this.#wallAheadMs);
  }

  /** The machine sleeps: the wall clock goes on, the monotonic clock and the timers stand still. */
  sleep(ms: number): void {
    this.#wallAheadMs += ms;
  }

  /** Somebody sets the wall clock, ms from where it is. */
  setWall(byMs: number): void {
    this.#wallAheadMs += byMs;
  }

  after(ms: number, run: () => void): Cancel {
    const timer = { at: this.#now + Math.max(1, ms), run };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  endOfTurn(run: () => void): void {
    this.#turn.push(run);
  }

  nextTurn(run: () => void): void {
    this.#turn.push(run);
  }

  /** The mulberry32 generator. */
  random(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** How many timers are pending. */
  get pending(): number {
    return this.#timers.size;
  }

  /** This time in the form in which XState takes it for the delays of machines. */
  readonly clock = {
    setTimeout: (run: (...args: any[]) => void, ms: number): Cancel => this.after(ms, run),
    clearTimeout: (cancel: Cancel | undefined): void => cancel?.(),
  };

  /** Moves the time on without running timers. For code that sets none. */
  skip(ms: number): void {
    this.#now += ms;
  }

  /** Lets time pass: runs each due timer in order, with everything that follows from it. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await this.settle();
    for (;;) {
      const due = [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#timers.delete(due);
      this.#now = Math.max(this.#now, due.at);
      due.run();
      await this.settle();
    }
    this.#now = end;
  }

  /** Runs one turn of the event loop. */
  async turn(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    for (const run of this.#turn.splice(0)) run();
  }

  /** Runs turns of the event loop until nothing is left to do at the present time. */
  async settle(): Promise<void> {
    for (let turns = 0; turns < 10_000; turns += 1) {
      await new Promise((resolve) => setImmediate(resolve));
      if (this.#turn.length === 0) return;
      const turn = this.#turn;
      this.#turn = [];
      for (const run of turn) run();
    }
    throw new Error('work is left after 10,000 turns');
  }

  /** Lets time pass in steps until `holds` is true. Throws if that takes more than `ms`. */
  async until(holds: () => boolean, what: string, ms = 10_000, stepMs = 5): Promise<void> {
    await this.settle();
    for (const end = this.#now + ms; !holds(); await this.advance(stepMs)) {
      if (this.#now > end) throw new Error(`did not happen within ${ms} ms: ${what}`);
    }
  }
}
