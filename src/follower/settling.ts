/**
 * The settling: does in slices what is left to do before a gathering is put in place, and then has it put
 * there in one step.
 *
 * A whole state is put in place by a swap, which costs the same whatever its size. A few changes are set one
 * by one, in seats that are taken before. Many changes would take too long for one step: a copy is made of
 * the state with them, and swapped.
 */
import type { Sliced, Slices } from '../base/slices.ts';
import { finish } from '../base/slices.ts';
import type { Draft } from '../state/draft.ts';
import type { Position } from '../state/position.ts';
import { isSame } from '../state/position.ts';
import type { Replica } from '../state/replica.ts';
import type { Gathering } from './gathering.ts';
import type { Refusals } from './refusals.ts';
import type { Telling } from '../actor/telling.ts';

/** So many changes are set in one step: 30 ms. */
const FEW_CHANGES = 30_000;
/** In a large state so many keys for one change, as the bound grows with the state: 85 ms of a million keys. */
const KEYS_PER_CHANGE = 12;

/** A gathering that can be put in place in one step. */
export interface Settled {
  readonly draft: Draft;
  /** `merge`: the draft's changes are set one by one. */
  readonly how: 'swap' | 'merge';
  /** Whether the draft was read as a whole state. */
  readonly isFull: boolean;
  /** The refusals from then on; for a merge, those of the draft. */
  readonly refusals: Refusals;
  /** False where the draft is at the position of the copy, and no key differs. */
  readonly isDifferent: boolean;
}

/** The position at which a gathering is the state, and whether it is all of it. */
export interface Extent {
  readonly to: Position;
  readonly isFull: boolean;
}

export class Settling {
  readonly #replica: Replica;
  readonly #telling: Pick<Telling<unknown>, 'isRunning' | 'end'>;
  readonly #slices: Slices;
  readonly #refusals: () => Refusals;

  /** @param refusals returns those of the copy that is shown */
  constructor(
    replica: Replica,
    telling: Pick<Telling<unknown>, 'isRunning' | 'end'>,
    slices: Slices,
    refusals: () => Refusals,
  ) {
    this.#replica = replica;
    this.#telling = telling;
    this.#slices = slices;
    this.#refusals = refusals;
  }

  /**
   * Settles a gathering, and has it put in place.
   * @param put puts it in place, or does not; called once
   * @returns the result of `put`, or a rejection with the signal's reason
   */
  async settle<R>(
    gathering: Gathering,
    extent: Extent,
    put: (settled: Settled) => R,
    signal: AbortSignal,
  ): Promise<R> {
    const replica = this.#replica;
    const { draft, refusals } = gathering;
    const { isFull } = extent;
    if (!isFull && draft.keys <= Math.max(FEW_CHANGES, replica.size / KEYS_PER_CHANGE))
      return this.#merge({ how: 'merge', draft, isFull, refusals, isDifferent: true }, put, signal);
    for (;;) {
      // Watchers have to know the old state whole before the next one takes its place.
      if (this.#telling.isRunning) await this.#telling.end;
      const { swaps } = replica;
      const work = isFull ? this.#full(gathering, extent) : this.#onTop(gathering);
      const isSmall = draft.keys + replica.size <= this.#slices.fewSteps;
      const settled = isSmall ? finish(work) : await this.#slices.run(work, signal);
      signal.throwIfAborted();
      // Else another state has taken the place of the one that this was settled for.
      if (swaps === replica.swaps && !this.#telling.isRunning)
        return this.#slices.stretches.during(() => put(settled));
    }
  }

  /** Has the seats of many changes taken first, and given up again where the changes were not put in place. */
  async #merge<R>(settled: Settled, put: (settled: Settled) => R, signal: AbortSignal): Promise<R> {
    const { draft } = settled;
    const slices = this.#slices;
    if (draft.keys <= slices.fewSteps) return put(settled);
    try {
      await slices.run(this.#replica.seat(draft), signal);
      signal.throwIfAborted();
      return slices.stretches.during(() => put(settled));
    } finally {
      void slices.run(this.#replica.unseat(draft));
    }
  }

  *#full({ draft, refusals }: Gathering, { to, isFull }: Extent): Sliced<Settled> {
    const replica = this.#replica;
    yield* replica.complete(draft, to.revision);
    const next = yield* this.#refusals().after(refusals, () => false);
    const isDifferent = !isSame(to, replica.position) || (yield* replica.differs(draft));
    return { how: 'swap', draft, isFull, refusals: next, isDifferent };
  }

  *#onTop({ draft, refusals }: Gathering): Sliced<Settled> {
    const whole = yield* this.#replica.whole(draft);
    const stays = (key: string): boolean => draft.map.get(key) === undefined;
    const next = yield* this.#refusals().after(refusals, stays);
    return { how: 'swap', draft: whole, isFull: false, refusals: next, isDifferent: true };
  }
}
