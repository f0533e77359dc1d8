/**
 * Fake time, for tests: it passes only where a test says so, and every random number comes from a seed. So a
 * test of minutes takes milliseconds, and ends the same each time.
 *
 * Work that takes no time needs nobody to drive it: turns of the event loop run as they come. Only timers
 * wait for `advance`. None of them is a timer of the real clock.
 */
import { setImmediate } from 'node:timers';
import { Elapsed } from './elapsed.ts';
import { TandemError } from './errors.ts';
import { between } from './options.ts';
import type { Cancel, Time } from './time.ts';
import { machineClock } from './time.ts';

const WALL_MS = 1_764_000_000_000;
/** More turns at one moment mean work that waits for a time which never comes. */
const MAX_TURNS = 100_000;
/** A year. */
const MOST_MS = 31_536_000_000;

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
  /** Ends with the last `advance` that was asked for: they follow each other. */
  #advanced: Promise<void> = Promise.resolve();

  /** @throws TandemError `INVALID_OPTION` */
  constructor(seed = 1) {
    this.#state = between('seed', seed, -(2 ** 31), 2 ** 32 - 1);
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
    this.nextTurn(run);
  }

  nextTurn(run: () => void): void {
    this.#turn.push(run);
    if (this.#turn.length === 1) setImmediate(this.#runTurn);
  }

  readonly #runTurn = (): void => {
    const turn = this.#turn;
    this.#turn = [];
    for (const run of turn) run();
  };

  /** The mulberry32 generator. */
  random(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** This time in the form in which XState takes it. */
  readonly clock = machineClock(this);

  /** How many timers are pending. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Moves the time on without running timers. For code that sets none. */
  skip(ms: number): void {
    this.#now += ms;
  }

  /**
   * Lets time pass: runs each due timer in order, and everything that follows from it, until all is quiet.
   * Calls follow each other, also where nobody awaits them.
   * @param ms 0 to 31,536,000,000, a year. With 0, only what takes no time is done
   * @throws TandemError `INVALID_OPTION`; `TIMEOUT` where work never ends; whatever a timer's function throws
   */
  async advance(ms: number): Promise<void> {
    const advance = (): Promise<void> => this.#advance(ms);
    between('ms', ms, 0, MOST_MS);
    const advanced = this.#advanced.then(advance);
    this.#advanced = advanced.catch(() => {});
    await advanced;
  }

  async #advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await this.settle();
    for (let due = this.#due(end); due !== undefined; due = this.#due(end)) {
      this.#timers.delete(due);
      this.#now = Math.max(this.#now, due.at);
      due.run();
      await this.settle();
    }
    this.#now = end;
  }

  /** The next timer that is due by `end`. Of several at one moment, the one that was set first. */
  #due(end: number): Timer | undefined {
    let due: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.at <= end && (due === undefined || timer.at < due.at)) due = timer;
    }
    return due;
  }

  /** Lets one turn of the event loop pass. */
  turn(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }

  /** Lets turns of the event loop pass until nothing is left to do at the present time. */
  async settle(): Promise<void> {
    for (let turns = 0; turns < MAX_TURNS; turns += 1) {
      await this.turn();
      if (this.#turn.length === 0) return;
    }
    const why = `work is left after ${MAX_TURNS} turns of the event loop at one moment`;
    throw new TandemError('TIMEOUT', why);
  }

  /** Lets time pass in steps until `holds` is true. Throws if that takes more than `ms`. */
  async until(holds: () => boolean, what: string, ms = 10_000, stepMs = 5): Promise<void> {
    await this.settle();
    for (const end = this.#now + ms; !holds(); await this.advance(stepMs)) {
      if (this.#now > end) throw new TandemError('TIMEOUT', `did not happen within ${ms} ms: ${what}`);
    }
  }
}
