/**
 * Loading: the state that a ledger will go on from, while it is made in slices. Pure. Nobody sees it before
 * `Ledger.adopt` puts it in place, in one step.
 *
 * In this order:
 *
 *   put       what was left by the last owner, under the revisions that it has
 *   goOn      from here on, every change gets a new revision
 *   delete    what must not become visible
 *   overlay   what was set in the ledger meanwhile, but for the last few changes: `adopt` adds those
 */
import type { Sliced } from '../base/slices.ts';
import { ChangeTimes } from './change-times.ts';
import { hashOf } from './digest.ts';
import { DroppedTombstones } from './dropped-tombstones.ts';
import type { Captured } from './captured.ts';
import type { Line } from './position.ts';
import { RevisionMap } from './revision-map.ts';

/** So few changes are put on top in one stretch. */
const FEW = 500;
/** An application may set faster than slices follow. After so many rounds the rest goes in one stretch. */
const MAX_ROUNDS = 20;

export class Loading {
  readonly dropped = new DroppedTombstones();
  readonly map: RevisionMap<Captured>;
  /** When keys were set: what was left by the last owner, on the server's clock. */
  readonly times = new ChangeTimes();
  /** The same of all changes since, on the clock of the ledger. */
  readonly fresh = new ChangeTimes();
  #line: Line;
  #loadedUpTo = 0;
  #revision = 0;
  #overlaidUpTo = 0;
  #setAt = NaN;

  /**
   * @param line the line that the ledger is expected to go on with: it says of which epoch each change is
   * @param tombstoneLimit as in `RevisionMap`
   */
  constructor(line: Line, tombstoneLimit?: number) {
    this.#line = line;
    this.map = new RevisionMap<Captured>(tombstoneLimit, (tombstone) => this.dropped.add(tombstone));
  }

  get line(): Line {
    return this.#line;
  }

  /** The last revision that was left: new ones come after it. */
  get loadedUpTo(): number {
    return this.#loadedUpTo;
  }

  /** The last revision of all. The digest has all of them. */
  get revision(): number {
    return this.#revision;
  }

  /** The ledger's changes up to this revision, which were provisional, are in. */
  get overlaidUpTo(): number {
    return this.#overlaidUpTo;
  }

  /** When the first of the ledger's changes was set, on its clock; NaN where that is not known. */
  get setAt(): number {
    return this.#setAt;
  }

  /** Puts one change as it was left. One that is here already, by its revision, is passed over. */
  put(key: string, captured: Captured | undefined, revision: number): void {
    if (revision <= this.map.revision) return;
    const { epoch, base } = this.#line;
    this.#set(key, captured, revision, revision > base.revision ? epoch : base.epoch);
  }

  /** All that was left is in. */
  goOn(line: Line, revision: number, horizon: number): void {
    this.#line = line;
    this.#revision = this.#loadedUpTo = revision;
    this.map.forgetUpTo(horizon);
    this.times.forgetAfter(revision);
  }

  /** @param at the present, on the clock of the ledger, ms */
  delete(key: string, at: number): void {
    this.#revision += 1;
    this.#set(key, undefined, this.#revision, this.#line.epoch);
    this.#note(at);
  }

  /** Puts the ledger's changes on top, those too that are made while this goes on. */
  *overlay(local: RevisionMap<Captured>, times: ChangeTimes): Sliced<void> {
    this.#setAt = local.changedAt(0);
    let rounds = 0;
    do {
      const upTo = local.revision;
      // planted: local
      for (const { key, value, revision } of local.snapshot(this.#overlaidUpTo)) {
        if (this.overlays(key, value)) {
          this.#revision += 1;
          this.#set(key, value, this.#revision, this.#line.epoch, this.#setAt);
          this.#note(times.at(revision) ?? NaN);
        }
        yield;
      }
      this.#overlaidUpTo = upTo;
      rounds += 1;
    } while (local.revision - this.#overlaidUpTo > FEW && rounds < MAX_ROUNDS);
  }

  /** Whether a change of the ledger says anything new here: a delete of a key without a value does not. */
  overlays(key: string, value: Captured | undefined): boolean {
    return value !== undefined || this.map.get(key)?.value !== undefined;
  }

  #note(at: number): void {
    this.fresh.note(this.#revision - 1, this.#revision, Math.floor(at));
  }

  #set(key: string, captured: Captured | undefined, revision: number, epoch: number, at = NaN): void {
    this.map.set(key, captured, revision, epoch, at, hashOf(key, revision, captured?.json ?? ''));
  }
}
