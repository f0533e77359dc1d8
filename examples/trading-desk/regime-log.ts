/** The trading log on stdout: one JSON line per regime change, written when followers can see the change. */
import type { Owner } from '../../src/index.ts';
import type { MarketRegime } from './schemas.ts';
import type { trading } from './trading.ts';

const COMMIT_TIMEOUT_MS = 250;

export class RegimeLog {
  readonly #state: Owner<typeof trading.definition>;
  readonly #traceId: () => string | undefined;
  #regime: string | undefined;
  #written: Promise<void> = Promise.resolve();

  /** @param traceId returns the id of the present trace */
  constructor(state: Owner<typeof trading.definition>, traceId: () => string | undefined) {
    this.#state = state;
    this.#traceId = traceId;
  }

  /** True if the regime differs from the previous one. The first regime is no change. */
  isChange(market: MarketRegime): boolean {
    return this.#regime !== undefined && market.regime !== this.#regime;
  }

  /** Logs a change of regime. Call it once the market has been set. */
  note(market: MarketRegime): void {
    if (market.regime === this.#regime) return;
    this.#regime = market.regime;
    const before = this.#written;
    const traceId = this.#traceId();
    const committed = this.#commit();
    // Commits may overlap, but their lines are written in order.
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
      return { position: await this.#state.flush({ timeoutMs: COMMIT_TIMEOUT_MS }), committed: true };
    } catch {
      return { position: this.#state.head, committed: false };
    }
  }
}
