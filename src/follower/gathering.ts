/**
 * A gathering: makes a draft of what is read from elsewhere, page by page. Each value is read through its
 * schema once, as it comes.
 */
import type { Sliced } from '../base/slices.ts';
import type { Time } from '../base/time.ts';
import type { Change } from '../state/change.ts';
import { hashOf } from '../state/digest.ts';
import { Draft } from '../state/draft.ts';
import type { Line } from '../state/position.ts';
import type { Gatherer } from './catch-up.ts';
import { Refusals } from './refusals.ts';
import type { ValueReader } from './value-reader.ts';
import { NoValue } from './value-reader.ts';

export interface GatheringOptions {
  /** Returns the refusals of the copy that is shown. */
  readonly shown: () => Refusals;
  /** Returns the line of the changes that are taken now. */
  readonly line: () => Line;
}

export class Gathering implements Gatherer {
  readonly #values: ValueReader;
  readonly #time: Time;
  readonly #shown: () => Refusals;
  readonly #line: () => Line;
  #draft = new Draft();
  #refusals = new Refusals();

  constructor(values: ValueReader, time: Time, { shown, line }: GatheringOptions) {
    this.#values = values;
    this.#time = time;
    this.#shown = shown;
    this.#line = line;
  }

  get draft(): Draft {
    return this.#draft;
  }

  /** The keys whose newest values could not be read. */
  get refusals(): Refusals {
    return this.#refusals;
  }

  restart(): void {
    // planted: draft-dropped
    this.#draft = new Draft();
    this.#refusals = new Refusals();
  }

  *take(changes: Iterable<Change>): Sliced<void> {
    for (const change of changes) {
      // A page whose taking was called off comes again.
      if (change.revision > this.#draft.revision) this.#take(change);
      yield;
    }
  }

  #take(change: Change): void {
    const { key, revision, json } = change;
    const hash = hashOf(key, revision, json);
    const value = this.#values.read(change, this.#shown());
    if (value instanceof NoValue) {
      if (value.isRefused) this.#refusals.refuse(key, this.#time.now());
      this.#draft.leave({ key, revision, hash });
    } else {
      this.#refusals.accept(key);
      this.#draft.set({ key, revision, value, hash }, this.#line());
    }
  }
}
