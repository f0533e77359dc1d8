/** The source of a feed: the state that it serves, an owner's or the copy of a follower that passes it on. */
import type { Change } from '../state/change.ts';
import type { Header } from '../state/header.ts';
import type { Position } from '../state/position.ts';
import type { Snapshot } from '../state/snapshot.ts';

/** What `header` is asked for: see `FeedSource`. */
export interface HeaderOf {
  /** The revision that the frame goes on from; 0 for the whole state. */
  readonly prev: number;
  /** Whether the frame has changes, so that the time and the spans of their setting belong to it. */
  readonly isMeasured: boolean;
  /** Now, on `Time`, ms. */
  readonly now: number;
}

export interface FeedSource<V> {
  readonly head: Position;
  /**
   * Whether nothing may be served now: an owner cannot know whether its claim still stands, or a copy is proven
   * by nothing. Call it before anything else.
   */
  readonly isInDoubt: boolean;
  /** Whether a reader at this position can go on from there. Any other reader has to read the whole state. */
  canContinue(from: Position): boolean;
  /**
   * The changes after a revision, oldest first, at most `most` of them; `undefined` where deletes are forgotten.
   */
  changesSince(revision: number, most: number): readonly Change[] | undefined;
  /** The entries that changed after `revision`, tombstones too, as of this call, to be walked in slices. */
  snapshot(revision?: number): Snapshot<V>;
  /** The JSON text of an entry's value; empty for a tombstone. */
  jsonOf(value: V | undefined): string;
  /** The header of a frame up to the head. Its times are on `Time`, ms. */
  header(of: HeaderOf): Header;
}
