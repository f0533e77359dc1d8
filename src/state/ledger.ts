/**
 * The owner's book: the state, its revisions, and cuts of it. Pure: no clock, no I/O.
 *
 * Before the first claim revisions are provisional and count from one. `resume` and `startOver` put what was
 * set till then on top of what the store had, under revisions that go on from there.
 */
import { TandemError } from '../base/errors.ts';
import type { Change } from './frame.ts';
import type { Line, Position } from './position.ts';
import { canTell, ZERO } from './position.ts';
import type { Entry } from './revision-map.ts';
import { RevisionMap } from './revision-map.ts';
import type { CutPoint } from './cut-points.ts';
import { CutPoints } from './cut-points.ts';
import type { TraceContext } from './trace.ts';
import { MAX_LINKS } from './trace.ts';
import { RevisionNotes } from './revision-notes.ts';
import { detached } from '../base/detached.ts';

/** A value as it was set: the text that travels, and what its schema reads from it, once someone asks. */
export interface Captured {
  readonly json: string;
  value?: unknown;
}

const NOWHERE: readonly TraceContext[] = [];

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
  /** When what is set now is set, on a clock of the caller's. */
  #at = NaN;
  /** In which spans what was set last was set. */
  readonly #origins = new RevisionNotes<TraceContext>();
  /** Where what is not on its way yet may be cut. */
  readonly #cutPoints = new CutPoints();

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

  /** What is set or deleted next is of this time, and was set in this span. A batch is of when it began. */
  stamp(at: number, origin: TraceContext | undefined): void {
    if (!this.#batch) this.#at = at;
    if (origin !== undefined) this.#origins.note(this.#revision + 1, origin);
  }

  set(key: string, json: string): void {
    this.#put(key, { json });
  }

  /** Whether there was something to delete. */
  delete(key: string): boolean {
    const existed = this.get(key)?.value !== undefined;
    if (existed || !this.#loaded) this.#put(key, undefined);
    else if (!this.#batch) this.#origins.forgetAfter(this.#revision);
    return existed;
  }

  /** The same values under new revisions: whoever holds them otherwise is told anew. */
  restate(keys: readonly string[]): void {
    for (const key of keys) {
      const entry = this.#map.get(key);
      if (entry) this.#put(key, entry.value);
    }
  }

  /** All of `run`'s changes, or, when it throws, none. */
  batch<T>(run: () => T): T {
    if (this.#batch) return this.#innerBatch(this.#batch, run);
    const batch = new Map<string, Captured | undefined>();
    this.#batch = batch;
    let result: T;
    try {
      result = runNow(run);
    } catch (error) {
      this.#origins.forgetAfter(this.#revision);
      throw error;
    } finally {
      this.#batch = undefined;
    }
    for (const [key, captured] of batch) this.#put(key, captured);
    if (batch.size === 0) this.#origins.forgetAfter(this.#revision);
    return result;
  }

  /** What changed after `revision`, so many at most; `undefined` when deletes since then are forgotten. */
  changesSince(revision: number, most = Infinity): Change[] | undefined {
    if (revision < this.#map.horizon || this.#isDroppedLost) return undefined;
    return this.#map.since(revision, most).map(toChange);
  }

  /** A turn is over: here, at this time, a cut parts nothing that belongs together. */
  endTurn(at: number): void {
    this.#cutPoints.add(this.#revision, at);
  }

  /** What changed up to `revision` is on its way to the store. */
  sentUpTo(revision: number): void {
    this.#cutPoints.sentUpTo(revision);
  }

  /** The last place up to `revision` where what is not on its way can be cut. */
  cutPointUpTo(revision: number): CutPoint | undefined {
    return this.#cutPoints.upTo(revision);
  }

  /** When the oldest change after `revision` was set, as it was stamped; NaN where that is not known. */
  setAtSince(revision: number): number {
    return this.#map.changedAt(revision);
  }

  /** The spans in which something was set after `revision`: the oldest first, then the newest of the others. */
  originsSince(revision: number): readonly TraceContext[] {
    if (this.#origins.isEmpty) return NOWHERE;
    const spans = [...new Map(this.#origins.since(revision).map((one) => [one.traceparent, one])).values()];
    return spans.length <= MAX_LINKS ? spans : [spans[0]!, ...spans.slice(1 - MAX_LINKS)];
  }

  /** Whether a reader at this position can be told what changed since, or has to read the whole state. */
  canContinue(from: Position): boolean {
    return canTell(from, { line: this.#line, revision: this.#revision, horizon: this.horizon });
  }

  /** The entries that changed after a position at which `canContinue` holds, oldest change first. */
  entriesSince(from: Position): Entry<Captured>[] {
    return this.#map.since(from.revision);
  }

  /** The whole state, tombstones included. */
  everything(): Change[] {
    return this.#map.since(0).map(toChange);
  }

  /** How many tombstones were dropped here that the store may still hold. */
  get droppedCount(): number {
    return this.#dropped.length;
  }

  /** So many of them, after the first `from`. A key that came back meanwhile is no tombstone any more. */
  dropped(count: number, from = 0): string[] {
    return this.#dropped.slice(from, from + count).filter((key) => this.#map.get(key) === undefined);
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
    const setAt = this.#map.changedAt(0);
    this.#map = this.#emptyMap();
    this.#map.forgetUpTo(horizon);
    for (const { key, revision: changedAt, json } of changes) {
      const epoch = changedAt > line.base.revision ? line.epoch : line.base.epoch;
      const captured = json === '' ? undefined : { json: detached(json) };
      this.#map.set(key, captured, changedAt, epoch);
    }
    this.#goOn(line, revision, local, setAt);
  }

  /** Starts from nothing but what was set here; revisions go on all the same. */
  startOver(line: Line, revision: number): void {
    const local = this.#map.since(0);
    const setAt = this.#map.changedAt(0);
    this.#map = this.#emptyMap();
    this.#map.forgetUpTo(revision);
    this.#goOn(line, revision, local, setAt);
  }

  /** The same state, under a new epoch. */
  continueIn(line: Line): void {
    this.#line = line;
    // The first commit of an epoch has to reach its base: who is between would be past one head and before the next.
    this.#cutPoints.clear(this.#revision);
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

  #goOn(line: Line, revision: number, local: readonly Entry<Captured>[], setAt: number): void {
    this.#line = line;
    this.#revision = revision;
    this.#cutPoints.clear(revision);
    this.#loaded = true;
    this.#at = setAt;
    this.#origins.moveTo(revision + 1);
    for (const { key, value } of local)
      if (value !== undefined || this.#map.get(key)?.value !== undefined) this.#put(key, value);
  }

  #put(key: string, captured: Captured | undefined): void {
    if (this.#batch) return void this.#batch.set(key, captured);
    this.#revision += 1;
    this.#cutPoints.changed(this.#map.set(key, captured, this.#revision, this.#line.epoch, this.#at));
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
