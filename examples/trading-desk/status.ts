/**
 * The answer of `GET /system/status`, read from the follower's memory in one turn, so that all of it is of
 * one frame.
 */
import type { Follower, Freshness, Mode, Source } from '../../src/index.ts';
import type { LastBar, MarketRegime, StrategyStatus } from './schemas.ts';
import type { trading } from './trading.ts';

export type TradingFollower = Follower<typeof trading.definition>;

/** `null` stands for a value that is not known yet. */
export interface SystemStatus {
  readonly regime: MarketRegime['regime'] | null;
  readonly confidence: number | null;
  readonly market: MarketRegime | null;
  readonly strategies: Readonly<Record<string, StrategyStatus>>;
  readonly lastBar: LastBar | null;
  /** The position at which `market_regime` last changed. */
  readonly position: string;
  /** The position of this process. */
  readonly head: string;
  readonly freshness: Freshness;
  readonly staleMs: number | null;
  readonly source: Source;
  readonly ownerAlive: boolean;
  readonly mode: Mode;
}

const FAMILY = 'strategy/';

export function systemStatus(state: TradingFollower): SystemStatus {
  const market = state.get('market_regime');
  const { position, freshness, staleMs, source, ownerAlive } = market;
  return {
    regime: market.value?.regime ?? null,
    confidence: market.value?.confidence ?? null,
    market: market.value ?? null,
    strategies: Object.fromEntries(strategiesOf(state)),
    lastBar: state.get('market/last_bar').value ?? null,
    position,
    head: state.head,
    freshness,
    staleMs: Number.isFinite(staleMs) ? Math.ceil(staleMs) : null,
    source,
    ownerAlive,
    mode: state.mode,
  };
}

function* strategiesOf(state: TradingFollower): Iterable<[name: string, status: StrategyStatus]> {
  for (const { key, value } of state.entries(FAMILY)) {
    if (value) yield [key.slice(FAMILY.length), value];
  }
}
