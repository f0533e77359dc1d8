/** The market's regime, from the trend, volatility and drawdown of its closes. */
import type { Bar } from './bars.ts';
import type { MarketRegime } from './schemas.ts';

type Regime = MarketRegime['regime'];

const YEAR = 252;
const TREND_BARS = 200;
const TREND_BAND = 0.02;
const CRISIS_VOLATILITY = 0.35;
const CORRECTION = -0.1;
const CONFIDENCE_BARS = 10;
const CONFIRM_BARS = 21;
const CONFIRM_CRISIS_BARS = 3;

/** The last closes. The oldest is dropped first. */
export class Closes {
  readonly #closes: number[] = [];
  readonly #capacity: number;

  /** Keeps `capacity` closes, one year of bars by default. */
  constructor(capacity: number = YEAR) {
    this.#capacity = capacity;
  }

  push(close: number): void {
    this.#closes.push(close);
    if (this.#closes.length > this.#capacity) this.#closes.shift();
  }

  /** The simple mean of the last `bars` closes, in index points; undefined before there are as many. */
  mean(bars: number): number | undefined {
    if (this.#closes.length < bars) return undefined;
    return this.#closes.slice(-bars).reduce((sum, close) => sum + close, 0) / bars;
  }

  /** The close `bars` ago, 0 being the last one; undefined before there are as many. */
  ago(bars: number): number | undefined {
    return this.#closes.at(-1 - bars);
  }

  /** The highest close kept, in index points. */
  high(): number {
    return Math.max(...this.#closes);
  }
}

/**
 * Annualised volatility, a fraction: the exponentially weighted root mean square of daily log returns, with
 * the decay 0.94 of J.P. Morgan's RiskMetrics Technical Document (1996), times sqrt(252). The first 16
 * returns are weighed equally, so that the first one is not taken for the long-run level.
 */
export class EwmaVolatility {
  static readonly #DECAY = 0.94;
  #variance = 0;
  #previous: number | undefined;
  /** How many returns have been seen. */
  returns = 0;

  next(close: number): number {
    if (this.#previous !== undefined) {
      this.returns += 1;
      const weight = Math.max(1 - EwmaVolatility.#DECAY, 1 / this.returns);
      this.#variance += weight * (Math.log(close / this.#previous) ** 2 - this.#variance);
    }
    this.#previous = close;
    return Math.sqrt(this.#variance * YEAR);
  }
}

/**
 * The market's regime, one bar at a time, from that bar and the ones before it.
 *
 * Each bar reads as one regime:
 * - `crisis`: a volatility of 35 % or more, about twice the index's usual level, with the close 10 % or
 *   more below the 252-day high (the usual definition of a correction). So a violent rise is no crisis.
 * - `bull` or `bear`: more than 2 % above or below the 200-day average. The rule is Faber's, "A Quantitative
 *   Approach to Tactical Asset Allocation" (2007); the band is ours.
 * - `sideways`: within that band.
 * - `warming-up`: the first 199 bars, which have no 200-day average.
 *
 * The regime changes once 21 bars in a row read as the same other regime: Faber, too, looks again after a
 * month. A crisis needs only 3 bars. `since` is the bar that confirmed the regime, not the first bar that
 * read so: no regime is dated back. `confidence` is the share of the last 10 bars that read as the present
 * regime. It is an agreement, not a probability: it falls before a change, and it starts low in a crisis.
 */
export class RegimeDetector {
  readonly #closes = new Closes();
  readonly #volatility = new EwmaVolatility();
  readonly #readings: Regime[] = [];
  #regime: Regime = 'warming-up';
  #since: string | undefined;

  next(bar: Bar): MarketRegime {
    this.#closes.push(bar.close);
    const average = this.#closes.mean(TREND_BARS);
    const trend = average === undefined ? 0 : bar.close / average - 1;
    const volatility = this.#volatility.next(bar.close);
    const drawdown = bar.close / this.#closes.high() - 1;

    const reading = average === undefined ? 'warming-up' : read(trend, volatility, drawdown);
    this.#record(reading);
    const since = this.#confirm(reading, bar.date);
    return {
      regime: this.#regime,
      confidence: this.#confidence(),
      trend,
      volatility,
      drawdown,
      since,
      asOf: bar.date,
    };
  }

  #record(reading: Regime): void {
    this.#readings.push(reading);
    if (this.#readings.length > CONFIRM_BARS) this.#readings.shift();
  }

  #confirm(reading: Regime, date: string): string {
    this.#since ??= date;
    const bars = reading === 'crisis' ? CONFIRM_CRISIS_BARS : CONFIRM_BARS;
    if (reading !== this.#regime && this.#agreeing(reading, bars) === bars) {
      this.#regime = reading;
      this.#since = date;
    }
    return this.#since;
  }

  #confidence(): number {
    return this.#regime === 'warming-up'
      ? 0
      : this.#agreeing(this.#regime, CONFIDENCE_BARS) / CONFIDENCE_BARS;
  }

  #agreeing(regime: Regime, bars: number): number {
    return this.#readings.slice(-bars).filter((reading) => reading === regime).length;
  }
}

function read(trend: number, volatility: number, drawdown: number): Regime {
  if (volatility >= CRISIS_VOLATILITY && drawdown <= CORRECTION) return 'crisis';
  if (trend > TREND_BAND) return 'bull';
  if (trend < -TREND_BAND) return 'bear';
  return 'sideways';
}
