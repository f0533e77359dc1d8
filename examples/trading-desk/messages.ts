/**
 * Owns what the processes tell `start.ts` over IPC, and how: a few reports a second, never a queue. Nothing of
 * the product depends on it; started by hand, without a parent, they tell nobody.
 */
import type { Mode } from '../../src/index.ts';
import type { SystemStatus } from './status.ts';

/** A position of the space, and when it was set or seen, in microseconds of the machine's monotonic clock. */
export type Sighting = readonly [position: string, atUs: number];

/** A mode that was entered, and why. */
export interface Entered {
  readonly mode: Mode;
  readonly reason: string;
}

/** The trading process: what the owner has. */
export interface TradingReport {
  readonly from: 'trading';
  readonly mode: Mode;
  readonly head: string;
  /** Bars played so far, over all passes through history. */
  readonly bars: number;
  /** The bar's place in history, counted from 1, and how many there are. */
  readonly bar: number;
  readonly barCount: number;
  readonly barDate: string | null;
  readonly regime: string | null;
  readonly confidence: number | null;
  /** Since the last report. */
  readonly entered: readonly Entered[];
  readonly sets: readonly Sighting[];
}

/** The API process: what the follower has, which is what `/system/status` says. */
export interface ApiReport {
  readonly from: 'api';
  readonly url: string;
  readonly status: SystemStatus;
  /** Since the last report. */
  readonly entered: readonly Entered[];
  readonly seen: readonly Sighting[];
}

/** The process around a Redis server: it takes commands now. */
export interface RedisUp {
  readonly from: 'redis';
  /** Of the server itself, to be killed by whoever wants to see what happens. */
  readonly pid: number;
}

const REPORT_MS = 200;
const MAX_KEPT = 10_000;

/** A list that is handed over from time to time, and bounded if it is not. */
export class Kept<T> {
  #list: T[] = [];

  add(one: T): void {
    if (this.#list.length < MAX_KEPT) this.#list.push(one);
  }

  take(): readonly T[] {
    const list = this.#list;
    this.#list = [];
    return list;
  }
}

/**
 * Reports to the parent process at an interval, and at once when asked. One report is under way at a time: a
 * parent that does not read (Ctrl-Z) makes nothing pile up here.
 */
export class Reporter {
  readonly #make: () => TradingReport | ApiReport;
  #sent = Promise.resolve();
  #sending = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(make: () => TradingReport | ApiReport) {
    this.#make = make;
  }

  start(): void {
    if (!process.send) return;
    // By the clock that they share, so that what both processes say is of the same moment.
    const inMs = REPORT_MS - ((monotonicUs() / 1_000) % REPORT_MS);
    this.#timer = setTimeout(() => {
      this.report();
      this.start();
    }, inMs);
  }

  report(): void {
    if (!process.connected || this.#sending) return;
    this.#sending = true;
    this.#sent = send(this.#make()).finally(() => {
      this.#sending = false;
    });
  }

  /** One last report, with what has not been told yet. */
  async end(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#sent;
    this.report();
    await this.#sent;
  }
}

/** Resolves when the message has left, or cannot leave any more. */
export function send(message: TradingReport | ApiReport | RedisUp): Promise<void> {
  return new Promise((resolve) => {
    if (!process.send) return resolve();
    process.send(message, undefined, undefined, () => resolve());
  });
}

/**
 * Microseconds since the machine started. All processes of one machine read the same monotonic clock, so that
 * two of them can time what goes from one to the other; wall clocks may be set meanwhile.
 */
export function monotonicUs(): number {
  return Number(process.hrtime.bigint() / 1_000n);
}
