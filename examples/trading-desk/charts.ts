/** The charts of the live page: the price with its regimes, the exposure, and the profit of each strategy. */
import type { ChartOptions } from '../../src/koa.ts';

const space = 'trading';
const date = { key: 'market/last_bar', path: 'date' };

export const charts: readonly ChartOptions[] = [
  {
    title: 'S&P 500, close, in its regimes',
    space,
    lines: [{ key: 'market/last_bar', path: 'close', label: 'close' }],
    bands: {
      key: 'market_regime',
      path: 'regime',
      tones: { bull: 'good', sideways: 'neutral', bear: 'bad', crisis: 'critical', 'warming-up': 'none' },
    },
    label: date,
  },
  {
    title: 'Exposure, share of equity',
    space,
    lines: [{ key: 'strategy/*', path: 'exposure' }],
    label: date,
    format: 'percent',
  },
  {
    title: 'Profit and loss',
    space,
    lines: [{ key: 'strategy/*', path: 'pnl' }],
    label: date,
    format: 'signed',
  },
];
