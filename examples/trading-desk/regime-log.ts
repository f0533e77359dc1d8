/** Owns the trading log on stdout: one JSON line per regime change, written when followers can see it. */
import type { Owner } from '../../src/index.ts';
import type { MarketRegime } from './schemas.ts';
import type { trading } from './trading.ts';

const COMMIT_TIMEOUT_MS = 250;

export class RegimeLog {
  readonly #desk: Owner<typeof trading.definition>;
  readonly #traceId: () => string | undefined;
  #regime: string | undefined;
  #written: Promise<void> = Promise.resolve();

  /** @param traceId of the trace that the caller is in */
  constructor(desk: Owner<typeof trading.definition>, traceId: () => string | undefined) {
    this.#desk = desk;
    this.#traceId = traceId;
  }

  /** Whether this market is of another regime than the one before. The first is no change. */
  isChange(market: MarketRegime): boolean {
    return this.#regime !== undefined && market.regime !== this.#regime;
  }

  /** To be called when the market has been set. */
  note(market: MarketRegime): void {
    if (market.regime === this.#regime) return;
    this.#regime = market.regime;
    const before = this.#written;
    const traceId = this.#traceId();
    const committed = this.#commit();
    // Changes are committed side by side, and written one after the other.
    this.#written = (async () => {
      const outcome = await committed;
      await before;
      const { regime, confidence, asOf: barDate } = market;
      console.log(JSON.stringify({ event: 'regime', regime, confidence, barDate, ...outcome, traceId }));
    })();
  }

  /** Resolves when all lines are written. */
  end(): Promise<void> {
    return this.#written;
  }

  async #commit(): Promise<{ position: string; committed: boolean }> {
    try {
      return { position: await this.#desk.flush({ timeoutMs: COMMIT_TIMEOUT_MS }), committed: true };
    } catch {
      return { position: this.#desk.head, committed: false };
    }
  }
}
