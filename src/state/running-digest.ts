/**
 * The running digest of a ledger: changes are hashed when the state is cut, and not when they are set. A key
 * that is set a thousand times before a cut is hashed once. Pure.
 *
 * It is asked for at each revision that is sent: a key that changes again afterwards takes its hash as of that
 * cut with it. Where too many changes wait, it is behind: their hashes are made in slices, up to the head.
 */
import type { Sliced } from '../base/slices.ts';
import type { Captured } from './captured.ts';
import { hashOf } from './digest.ts';
import type { RevisionMap } from './revision-map.ts';

/** So much is hashed in one stretch, UTF-16 code units: some ms. */
const MOST_HASHED = 2_500_000;
/** A hash takes as long as the reading of so many code units. */
const HASH_LENGTH = 250;

export class RunningDigest {
  readonly #map: RevisionMap<Captured>;
  #hashedUpTo: number;
  #isBehind = false;

  /** @param hashedUpTo the entries up to this revision have their hashes */
  constructor(map: RevisionMap<Captured>, hashedUpTo: number) {
    this.#map = map;
    this.#hashedUpTo = hashedUpTo;
  }

  /** The entries up to this revision have their hashes. */
  get hashedUpTo(): number {
    return this.#hashedUpTo;
  }

  /** All entries that had changed by this revision have got their hashes elsewhere, as of then. */
  wasWalkedTo(revision: number): void {
    this.#hashedUpTo = revision;
  }

  /** Whether more changes wait than one stretch may hash: it says nothing until it has come to the head. */
  get isBehind(): boolean {
    return this.#isBehind;
  }

  /**
   * The digest of the state at a revision up to which the state is cut.
   * @param head the last revision
   * @returns `undefined` while it is behind, and for a revision before one that was asked for already: that
   *   state is gone
   */
  at(revision: number, head: number): number | undefined {
    // A key may have changed on both sides of a cut before its hash was made: then only the head is known.
    // planted: digest-behind
    if (this.#isBehind && revision < head) return undefined;
    if (revision > this.#hashedUpTo) this.#isBehind = !this.#hashUpTo(revision, MOST_HASHED);
    return revision === this.#hashedUpTo && !this.#isBehind ? this.#map.digest : undefined;
  }

  /** Makes the hashes that it lacks. */
  *catchUp(): Sliced<void> {
    while (this.#isBehind) {
      this.#isBehind = !this.#hashUpTo(this.#map.revision, 1);
      yield;
    }
  }

  /** Hashes what changed, oldest first, until so much was hashed. Returns whether that was all of it. */
  #hashUpTo(revision: number, most: number): boolean {
    let left = most;
    this.#hashedUpTo = this.#map.rehash(this.#hashedUpTo, revision, ({ key, revision: at, value }) => {
      if (left <= 0) return undefined;
      left -= HASH_LENGTH + (value?.json.length ?? 0);
      return hashOf(key, at, value?.json ?? '');
    });
    return this.#hashedUpTo === revision;
  }
}
