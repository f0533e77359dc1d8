/**
 * A draft: the next copy of a space, or the changes that lead to it. It grows while it is read, and nobody
 * sees it before it is put in place as one.
 */
import type { Sliced } from '../base/slices.ts';
import type { Line } from './position.ts';
import { epochIn } from './position.ts';
import type { ReadChange, UnreadChange } from './read-change.ts';
import { RevisionMap } from './revision-map.ts';
import { Unread } from './unread.ts';

export class Draft {
  readonly map: RevisionMap<unknown>;
  readonly unread = new Unread();
  #revision = 0;

  /** @param map a copy to begin with; default none. A delete in a draft is a change, and never forgotten. */
  // planted: draft-deletes
  constructor(map = new RevisionMap<unknown>(Infinity)) {
    this.map = map;
  }

  /** The revision of the newest change in it: whatever is not newer comes for the second time. */
  get revision(): number {
    return this.#revision;
  }

  /** The number of keys that it says something of. */
  get keys(): number {
    return this.map.size + this.map.tombstones + this.unread.size;
  }

  /** @param line of the owner that this change was read under */
  set({ key, value, revision, hash }: ReadChange, line: Line): void {
    this.#revision = revision;
    this.map.set(key, value, revision, epochIn(line, revision), NaN, hash);
    this.unread.delete(key);
  }

  /** The newest value of the key cannot be read: the key keeps its last one. */
  leave({ key, revision, hash }: UnreadChange): void {
    this.#revision = revision;
    this.map.unhash(key);
    this.unread.set(key, hash);
  }

  /**
   * Makes a whole copy of these changes: they come on top of a copy as it is now, which goes on changing
   * meanwhile.
   * @param from the revision of that copy
   */
  *onTopOf(map: RevisionMap<unknown>, unread: Unread, from: number): Sliced<Draft> {
    const whole = new Draft(yield* map.copy());
    for (const [key, hash] of unread) {
      whole.unread.set(key, hash);
      yield;
    }
    for (const { key, value, revision, epoch, at, hash } of this.map.snapshot(from)) {
      whole.map.set(key, value, revision, epoch, at, hash);
      whole.unread.delete(key);
      yield;
    }
    for (const [key, hash] of this.unread) {
      whole.map.unhash(key);
      whole.unread.set(key, hash);
      yield;
    }
    return whole;
  }
}
