/** The live panel in a terminal: its lines, and how they are drawn in place. */
import { stripVTControlCharacters, styleText as style } from 'node:util';
import type { Mode } from '../../src/index.ts';
import type { StrategyStatus } from './schemas.ts';
import type { Show, Stage } from './stage.ts';
import * as words from './words.ts';

type Style = Parameters<typeof style>[0];

const REDRAW_MS = 250;
const LABEL = 11;
const COLUMN = 33;
const SHOWN_EVENTS = 5;
const SHOWN_REGIMES = 5;
const MODE_STYLE: Record<Mode, Style> = {
  connected: 'green',
  recovering: 'yellow',
  degraded: 'red',
  stopped: 'red',
};
const HIDE_CURSOR = '\u001b[?25l';
const SHOW_CURSOR = '\u001b[?25h';
const CLEAR_SCREEN = '\u001b[2J\u001b[H';
const CLEAR_LINE = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';

export class Panel implements Show {
  readonly #out: NodeJS.WriteStream;
  #stage: Stage | undefined;
  #timer: NodeJS.Timeout | undefined;
  #height = 0;

  constructor(out: NodeJS.WriteStream) {
    this.#out = out;
  }

  start(stage: Stage): void {
    this.#stage = stage;
    this.#out.write(HIDE_CURSOR);
    // Lines drawn for another width cannot be drawn over.
    this.#out.on('resize', () => {
      this.#out.write(CLEAR_SCREEN);
      this.#height = 0;
      this.#draw();
    });
    this.#timer = setInterval(() => this.#draw(), REDRAW_MS);
    this.#draw();
  }

  happened(): void {
    this.#draw();
  }

  logged(): void {
    this.#draw();
  }

  end(): void {
    clearInterval(this.#timer);
    this.#draw();
    this.#out.write(SHOW_CURSOR);
    this.#stage = undefined;
  }

  #draw(): void {
    if (!this.#stage) return;
    const { rows, columns } = this.#out;
    const lines = panelLines(this.#stage).slice(0, Math.max(1, rows - 1));
    const up = this.#height > 0 ? `\u001b[${this.#height}A\r` : '';
    this.#height = lines.length;
    const text = lines.map((line) => `${clip(line, columns)}${CLEAR_LINE}\n`).join('');
    this.#out.write(`${up}${text}${CLEAR_BELOW}`);
  }
}

function clip(line: string, columns: number): string {
  const plain = stripVTControlCharacters(line);
  return plain.length <= columns ? line : plain.slice(0, Math.max(0, columns - 1));
}

/** 23 lines, for a terminal with 24. */
export function panelLines(stage: Stage): string[] {
  return [
    ...titleLines(stage),
    '',
    ...processLines(stage),
    '',
    ...strategyLines(stage),
    '',
    row('latency', latencyText(stage)),
    row('regimes', stage.regimes.slice(-SHOWN_REGIMES).join(' → ')),
    ...eventLines(stage),
    '',
    ...hintLines(stage),
  ];
}

function titleLines({ trading, barsPerSecond, elapsedMs }: Stage): string[] {
  const bar = trading ? `bar ${words.count(trading.bar)} of ${words.count(trading.barCount)}` : 'starting';
  const pace = `S&P 500, ${words.count(barsPerSecond)} days a second, ${bar}`;
  const seconds = `${Math.floor(elapsedMs / 1_000)} s`;
  return [`${style('bold', 'Tandem'.padEnd(LABEL))}${pace}, ${seconds}; Ctrl-C ends`];
}

function processLines({ trading, api }: Stage): string[] {
  const status = api?.status;
  const owner = [trading?.mode, undefined] as const;
  const follower = [status?.mode, status && words.freshness(status)] as const;
  const market = (date?: string | null, regime?: string | null, confidence?: number | null): string =>
    date ? `${date}  ${words.regime(regime ?? null, confidence ?? null)}` : '–';
  return [
    row('', style('bold', 'trading-1, owner'.padEnd(COLUMN)), style('bold', 'api-1, follower')),
    row('mode', modeCell(...owner), modeCell(...follower)),
    row(
      'market',
      market(trading?.barDate, trading?.regime, trading?.confidence).padEnd(COLUMN),
      market(status?.lastBar?.date, status?.regime, status?.confidence),
    ),
    row('head', (trading?.head ?? '–').padEnd(COLUMN), status?.head ?? '–'),
  ];
}

function modeCell(mode: Mode | undefined, more: string | undefined): string {
  if (mode === undefined) return 'starting'.padEnd(COLUMN);
  const rest = more ? `  ${more}` : '';
  return style(MODE_STYLE[mode], mode) + rest.padEnd(COLUMN - mode.length);
}

function strategyLines({ api }: Stage): string[] {
  const strategies = Object.values(api?.status.strategies ?? {});
  strategies.sort((a, b) => a.name.localeCompare(b.name));
  const head = ['state'.padEnd(12), 'exposure'.padStart(9), 'P&L'.padStart(13)].join(' ');
  const none: string[] = Array.from({ length: 3 - Math.min(3, strategies.length) }, () => '');
  return [style('dim', `${'strategy'.padEnd(20)}${head}`), ...strategies.map(strategyLine), ...none];
}

function strategyLine({ name, state, exposure, pnl }: StrategyStatus): string {
  const profit = style(pnl < 0 ? 'red' : 'green', words.money(pnl).padStart(13));
  return `${name.padEnd(20)}${state.padEnd(12)} ${words.percent(exposure).padStart(9)} ${profit}`;
}

function latencyText({ latency, api }: Stage): string {
  const recent = latency.recent();
  if (api && api.status.mode !== 'connected' && latency.waiting > 0) {
    return style('red', `${words.count(latency.waiting)} updates are still on their way; none is lost`);
  }
  if (!recent) return '–';
  return `${words.latency(recent)}  from set in trading-1 to visible in api-1, last 10 s`;
}

function eventLines({ events }: Stage): string[] {
  const shown = events.slice(-SHOWN_EVENTS);
  const lines = shown.map(({ atMs, text }) => `${(atMs / 1_000).toFixed(1).padStart(LABEL - 4)} s  ${text}`);
  return [...lines, ...Array.from({ length: SHOWN_EVENTS - lines.length }, () => '')];
}

function hintLines({ url, redis }: Stage): string[] {
  return [
    row('look', `${url}/  the live page   ${url}/system/status`),
    row('', `${redis.cli} HGET 'tandem:{trading}:state' market_regime`),
    row('break', redis.toBreakIt),
  ];
}

function row(label: string, ...cells: string[]): string {
  return `${style('dim', label.padEnd(LABEL))}${cells.join('')}`;
}
