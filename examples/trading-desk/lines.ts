/** The plain output for pipes and logs: one status line a second, events, and the trading log. A drill has none of them. */
import type { Event, Show, Stage } from './stage.ts';
import * as words from './words.ts';

const LINE_EVERY_MS = 1_000;

export class Lines implements Show {
  readonly #isFull: boolean;
  #timer: NodeJS.Timeout | undefined;

  constructor(isFull: boolean) {
    this.#isFull = isFull;
  }

  start(stage: Stage): void {
    const { redis, url } = stage;
    console.log(`look   ${url}/   the live page`);
    console.log(`       ${url}/system/status   ${url}/spaces/trading`);
    console.log(`       ${redis.cli} HGET 'tandem:{trading}:state' market_regime`);
    if (!this.#isFull) return;
    console.log(`break  ${redis.toBreakIt}`);
    console.log('       npm start -- --drill   breaks it in six ways, and says what to look at');
    this.#timer = setInterval(() => console.log(statusLine(stage)), LINE_EVERY_MS);
  }

  happened({ atMs, text }: Event): void {
    if (this.#isFull) console.log(`${seconds(atMs)}  ${text}`);
  }

  logged(line: string): void {
    if (this.#isFull) console.log(line);
  }

  end(): void {
    clearInterval(this.#timer);
  }
}

function statusLine({ elapsedMs, trading, api, latency }: Stage): string {
  const parts = [seconds(elapsedMs)];
  if (trading) {
    parts.push(`${trading.barDate ?? '–'} ${words.regime(trading.regime, trading.confidence)}`);
    parts.push(`trading-1 ${trading.mode}`);
  }
  if (api) parts.push(`api-1 ${api.status.mode}, ${words.freshness(api.status)}`);
  const recent = latency.recent();
  if (recent) parts.push(`latency ${words.latency(recent)}`);
  return parts.join('  ');
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1).padStart(6)} s`;
}
