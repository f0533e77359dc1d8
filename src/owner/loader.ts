/**
 * The loader: makes the state that the first claim goes on from, in slices, beside the ledger.
 *
 * Each value is read through its schema as it comes. One that is refused is deleted before the state becomes
 * visible. A key that the space does not define stays as it is: the owner before may be of a later version
 * of the application.
 */
import type { Context } from '../actor/context.ts';
import { detached } from '../base/detached.ts';
import type { Sliced } from '../base/slices.ts';
import { Bookmark } from '../follower/bookmark.ts';
import type { Gatherer } from '../follower/catch-up.ts';
import { gatherSince } from '../follower/catch-up.ts';
import type { Head } from '../ports/store.ts';
import type { Captured } from '../state/captured.ts';
import type { Change } from '../state/change.ts';
import type { Ledger } from '../state/ledger.ts';
import { Loading } from '../state/loading.ts';
import type { Line } from '../state/position.ts';
import { ZERO } from '../state/position.ts';
import type { Space } from '../state/space.ts';
import type { Standby } from './standby.ts';
import type { Start } from './takeover.ts';

export class Loader implements Gatherer {
  readonly #space: Space;
  readonly #context: Context;
  readonly #bookmark = new Bookmark(ZERO);
  #loading: Loading;
  /** When the keys were set that were read. */
  #times: string | undefined;
  /** The errors of the values that their schemas refuse, by key. */
  readonly #refused = new Map<string, unknown>();

  /** @param line the line that the ledger is expected to go on with */
  constructor(space: Space, context: Context, line: Line) {
    this.#space = space;
    this.#context = context;
    this.#loading = this.#begin(line);
  }

  /** The highest revision that was taken. */
  get top(): number {
    return this.#loading.map.revision;
  }

  /** Reads the state that the store has. After a failure, it goes on from where it was. */
  async read(signal: AbortSignal): Promise<Head> {
    const { store, slices } = this.#context.runtime;
    const options = { withTimes: true, signal };
    const { head, times } = await gatherSince(store, slices, this.#space.name, this.#bookmark, this, options);
    this.#times = times;
    return head;
  }

  restart(): void {
    this.#begin(this.#loading.line);
  }

  *take(changes: readonly Change[]): Sliced<void> {
    for (const { key, revision, json } of changes) {
      this.#put(key, revision, detached(json));
      yield;
    }
  }

  /**
   * Makes of what was read the state to go on from, with everything on top that was set here meanwhile.
   * @param decide how to go on, as of this moment: a standby may move on until its copy is taken
   */
  *finish(ledger: Ledger, decide: () => Start, standby: Standby | undefined): Sliced<Loading> {
    let start = decide();
    if (start.inherits !== 'state' && start.line.base.epoch !== this.#loading.line.base.epoch) {
      yield* this.#moveTo(start.line);
      start = decide();
    }
    if (start.inherits === 'state') this.#begin(start.line);
    if (start.inherits !== 'state' && this.#times !== undefined) this.#loading.times.take(this.#times);
    if (start.inherits !== 'nothing') this.#loading.times.fill(standby!.times);
    if (start.inherits !== 'nothing')
      yield* this.#inherit(standby!, start.inherits === 'state' ? 0 : this.top);
    this.#loading.goOn(start.line, start.revision, start.horizon);
    yield* this.#dropRefused(ledger);
    yield* ledger.overlay(this.#loading);
    return this.#loading;
  }

  #begin(line: Line): Loading {
    this.#refused.clear();
    return (this.#loading = new Loading(line, this.#context.runtime.tombstoneLimit));
  }

  /** The changes turned out to be of other epochs: as where keys were lost, so that a new line begins. */
  *#moveTo(line: Line): Sliced<void> {
    const { map } = this.#loading;
    this.#begin(line);
    for (const { key, revision, value } of map.snapshot()) {
      this.#put(key, revision, value?.json ?? '');
      yield;
    }
  }

  *#inherit(standby: Standby, after: number): Sliced<void> {
    for (const { key, revision, json } of standby.changes(after)) {
      this.#put(key, revision, json);
      yield;
    }
  }

  #put(key: string, revision: number, json: string): void {
    if (this.#refused.size > 0) this.#refused.delete(key);
    this.#loading.put(key, json === '' ? undefined : this.#captured(key, json), revision);
  }

  #captured(key: string, json: string): Captured {
    if (this.#space.schemaOf(key) === undefined) return { json };
    try {
      return { json, value: this.#space.read(key, json) };
    } catch (error) {
      this.#refused.set(key, error);
      return { json };
    }
  }

  /** Deletes and reports what the schemas refuse, unless something else was set in its place. */
  *#dropRefused(ledger: Ledger): Sliced<void> {
    for (const [key, error] of this.#refused) {
      if (ledger.get(key) === undefined) {
        this.#loading.delete(key, this.#context.runtime.time.now());
        this.#context.reporter.report(error);
      }
      yield;
    }
  }
}
