/**
 * The owner's book: the state, its revisions, and cuts of it. Pure: no clock, no I/O.
 *
 * Before the first claim revisions are provisional and count from one. `resume` and `startOver` put what was
 * set till then on top of what the store had, under revisions that go on from there.
 */
import { TandemError } from './errors.ts';
import type { Change } from './frame.ts';
import type { Line, Position } from './position.ts';
import { ZERO } from './position.ts';
import type { Entry } from './revision-map.ts';
import { RevisionMap } from './revision-map.ts';

/** A value as it was set: the text that travels, and what its schema reads from it, once someone asks. */
export interface Captured {
  readonly json: string;
  value?: unknown;
}

/** Dropped tombstones that are remembered for the store. */
const MAX_DROPPED = 100_000;

export class Ledger {
  #dropped: string[] = [];
  /** More was dropped than is remembered: the store can only be given the whole state. */
  #isDroppedLost = false;
  /** Until the state of the store is known, no delete may be forgotten. */
  #map = this.#emptyMap(Infinity);
  #line: Line = { epoch: 0, base: ZERO };
  #revision = 0;
  /** Until then a delete has to be remembered even where nothing is deleted. */
  #loaded = false;
  #batch: Map<string, Captured | undefined> | undefined;

  get line(): Line {
    return this.#line;
  }

  get head(): Position {
    return { epoch: this.#line.epoch, revision: this.#revision };
  }

  get horizon(): number {
    return this.#map.horizon;
  }

  get size(): number {
    return this.#map.size;
  }

  /** Whether the state of the store was taken in, and revisions are final. */
  get isLoaded(): boolean {
    return this.#loaded;
  }

  get(key: string): Entry<Captured> | undefined {
    const staged = this.#batch?.get(key);
    if (staged === undefined && !this.#batch?.has(key)) return this.#map.get(key);
    return { key, value: staged, epoch: this.#line.epoch, revision: this.#revision + 1 };
  }

  *entries(): Iterable<Entry<Captured>> {
    for (const entry of this.#map.entries()) if (!this.#batch?.has(entry.key)) yield entry;
    for (const key of this.#batch?.keys() ?? []) {
      const entry = this.get(key);
      if (entry?.value !== undefined) yield entry;
    }
  }

  set(key: string, json: string): void {
    this.#put(key, { json });
  }

  /** Whether there was something to delete. */
  delete(key: string): boolean {
    const existed = this.get(key)?.value !== undefined;
    if (existed || !this.#loaded) this.#put(key, undefined);
    return existed;
  }

  /** All of `run`'s changes, or, when it throws, none. */
  batch<T>(run: () => T): T {
    if (this.#batch) return this.#innerBatch(this.#batch, run);
    const batch = new Map<string, Captured | undefined>();
    this.#batch = batch;
    let result: T;
    try {
      result = runNow(run);
    } finally {
      this.#batch = undefined;
    }
    for (const [key, captured] of batch) this.#put(key, captured);
    return result;
  }

  /** What changed after `revision`; `undefined` when deletes since then are forgotten. */
  changesSince(revision: number): Change[] | undefined {
    if (revision < this.#map.horizon || this.#isDroppedLost) return undefined;
    return this.#map.since(revision).map(toChange);
  }

  /** The whole state, tombstones included. */
  everything(): Change[] {
    return this.#map.since(0).map(toChange);
  }

  /** How many tombstones were dropped here that the store may still hold. */
  get droppedCount(): number {
    return this.#dropped.length;
  }

  /** The first `count` of them. A key that came back meanwhile is no tombstone any more. */
  dropped(count: number): string[] {
    return this.#dropped.slice(0, count).filter((key) => this.#map.get(key) === undefined);
  }

  /** The store has forgotten the first `count` of them; or, given the `whole` state, whatever was dropped before. */
  forgetDropped(count: number, whole: boolean): void {
    // Fewer than there were then: more came meanwhile than is remembered.
    if (whole && this.#dropped.length >= count) this.#isDroppedLost = false;
    this.#dropped = this.#dropped.slice(count);
  }

  /** Goes on from what the store has at `revision`; what was set here meanwhile comes on top. */
  resume(line: Line, revision: number, horizon: number, changes: readonly Change[]): void {
    const local = this.#map.since(0);
    this.#map = this.#emptyMap();
    this.#map.forgetUpTo(horizon);
    for (const { key, revision: changedAt, json } of changes) {
      const epoch = changedAt > line.base.revision ? line.epoch : line.base.epoch;
      this.#map.set(key, json === '' ? undefined : { json }, changedAt, epoch);
    }
    this.#goOn(line, revision, local);
  }

  /** Starts from nothing but what was set here; revisions go on all the same. */
  startOver(line: Line, revision: number): void {
    const local = this.#map.since(0);
    this.#map = this.#emptyMap();
    this.#map.forgetUpTo(revision);
    this.#goOn(line, revision, local);
  }

  /** The same state, under a new epoch. */
  continueIn(line: Line): void {
    this.#line = line;
  }

  /** All of an inner batch's changes, or, when it throws, none of them; the outer one decides for all. */
  #innerBatch<T>(outer: Map<string, Captured | undefined>, run: () => T): T {
    const before = [...outer];
    try {
      return runNow(run);
    } catch (error) {
      outer.clear();
      for (const [key, captured] of before) outer.set(key, captured);
      throw error;
    }
  }

  #drop(key: string): void {
    if (this.#dropped.length < MAX_DROPPED) return void this.#dropped.push(key);
    this.#dropped = [];
    this.#isDroppedLost = true;
  }

  #goOn(line: Line, revision: number, local: readonly Entry<Captured>[]): void {
    this.#line = line;
    this.#revision = revision;
    this.#loaded = true;
    for (const { key, value } of local)
      if (value !== undefined || this.#map.get(key)?.value !== undefined) this.#put(key, value);
  }

  #put(key: string, captured: Captured | undefined): void {
    if (this.#batch) return void this.#batch.set(key, captured);
    this.#revision += 1;
    this.#map.set(key, captured, this.#revision, this.#line.epoch);
  }

  #emptyMap(tombstoneLimit?: number): RevisionMap<Captured> {
    this.#dropped = [];
    this.#isDroppedLost = false;
    return new RevisionMap<Captured>(tombstoneLimit, (key) => this.#drop(key));
  }
}

/** @throws TandemError `INVALID_BATCH` for a function that returns a promise */
function runNow<T>(run: () => T): T {
  const result = run();
  if (!(result instanceof Promise)) return result;
  result.catch(() => {});
  const what = 'expected a synchronous function, got one that returns a promise; nothing was set';
  throw new TandemError('INVALID_BATCH', what);
}

function toChange({ key, value, revision }: Entry<Captured>): Change {
  return { key, revision, json: value?.json ?? '' };
}
