/**
 * The three strategies: how much of the index each wants to hold after a close, and how much it has earned.
 */
import type { Bar } from './bars.ts';
import { Closes, EwmaVolatility } from './regime.ts';
import type { StrategyStatus } from './schemas.ts';

/** The equity of every strategy at the start, in currency. */
export const START_EQUITY = 1_000_000;
/** The cost of trading, a fraction of the value traded: 1 basis point. */
export const COST = 0.0001;
/** How far the exposure may drift from its target before the strategy trades, a fraction of equity. */
export const NO_TRADE_BAND = 0.05;
/** The largest target of a strategy, a fraction of equity. */
export const MAX_EXPOSURE = 1.5;

const MONTH = 21;
const YEAR = 252;

/**
 * One strategy. It gets one bar at a time, trades at the bar's close, and earns from there to the next close.
 */
export interface Strategy {
  readonly name: StrategyStatus['name'];
  next(bar: Bar): StrategyStatus;
}

/** The three strategies. Each has its own book of 1,000,000. */
export function createStrategies(): Strategy[] {
  return [
    new BookedStrategy('momentum', new Momentum()),
    new BookedStrategy('mean_reversion', new MeanReversion()),
    new BookedStrategy('volatility_target', new VolatilityTarget()),
  ];
}

/** Decides how much to hold until the next close, a fraction of equity; `undefined` while warming up. */
interface Signal {
  next(bar: Bar): number | undefined;
}

/**
 * Time-series momentum (Moskowitz, Ooi and Pedersen 2012): long if the index rose over the past 12 months,
 * short if it fell, decided on the first close of each month. The most recent month is left out, as in
 * Asness, Moskowitz and Pedersen, "Value and Momentum Everywhere" (2013).
 */
class Momentum implements Signal {
  readonly #closes = new Closes(YEAR + 1);
  #month = '';
  #target: number | undefined;

  next({ date, close }: Bar): number | undefined {
    this.#closes.push(close);
    const month = date.slice(0, 'yyyy-mm'.length);
    const from = this.#closes.ago(YEAR);
    const to = this.#closes.ago(MONTH);
    if (month !== this.#month && from !== undefined && to !== undefined) this.#target = Math.sign(to - from);
    this.#month = month;
    return this.#target;
  }
}

/**
 * The 2-period RSI of Connors and Alvarez, "Short Term Trading Strategies That Work" (2008). Above the
 * 200-day average, it buys when RSI(2) falls below 5, and sells at a close above the 5-day average. It is
 * never short.
 */
class MeanReversion implements Signal {
  readonly #closes = new Closes();
  readonly #rsi = new RelativeStrength(2);
  #target = 0;

  next({ close }: Bar): number | undefined {
    this.#closes.push(close);
    const rsi = this.#rsi.next(close);
    const long = this.#closes.mean(200);
    const short = this.#closes.mean(5);
    if (long === undefined || short === undefined) return undefined;
    if (this.#target === 0 && close > long && rsi < 5) this.#target = 1;
    else if (close > short) this.#target = 0;
    return this.#target;
  }
}

/**
 * Holds as much of the index as gives 10 % of volatility a year, at most 1.5 times equity. The idea is from
 * Moreira and Muir, "Volatility-Managed Portfolios" (2017), but scaled by the inverse of volatility instead
 * of variance, which trades less. Volatility is measured as in RiskMetrics, where 74 returns carry 99 % of
 * the weight, hence the warm-up.
 */
class VolatilityTarget implements Signal {
  readonly #volatility = new EwmaVolatility();

  next({ close }: Bar): number | undefined {
    const volatility = this.#volatility.next(close);
    return this.#volatility.returns < 74 ? undefined : Math.min(MAX_EXPOSURE, 0.1 / volatility);
  }
}

/** Relative strength index, 0..100, with the smoothing of Wilder (1978); 50 while the price stands still. */
class RelativeStrength {
  readonly #weight: number;
  #gain = 0;
  #loss = 0;
  #previous: number | undefined;

  constructor(periods: number) {
    this.#weight = 1 / periods;
  }

  next(close: number): number {
    const change = close - (this.#previous ?? close);
    this.#previous = close;
    this.#gain += this.#weight * (Math.max(change, 0) - this.#gain);
    this.#loss += this.#weight * (Math.max(-change, 0) - this.#loss);
    const moved = this.#gain + this.#loss;
    return moved === 0 ? 50 : (100 * this.#gain) / moved;
  }
}

/** The units held, and what they have earned. Cash earns nothing, and borrowing is free. */
class Book {
  position = 0;
  pnl = 0;
  #close = 0;

  get equity(): number {
    return START_EQUITY + this.pnl;
  }

  get exposure(): number {
    return (this.position * this.#close) / this.equity;
  }

  mark(close: number): void {
    this.pnl += this.position * (close - this.#close);
    this.#close = close;
  }

  trade(target: number): void {
    if (Math.abs(target - this.exposure) <= NO_TRADE_BAND) return;
    const position = (target * this.equity) / this.#close;
    this.pnl -= COST * Math.abs(position - this.position) * this.#close;
    this.position = position;
  }
}

class BookedStrategy implements Strategy {
  readonly name: StrategyStatus['name'];
  readonly #signal: Signal;
  readonly #book = new Book();

  constructor(name: StrategyStatus['name'], signal: Signal) {
    this.name = name;
    this.#signal = signal;
  }

  next(bar: Bar): StrategyStatus {
    this.#book.mark(bar.close);
    const target = this.#signal.next(bar);
    if (target !== undefined) this.#book.trade(target);
    const { position, exposure, pnl, equity } = this.#book;
    const state = target === undefined ? 'warming-up' : stateOf(position);
    return { name: this.name, state, position, exposure, pnl, equity, asOf: bar.date };
  }
}

function stateOf(position: number): StrategyStatus['state'] {
  if (position === 0) return 'flat';
  return position > 0 ? 'long' : 'short';
}
