/**
 * Slices: work that grows with the state is cut, so that it never holds the event loop for long.
 *
 * Such work is a generator that yields wherever it may rest. One queue serves the whole process: in each turn
 * of the loop it works for one slice of time, and unfinished work goes to the end of the queue. So no space
 * waits for the work of another space, and timers, sockets and leases get their turn between two slices.
 */
import { Stretches } from './stretches.ts';
import type { Time } from './time.ts';

/** Work that yields wherever it may rest. What happens between two yields runs in one stretch. */
export type Sliced<T> = Generator<void, T, void>;

export interface SlicesOptions {
  /** The time for which the queue works in one turn of the loop, ms. Default 5. */
  readonly sliceMs?: number;
  /** The greatest number of steps in one slice, drawn for each. Default: the time alone ends a slice. */
  readonly steps?: () => number;
  /** The number of steps up to which work is small. Default 1,000. */
  readonly fewSteps?: number;
}

interface Job {
  /** Returns whether the job is done. */
  step(): boolean;
}

const SLICE_MS = 5;
const FEW_STEPS = 1_000;

export class Slices {
  /** For how long this process's work holds the loop: slices, and all other entry points. */
  readonly stretches: Stretches;
  readonly #time: Time;
  readonly #sliceMs: number;
  readonly #steps: () => number;
  /** Work of so many steps at most is small: it may be done in one stretch, where a turn matters. */
  readonly fewSteps: number;
  #jobs: Job[] = [];
  /** This turn of the loop has had its slice, or has it now. */
  #isSpent = false;

  constructor(
    time: Time,
    { sliceMs = SLICE_MS, steps = () => Infinity, fewSteps = FEW_STEPS }: SlicesOptions = {},
  ) {
    this.#time = time;
    this.stretches = new Stretches(time);
    this.#sliceMs = sliceMs;
    this.#steps = steps;
    this.fewSteps = fewSteps;
  }

  /** The number of jobs that are not finished. */
  get waiting(): number {
    return this.#jobs.length;
  }

  /**
   * Does the work in slices. The first slice begins at once where this turn of the loop has had none, so that
   * small work costs no turn.
   * @param signal called off: the work's `finally` blocks run, and the promise rejects with the reason
   * @returns the result of the work, or a rejection with what the work throws
   */
  run<T>(work: Sliced<T>, signal?: AbortSignal): Promise<T> {
    return new Promise((resolve, reject) => {
      const step = (): boolean => {
        try {
          if (signal?.aborted) {
            // The type of a generator asks for a result that nobody reads here.
            work.return(undefined as T);
            throw signal.reason;
          }
          const { done, value } = work.next();
          if (done) resolve(value);
          return done === true;
        } catch (error) {
          reject(error);
          return true;
        }
      };
      this.#jobs.push({ step });
      if (!this.#isSpent) this.#slice();
    });
  }

  #slice(): void {
    this.#isSpent = true;
    this.stretches.during(() => this.#work());
    this.#time.nextTurn(() => {
      this.#isSpent = false;
      if (this.#jobs.length > 0) this.#slice();
    });
  }

  #work(): void {
    // planted: slice-end
    const until = this.#time.now() + this.#sliceMs;
    let left = this.#steps();
    for (let job = this.#jobs[0]; job !== undefined; job = this.#jobs[0]) {
      let isDone = false;
      do {
        isDone = job.step();
        left -= 1;
      } while (!isDone && left > 0 && this.#time.now() < until);
      this.#jobs.shift();
      if (!isDone) this.#jobs.push(job);
      if (left <= 0 || this.#time.now() >= until) return;
    }
  }
}

/** Does the work in one stretch: for work that is known to be small. */
export function finish<T>(work: Sliced<T>): T {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
  }
}
