/**
 * The value reader: reads values through the schemas of a space. It reports a value that cannot be read once,
 * whichever way and however often the value comes.
 */
import type { Reporter } from '../actor/reporter.ts';
import { detached } from '../base/detached.ts';
import type { Change } from '../state/change.ts';
import type { Space } from '../state/space.ts';
import type { Meter } from './meter.ts';
import type { Refusals } from './refusals.ts';

/**
 * There is no value to apply. `foreign`: the space does not define the key, and its owner may be of a later
 * version of the application. `refused`: the schema does not accept the value.
 */
export class NoValue {
  readonly isRefused: boolean;

  constructor(isRefused: boolean) {
    this.isRefused = isRefused;
  }
}
const FOREIGN = new NoValue(false);
const REFUSED = new NoValue(true);

/** So many refused values are remembered, so that each is reported once. */
const MAX_REPORTED = 1_000;

export class ValueReader {
  readonly #space: Space;
  readonly #reporter: Pick<Reporter, 'report'>;
  readonly #meter: Pick<Meter, 'rejected'>;
  /** The values that were refused last, by key, each with its revision. */
  readonly #reported = new Map<string, number>();

  constructor(space: Space, reporter: Pick<Reporter, 'report'>, meter: Pick<Meter, 'rejected'>) {
    this.#space = space;
    this.#reporter = reporter;
    this.#meter = meter;
  }

  /**
   * Reads the value of a change; `undefined` for a delete.
   * @param refusals the keys whose refusal was reported, and that no readable value has come for
   */
  read({ key, revision, json }: Change, refusals: Refusals): unknown {
    if (this.#space.schemaOf(key) === undefined) return FOREIGN;
    if (json === '') return undefined;
    try {
      return this.#space.read(key, json);
    } catch (error) {
      this.#meter.rejected('value');
      if (refusals.since(key) === undefined && this.#reported.get(key) !== revision)
        this.#reporter.report(error);
      if (this.#reported.size >= MAX_REPORTED) this.#reported.clear();
      this.#reported.set(detached(key), revision);
      return REFUSED;
    }
  }
}
