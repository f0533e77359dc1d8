/**
 * The size of a simulated world, which follows from its seed. Most worlds are small. A tenth are large: their
 * states take many pages, their turns take more than one commit, some values are near what a commit takes,
 * and deletes are soon forgotten.
 */
import type { Capacity } from '../../src/ports/store.ts';
import { Random } from './random.ts';
import type { Key } from './space.ts';
import { KEYS, keysOf } from './space.ts';

export interface Size {
  readonly isLarge: boolean;
  readonly keys: readonly Key[];
  /** The greatest number of changes in a page. */
  readonly page: number;
  /** The greatest size of a page of several changes, bytes. Default: that of the library. */
  readonly pageBytes?: number;
  /** A whole state is staged so many changes at a time. */
  readonly stagePortion: number;
  readonly capacity: Capacity;
  /** The least number of deletes that a state remembers. Default: that of the library. */
  readonly tombstoneLimit?: number;
  /** The time after which a change must be visible where no fault happens, ms. */
  readonly visibleMs: number;
  /** The time after which another owner leads where one has stopped, and a newcomer is live, ms. */
  readonly calmMs: number;
  /** The lengths of what a value has beside its id. */
  readonly pads: readonly number[];
  /** The probability that who looks at a state looks at the whole of it, and not at one key. */
  readonly wholeLooks: number;
}

const LARGE_SHARE = 0.1;

/** Few of everything, so that a dozen keys take several pages, stages and commits. */
const SMALL: Size = {
  isLarge: false,
  keys: KEYS,
  page: 6,
  stagePortion: 5,
  capacity: { usual: 4, changes: 4, length: 1_000_000, mostChanges: 12 },
  visibleMs: 50,
  calmMs: 150,
  pads: [0],
  wholeLooks: 1,
};

/** The length of keys and values together that one commit takes, where its changes can be parted. */
const LENGTH = 2_000;

/** Draws from a chance of its own, so that a small world draws what it would draw without large ones. */
export function sizeOf(seed: number): Size {
  const random = new Random(seed ^ 0x512e);
  if (!random.chance(LARGE_SHARE)) return SMALL;
  return {
    isLarge: true,
    keys: keysOf(random.whole(40, 60)),
    page: random.whole(7, 9),
    pageBytes: 2 * LENGTH,
    stagePortion: random.pick([10, 25]),
    capacity: { usual: 4, changes: 8, length: LENGTH, mostChanges: random.pick([24, 60, 200]) },
    tombstoneLimit: random.pick([4, 12]),
    // A turn beyond one commit is staged in parts, and read in pages: some 25 round trips.
    visibleMs: 150,
    // An owner that stops first commits what waits, four changes at a time.
    calmMs: 250,
    pads: [...Array<number>(20).fill(0), 150, 150, LENGTH - 100, LENGTH - 30, LENGTH + 500],
    wholeLooks: 0.2,
  };
}
