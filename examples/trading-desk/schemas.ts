/** The values that the trading process sets: a zod schema and a type for each. */
import { z } from 'zod';

const date = z.iso.date();
const price = z.number().positive();

/** One daily bar of the index: prices in index points, volume in shares, date as yyyy-mm-dd. */
export const LastBar = z
  .object({ date, open: price, high: price, low: price, close: price, volume: z.number().nonnegative() })
  .refine((bar) => bar.low <= Math.min(bar.open, bar.close) && bar.high >= Math.max(bar.open, bar.close), {
    error: 'open and close must lie between low and high',
  });
export type LastBar = z.infer<typeof LastBar>;

/**
 * The state of the market as of one close; `regime.ts` defines each number.
 *
 * - `confidence`: 0..1, the share of the last 10 bars that read as this regime; 0 while warming up.
 * - `trend`: the close's distance to its 200-day average, a fraction (0.05 is 5 % above); 0 while warming up.
 * - `volatility`: annualised, a fraction (0.16 is 16 % a year).
 * - `drawdown`: the close's distance to its 252-day high, a fraction, 0 or less.
 * - `since`: the bar that confirmed this regime.
 * - `asOf`: the bar described.
 */
export const MarketRegime = z.object({
  regime: z.enum(['warming-up', 'bull', 'bear', 'sideways', 'crisis']),
  confidence: z.number().min(0).max(1),
  trend: z.number(),
  volatility: z.number().nonnegative(),
  drawdown: z.number().min(-1).max(0),
  since: date,
  asOf: date,
});
export type MarketRegime = z.infer<typeof MarketRegime>;

/**
 * One strategy's book as of one close; `strategies.ts` defines each number.
 *
 * - `position`: units of the index held into the next bar, negative when short.
 * - `exposure`: that position's value as a fraction of equity.
 * - `pnl`: currency, cumulative and after costs; `equity` is the start equity plus `pnl`.
 * - `asOf`: the bar described.
 */
export const StrategyStatus = z.object({
  name: z.enum(['momentum', 'mean_reversion', 'volatility_target']),
  state: z.enum(['warming-up', 'long', 'flat', 'short']),
  position: z.number(),
  exposure: z.number(),
  pnl: z.number(),
  equity: z.number(),
  asOf: date,
});
export type StrategyStatus = z.infer<typeof StrategyStatus>;
