/**
 * The reports that the processes send to `start.ts` over IPC: a few a second, without a queue. Tandem does
 * not depend on them. A process that is started by hand has no parent, and sends none.
 */
import type { Mode } from '../../src/index.ts';
import type { SystemStatus } from './status.ts';

/** A position of the space, and when it was set or seen, in µs of the machine's monotonic clock. */
export type Sighting = readonly [position: string, atUs: number];

/** The update latency of one update, and the bound of its error, ms; when it was seen, as in a `Sighting`. */
export interface LatencySample {
  readonly atUs: number;
  readonly ms: number;
  readonly errorMs: number;
}

/** A mode that was entered, and the reason. */
export interface Entered {
  readonly mode: Mode;
  readonly reason: string;
}

/** The state of the owner, from the trading process. */
export interface TradingReport {
  readonly from: 'trading';
  readonly mode: Mode;
  readonly head: string;
  /** How many bars have been played, over all passes through history. */
  readonly bars: number;
  /** The number of the bar in history, from 1, and the number of bars in history. */
  readonly bar: number;
  readonly barCount: number;
  readonly barDate: string | null;
  readonly regime: string | null;
  readonly confidence: number | null;
  /** Since the last report. */
  readonly entered: readonly Entered[];
  readonly sets: readonly Sighting[];
}

/** The state of the follower, from the API process. It equals the answer of `/system/status`. */
export interface ApiReport {
  readonly from: 'api';
  readonly url: string;
  readonly status: SystemStatus;
  /** Since the last report. */
  readonly entered: readonly Entered[];
  readonly seen: readonly Sighting[];
  readonly latencies: readonly LatencySample[];
}

/** The process around a Redis server reports that the server takes commands. */
export interface RedisUp {
  readonly from: 'redis';
  /** The process id of the server itself, for those who want to kill it. */
  readonly pid: number;
}

const REPORT_MS = 200;
const MAX_KEPT = 10_000;

/** A bounded list that is emptied from time to time. */
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
 * Reports to the parent process at an interval, and at once on request. One report is under way at a time, so
 * nothing piles up if the parent does not read (Ctrl-Z).
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
    // Both processes report at the same time of their common clock, so that their reports describe the same
    // moment.
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

  /** Sends a last report with everything that was not reported yet. */
  async end(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#sent;
    this.report();
    await this.#sent;
  }
}

/** Resolves when the message was sent, or can no longer be sent. */
export function send(message: TradingReport | ApiReport | RedisUp): Promise<void> {
  return new Promise((resolve) => {
    if (!process.send) return resolve();
    process.send(message, undefined, undefined, () => resolve());
  });
}

/**
 * Microseconds since the machine started. All processes of one machine read the same monotonic clock, so two
 * of them can time a change that goes from one to the other. Wall clocks may be set meanwhile.
 */
export function monotonicUs(): number {
  return Number(process.hrtime.bigint() / 1_000n);
}
