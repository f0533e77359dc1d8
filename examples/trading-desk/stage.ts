/** The state of the running demo. It is put together from reports, and every output reads it. */
import { LatencyMeter } from './latency.ts';
import type { ApiReport, Entered, TradingReport } from './messages.ts';
import type { Redis } from './redis.ts';

const MAX_EVENTS = 10;
const MAX_REGIMES = 10;
const MAX_MODES = 8;

/** An event of the demo. */
export interface Event {
  readonly atMs: number;
  readonly text: string;
}

/** An output of the demo. */
export interface Show {
  start(stage: Stage): void;
  happened(event: Event): void;
  /** Shows a line of the trading log as the trading process wrote it. */
  logged(line: string): void;
  end(): void;
}

export class Stage {
  readonly redis: Redis;
  readonly url: string;
  readonly barsPerSecond: number;
  readonly latency = new LatencyMeter();
  /** The last report of each process. */
  trading: TradingReport | undefined;
  api: ApiReport | undefined;
  /** The most recent ones, oldest first. */
  readonly events: Event[] = [];
  readonly regimes: string[] = [];
  readonly modes: Record<'trading-1' | 'api-1', string[]> = {
    'trading-1': ['recovering'],
    'api-1': ['recovering'],
  };
  /** The first regime does not count as a change. */
  regimeChanges = -1;
  readonly #startedAt = performance.now();
  readonly #show: Show;

  constructor(redis: Redis, url: string, barsPerSecond: number, show: Show) {
    this.redis = redis;
    this.url = url;
    this.barsPerSecond = barsPerSecond;
    this.#show = show;
  }

  get elapsedMs(): number {
    return performance.now() - this.#startedAt;
  }

  tell(text: string): void {
    const event = { atMs: this.elapsedMs, text };
    this.events.push(event);
    if (this.events.length > MAX_EVENTS) this.events.shift();
    this.#show.happened(event);
  }

  tradingReported(report: TradingReport): void {
    this.trading = report;
    this.latency.noteSets(report.sets);
    this.#entered('trading-1', report.entered);
  }

  /** A process has died. */
  gone(name: 'trading-1' | 'api-1'): void {
    if (name === 'api-1') this.api = undefined;
    else {
      this.trading = undefined;
      this.latency.forgetWaiting();
    }
  }

  apiReported(report: ApiReport): void {
    this.api = report;
    this.latency.noteHead(report.status.head);
    this.latency.note(report.latencies);
    this.#entered('api-1', report.entered);
  }

  /** Takes a line of the trading log. */
  logged(line: string): void {
    const { regime } = JSON.parse(line) as { regime: string };
    this.regimeChanges += 1;
    this.regimes.push(regime);
    if (this.regimes.length > MAX_REGIMES) this.regimes.shift();
    this.#show.logged(line);
  }

  #entered(name: 'trading-1' | 'api-1', entered: readonly Entered[]): void {
    for (const { mode, reason } of entered) {
      if (mode === 'stopped') continue;
      const modes = this.modes[name];
      if (modes.length < MAX_MODES) modes.push(mode);
      else modes[MAX_MODES] = '…';
      this.tell(`${name} ${mode}: ${reason}`);
    }
  }
}
