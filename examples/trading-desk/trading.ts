/** The shared space of the demo: the keys that the trading process sets, and their schemas. */
import { defineSpace } from '../../src/index.ts';
import { LastBar, MarketRegime, StrategyStatus } from './schemas.ts';

export { LastBar, MarketRegime, StrategyStatus };

/** The space `trading`: the regime, one status per strategy, and the bar they were computed on. */
export const trading = defineSpace('trading', {
  market_regime: MarketRegime,
  'strategy/*': StrategyStatus,
  'market/last_bar': LastBar,
});
