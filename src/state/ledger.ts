/**
 * The owner's ledger: the state, its revisions and its cut points. Pure: no clock, no I/O.
 *
 * Before the first claim, revisions are provisional and count from one. `adopt` takes over a state that was
 * made beside this one (`loading.ts`), and gives every change that was set before a new revision after it.
 *
 * Invariant: each change of a key outside a batch, and each changed key of a batch, gets the next revision.
 */
import type { ServerClock } from '../base/clock.ts';
import { TandemError } from '../base/errors.ts';
import type { Sliced } from '../base/slices.ts';
import type { Captured } from './captured.ts';
import { WITHHELD } from './captured.ts';
import { ChangeTimes } from './change-times.ts';
import type { Change } from './change.ts';
import { sizeOf } from './change.ts';
import { DroppedTombstones } from './dropped-tombstones.ts';
import type { Extent } from './ledger-cut.ts';
import { LedgerCut } from './ledger-cut.ts';
import type { Loading } from './loading.ts';
import type { Line, Position } from './position.ts';
import { reaches, ZERO } from './position.ts';
import type { Entry } from './entry.ts';
import type { Place } from './revision-map.ts';
import { RevisionMap } from './revision-map.ts';
import type { Snapshot } from './snapshot.ts';
import type { CutPoint } from './cut-points.ts';
import { CutPoints } from './cut-points.ts';
import type { TraceContext } from './trace.ts';
import { MAX_LINKS } from './trace.ts';
import { RevisionNotes } from './revision-notes.ts';
import { RunningDigest } from './running-digest.ts';
import type { Walk } from './walk.ts';
import { WholeState } from './whole-state.ts';

const NO_ORIGINS: readonly TraceContext[] = [];

/** The server's clock, which is ahead of the local one by so many ms at a moment of the local one. */
type Ahead = Pick<ServerClock, 'aheadMs'>;

export class Ledger {
  /** Without a tombstone limit: no delete may be forgotten before the state of the store is known. */
  #map = new RevisionMap<Captured>(Infinity);
  /** The tombstones that were dropped here and that the store may still hold. */
  #dropped = new DroppedTombstones();
  #line: Line = { epoch: 0, base: ZERO };
  #revision = 0;
  /** While false, even the delete of a key that is unknown here is recorded: the store may hold that key. */
  #loaded = false;
  #batch: Map<string, Captured | undefined> | undefined;
  /** The time of the changes being made now, on a clock of the caller's. */
  #at = NaN;
  /** When the last revisions were set, on the clock of `#at`; and, once `settleTimes` was called, on the server's. */
  #fresh = new ChangeTimes();
  #times = new ChangeTimes();
  /** The keys whose values the store can never take. */
  readonly #withheld = new Set<string>();
  /** The spans that set the last revisions. */
  readonly #origins = new RevisionNotes<TraceContext>();
  readonly #cutPoints = new CutPoints();
  /** The changes up to this revision are on their way, and since when others wait. */
  #sent = 0;
  #unsentSince = NaN;
  #digest = new RunningDigest(this.#map, 0);
  /** What was set before the state of the store was loaded. */
  #replaced: RevisionMap<Captured> | undefined;

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

  /** Whether the state of the store was loaded, so that revisions are final. */
  get isLoaded(): boolean {
    return this.#loaded;
  }

  /** The keys whose values the store can never take, and which it does not hold. */
  get withheld(): Iterable<string> {
    return this.#withheld;
  }

  get hasWithheld(): boolean {
    return this.#withheld.size > 0;
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

  /**
   * Gives the next change its time and its span. A batch keeps the time at which it began.
   * @param at on a clock of the caller's, ms
   */
  stamp(at: number, origin: TraceContext | undefined): void {
    if (!this.#batch) this.#at = at;
    if (origin !== undefined) this.#origins.note(this.#revision + 1, origin);
  }

  set(key: string, json: string): void {
    this.#put(key, { json });
  }

  /** Deletes a key. Returns whether the key held a value. */
  delete(key: string): boolean {
    const existed = this.get(key)?.value !== undefined;
    if (existed || !this.#loaded) this.#put(key, undefined);
    else if (!this.#batch) this.#origins.forgetAfter(this.#revision);
    return existed;
  }

  /**
   * Sets keys to the values that they hold, under new revisions, so that every copy gets these values again. The
   * times of the keys stay what they were.
   * @param clock as for `settleTimes`
   */
  restate(keys: readonly string[], clock: Ahead): void {
    for (const key of keys) {
      const entry = this.#map.get(key);
      if (entry) this.#putAgain(key, entry.value, entry.revision, clock);
    }
  }

  /**
   * Lets `WITHHELD` travel in place of a key's value, under a new revision. Readings here keep the value.
   * @param clock as for `settleTimes`
   */
  withhold(key: string, clock: Ahead): void {
    const entry = this.#map.get(key);
    const captured = entry?.value;
    if (captured === undefined || captured.withheld !== undefined) return;
    const withheld = { ...captured, json: WITHHELD, withheld: captured.json };
    this.#putAgain(key, withheld, entry!.revision, clock);
  }

  /**
   * Turns the times of the last changes into the server's, for good. Call it before they are sent.
   * @param clock the server's, beside that of `stamp`. Where it gives NaN, the times wait
   */
  settleTimes(clock: Ahead): void {
    if (this.#fresh.isEmpty || !this.#loaded) return;
    for (const { after, last, lo, hi } of this.#fresh.between(0, Infinity)) {
      const from = inWholeMs(lo + clock.aheadMs(lo));
      if (Number.isNaN(from)) return;
      // Of a span across a sleep, the two ends go by two estimates.
      const to = hi === lo ? from : Math.max(from, inWholeMs(hi + clock.aheadMs(hi)));
      this.#times.note(after, last, from, to);
    }
    this.#fresh.clear();
  }

  /** When keys were set, on the server's clock, as far as times are settled. */
  get times(): ChangeTimes {
    return this.#times;
  }

  /**
   * When a revision was set, on the server's clock, ms; `undefined` where it is not known.
   * @param clock as for `settleTimes`
   */
  changedAt(revision: number, clock: Ahead): number | undefined {
    const local = revision > this.#revision ? this.#at : this.#fresh.at(revision);
    if (local === undefined) return this.#times.at(revision);
    const at = inWholeMs(local + clock.aheadMs(local));
    return Number.isNaN(at) ? undefined : at;
  }

  /**
   * Makes all of `run`'s changes, or none when `run` throws.
   * @throws TandemError `INVALID_BATCH` for a function that returns a promise; anything that `run` throws
   */
  batch<T>(run: () => T): T {
    if (this.#batch) return this.#innerBatch(this.#batch, run);
    const batch = new Map<string, Captured | undefined>();
    this.#batch = batch;
    let result: T;
    try {
      result = runNow(run);
    } catch (error) {
      // planted: batch-throws
      this.#origins.forgetAfter(this.#revision);
      throw error;
    } finally {
      this.#batch = undefined;
    }
    for (const [key, captured] of batch) this.#put(key, captured);
    if (batch.size === 0) this.#origins.forgetAfter(this.#revision);
    return result;
  }

  /**
   * The changes after `revision`, oldest first; `undefined` when deletes since then are forgotten.
   * @param most the greatest number of changes; default all
   * @param place where to look from, as in `RevisionMap`
   */
  changesSince(revision: number, most = Infinity, place?: Place<Captured>): Change[] | undefined {
    if (revision < this.#map.horizon || this.#dropped.isLost) return undefined;
    // planted: changes-since
    return this.#map.since(revision, most, place).map(toChange);
  }

  /** A place for a reader that comes back. Call it once the state is loaded. */
  place(): Place<Captured> {
    return this.#map.place();
  }

  /** Whether anything changed after `revision`. */
  hasChangedSince(revision: number): boolean {
    return this.#map.revision > revision || this.#dropped.since(revision).length > 0;
  }

  /**
   * What changed after `revision`, oldest first. Deletes that are forgotten are among it, as far as the store
   * may not know that they are.
   */
  *changedSince(revision: number): Generator<Omit<Entry<Captured>, 'memo'>> {
    const forgotten = this.#dropped.since(revision).filter(({ key }) => this.#map.get(key) === undefined);
    const last = new Map(forgotten.map((tombstone) => [tombstone.key, tombstone]));
    const deletes = forgotten.filter((tombstone) => last.get(tombstone.key) === tombstone).values();
    let next = deletes.next();
    for (const entry of this.#map.snapshot(revision)) {
      for (; !next.done && next.value.revision < entry.revision; next = deletes.next())
        yield { ...next.value, value: undefined };
      yield entry;
    }
    for (; !next.done; next = deletes.next()) yield { ...next.value, value: undefined };
  }

  /**
   * How much has changed after one revision and up to another; `undefined` where it is more than `most`.
   */
  extentOf(after: number, upTo: number, most: Extent): Extent | undefined {
    let changes = 0;
    let bytes = 0;
    for (const entry of this.#map.snapshot(after)) {
      if (entry.revision > upTo) break;
      changes += 1;
      bytes += sizeOf(toChange(entry));
      if (changes > most.changes || bytes > most.bytes) return undefined;
    }
    return { changes, bytes };
  }

  /** The changes after one revision and up to another, as they are now, to be walked: see `LedgerCut`. */
  cut(after: number, upTo: number): LedgerCut {
    this.digestAt(after);
    return new LedgerCut(this.#map, this.#digest, after, upTo);
  }

  /** A turn has ended at `at`, so its last revision is a cut point: no batch and no turn crosses it. */
  endTurn(at: number): void {
    this.#cutPoints.add(this.#revision, at);
  }

  /** The changes up to `revision` are on their way to the store. */
  sentUpTo(revision: number): void {
    if (revision < this.#sent) this.#unsentSince = NaN;
    this.#sent = revision;
    this.#cutPoints.sentUpTo(revision);
  }

  /**
   * The stamped time of the first change that is not on its way, or an earlier time; NaN where it is not known.
   * Everything that was set before is on its way.
   */
  get unsentSince(): number {
    return this.#unsentSince;
  }

  /** The first cut point among the changes that are not on their way. */
  get firstCutPoint(): CutPoint | undefined {
    return this.#cutPoints.first;
  }

  /** The last cut point up to `revision` among the changes that are not on their way. */
  cutPointUpTo(revision: number): CutPoint | undefined {
    return this.#cutPoints.upTo(revision);
  }

  /** The stamped time of the oldest change after `revision`; NaN where it is not known. */
  setAtSince(revision: number): number {
    return this.#map.changedAt(revision);
  }

  /**
   * The spans that set something after `revision`, at most 32: the oldest one, then the newest of the others.
   */
  originsSince(revision: number): readonly TraceContext[] {
    if (this.#origins.isEmpty) return NO_ORIGINS;
    const spans = [...new Map(this.#origins.since(revision).map((one) => [one.traceparent, one])).values()];
    return spans.length <= MAX_LINKS ? spans : [spans[0]!, ...spans.slice(1 - MAX_LINKS)];
  }

  /** Whether the ledger has every change since `from`. A reader elsewhere has to read the whole state. */
  canContinue(from: Position): boolean {
    return reaches({ line: this.#line, revision: this.#revision, horizon: this.horizon }, from);
  }

  /** The entries that changed after a position at which `canContinue` holds, oldest change first. */
  entriesSince(from: Position): Entry<Captured>[] {
    return this.#map.since(from.revision);
  }

  /** The entries that changed after `revision`, tombstones too, for a walk in slices: see `RevisionMap`. */
  snapshot(revision = 0): Snapshot<Captured> {
    return this.#map.snapshot(revision);
  }

  /** The entries that change after `revision`, also while the walk goes on: see `RevisionMap`. */
  walk(revision: number): Walk<Captured> {
    return this.#map.walk(revision);
  }

  /** Whether `adopt` has replaced a state that nobody has taken yet. */
  get isReplaced(): boolean {
    return this.#replaced !== undefined;
  }

  /** Returns the state that `adopt` has replaced, once. */
  takeReplaced(): RevisionMap<Captured> | undefined {
    const replaced = this.#replaced;
    this.#replaced = undefined;
    return replaced;
  }

  /** See `RunningDigest`. Ask for it at each revision that is sent. */
  digestAt(revision: number): number | undefined {
    return this.#digest.at(revision, this.#revision);
  }

  /** Whether more changes wait for their hashes than one stretch may make. */
  get isDigestBehind(): boolean {
    return this.#digest.isBehind;
  }

  /** Makes the hashes that the digest lacks, up to the head. */
  digest(): Sliced<void> {
    return this.#digest.catchUp();
  }

  /** The whole state as it is now, tombstones included, to be walked or closed. */
  whole(): WholeState {
    return new WholeState(this.#map.snapshot());
  }

  /** The number of tombstones that were dropped here and that the store may still hold. */
  get droppedCount(): number {
    return this.#dropped.count;
  }

  /**
   * The keys of `count` dropped tombstones, from index `from` on. A key that was set again meanwhile is left
   * out: it is no tombstone any more.
   */
  dropped(count: number, from = 0): string[] {
    return this.#dropped.keys(count, from).filter((key) => this.#map.get(key) === undefined);
  }

  /**
   * The store has dropped the first `count` of these tombstones too.
   * @param whole the store was given the whole state, so it holds no tombstone from before
   */
  forgetDropped(count: number, whole: boolean): void {
    this.#dropped.forget(count, whole);
  }

  /** Puts on top of a state that is being loaded what was set here. Then `adopt` has little left to do. */
  overlay(loading: Loading): Sliced<void> {
    return loading.overlay(this.#map, this.#fresh);
  }

  /** Goes on from a state that was loaded, with the changes made here on top. */
  adopt(loading: Loading): void {
    const rest = this.#map.since(loading.overlaidUpTo);
    const setAt = Number.isNaN(loading.setAt) ? this.#map.changedAt(0) : loading.setAt;
    const set = this.#fresh;
    this.#fresh = loading.fresh;
    this.#times = loading.times;
    this.#replaced = this.#map;
    this.#map = loading.map;
    this.#dropped = loading.dropped;
    this.#line = loading.line;
    this.#revision = loading.revision;
    this.#digest = new RunningDigest(loading.map, loading.revision);
    this.#cutPoints.clear(loading.loadedUpTo);
    this.#loaded = true;
    this.#at = setAt;
    this.#origins.moveTo(loading.loadedUpTo + 1);
    // planted: adopt
    for (const { key, value, revision } of rest)
      if (loading.overlays(key, value)) this.#put(key, value, set.at(revision) ?? NaN);
  }

  /** Keeps state and revision under a new epoch. */
  continueIn(line: Line): void {
    this.#line = line;
    // The first commit of an epoch must reach its base. A cut before the base would put a reader past one
    // head and before the next.
    this.#cutPoints.clear(this.#revision);
  }

  /** An inner batch that throws undoes its own changes. The outer batch decides about all others. */
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

  /** @param setAt the time that is shown, where it is not that of the other changes being made now */
  #put(key: string, captured: Captured | undefined, setAt = this.#at): void {
    if (this.#batch) return void this.#batch.set(key, captured);
    this.#add(key, captured);
    this.#fresh.note(this.#revision - 1, this.#revision, Math.floor(setAt));
  }

  /** The key gets a new revision, and keeps the time of an earlier one. */
  #putAgain(key: string, captured: Captured | undefined, revision: number, clock: Ahead): void {
    this.settleTimes(clock);
    const span = this.#fresh.isEmpty ? this.#times.find(revision) : undefined;
    this.#add(key, captured);
    if (span !== undefined) this.#times.note(this.#revision - 1, this.#revision, span.lo, span.hi);
  }

  #add(key: string, captured: Captured | undefined): void {
    if (captured?.withheld !== undefined) this.#withheld.add(key);
    else if (this.#withheld.size > 0) this.#withheld.delete(key);
    if (this.#revision === this.#sent) this.#unsentSince = this.#at;
    // planted: revision
    this.#revision += 1;
    this.#cutPoints.changed(this.#map.set(key, captured, this.#revision, this.#line.epoch, this.#at));
  }
}

/** Times are noted in whole ms: the rest of a sum is an error of rounding. */
function inWholeMs(ms: number): number {
  return Math.floor(ms + 0.5);
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
