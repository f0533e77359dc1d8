/**
 * Admission: may this frame be applied here, whichever path it came by?
 *
 * The only place that holds epochs against the fence. Five numbers that never fall, no I/O, no clock:
 *
 *   seen     highest epoch met in a frame or a page
 *   fence    highest epoch known to be claimed, from a message or the keys
 *   granted  highest epoch of the keys: its owner has committed
 *   stored   position that Redis is known to have committed
 *   at       position of the replica
 *
 *   epoch or revision that no owner can reach   implausible   refused, on any path
 *   epoch < max(seen, fence)                    fenced        a superseded owner
 *   through Redis: epoch > granted, and not     unclaimed     anybody can publish: read the keys, which show
 *   that of `at`                                              whether it was claimed
 *   base does not continue `at`                 gap           another line: read the keys
 *   at.revision < prev                          gap           frames are missing
 *   same epoch, revision <= at.revision         known         proves freshness, changes nothing
 *   revision < at.revision                      gap           a new epoch that would take this copy back
 *   else                                        next          apply it whole
 *
 * `seen` and `fence` are two numbers, since from a claim to its first commit Redis holds a head of the epoch
 * before, and that head is current. So a page must not be below `seen` and `stored`; a frame must not be
 * below the fence either.
 */
import { TandemError } from '../base/errors.ts';
import type { FramePath } from '../ports/observer.ts';
import type { Header } from '../state/header.ts';
import type { Position } from '../state/position.ts';
import { compare, continues, printPosition, ZERO } from '../state/position.ts';

/** The judgement of a frame: see the head of this file. */
export type Verdict = 'next' | 'known' | 'gap' | 'fenced' | 'unclaimed' | 'implausible';

/**
 * An epoch is the server's time in ms, or one more than the epoch before. Clocks differ by less than a day.
 */
const MAX_AHEAD_MS = 86_400_000;
/** A follower cannot miss this many claims in a row. */
const MAX_CLAIMS = 1_000_000;
/** The changes of an owner that sets a key in each microsecond for 35 years. */
const MAX_REVISION = 2 ** 50;
/** No owner sets keys faster: ten times what the ledger alone can do, changes per ms. */
const MAX_CHANGES_PER_MS = 10_000;
/** An owner may have set this many at once, as in a batch. */
const MAX_AT_ONCE = 10_000_000;

/** The knowledge from before a page was requested: the page's head must not be below it. */
export interface Floor {
  readonly seen: number;
  readonly stored: Position;
}

/** Anything with a position: the replica. */
interface Placed {
  readonly position: Position;
}

export class Admission {
  readonly #replica: Placed;
  #seen = 0;
  #fence = 0;
  #granted = 0;
  #stored = ZERO;
  #isMisplaced = false;

  constructor(replica: Placed) {
    this.#replica = replica;
  }

  /** The highest epoch known here, from a claim or a frame. Nothing of a lower one is applied. */
  get fence(): number {
    return Math.max(this.#highestSeen, this.#fence);
  }

  /** The position that Redis is known to have committed. */
  get stored(): Position {
    return this.#stored;
  }

  /**
   * Whether an owner can have this epoch. After a frame of an epoch far ahead, this follower would refuse
   * every frame of the true owner.
   * @param latestMs upper bound of the server's time, ms; `Infinity` where it is not known
   */
  #isPlausible(epoch: number, latestMs: number): boolean {
    return epoch <= this.#replica.position.epoch + MAX_CLAIMS || epoch <= latestMs + MAX_AHEAD_MS;
  }

  /** Judges a frame. Remembers its epoch, unless the frame is refused. */
  judge(frame: Header, path: FramePath, latestMs: number): Verdict {
    const refused = this.#refuse(frame, latestMs);
    if (refused) return refused;
    const at = this.#replica.position;
    // planted: unclaimed
    if (path === 'redis' && frame.epoch > Math.max(this.#granted, at.epoch)) return 'unclaimed';
    this.#seen = frame.epoch;
    if (!continues(at, frame)) return 'gap';
    // planted: frames-missing
    if (at.revision < frame.prev) return 'gap';
    if (frame.epoch === at.epoch && frame.revision <= at.revision) return 'known';
    return frame.revision < at.revision ? 'gap' : 'next';
  }

  /** Judges a frame that is the whole state: of any line, but not behind this copy in its own epoch. */
  judgeWhole(frame: Position, latestMs: number): Exclude<Verdict, 'known'> {
    const { epoch, revision } = frame;
    const refused = this.#refuse(frame, latestMs);
    if (refused) return refused;
    const at = this.#replica.position;
    if (this.#isMisplaced) return 'next';
    // planted: whole-behind
    return epoch === at.epoch && revision < at.revision ? 'gap' : 'next';
  }

  /** The floor for a page that is requested now. */
  get floor(): Floor {
    return { seen: this.#highestSeen, stored: this.#stored };
  }

  /**
   * A message or a page shows that this epoch is claimed. Nothing of a lower one is applied from now on.
   * @returns whether an owner can have it; false where nothing was noted
   */
  claimed(epoch: number, latestMs: number): boolean {
    if (!this.#isPlausible(epoch, latestMs)) return false;
    this.#fence = Math.max(this.#fence, epoch);
    return true;
  }

  /** The keys are of this epoch: its owner has committed under it. */
  granted(epoch: number): void {
    this.#granted = Math.max(this.#granted, epoch);
  }

  /** Redis is known to hold this position. */
  storedUpTo({ epoch, revision }: Position): void {
    if (compare({ epoch, revision }, this.#stored) > 0) this.#stored = { epoch, revision };
  }

  /**
   * Whether the position of the copy may be none of its owner's, as after a forged frame. A whole state then
   * replaces the copy, though it is behind.
   */
  get isMisplaced(): boolean {
    return this.#isMisplaced;
  }

  /** The owner may never have been at the position of the copy. The keys alone show what Redis holds. */
  misplaced(): void {
    this.#isMisplaced = true;
    this.#stored = ZERO;
  }

  /** The copy is where its owner is: its digest is the owner's, or a whole state was put in its place. */
  placed(): void {
    this.#isMisplaced = false;
  }

  #refuse({ epoch, revision }: Position, latestMs: number): 'implausible' | 'fenced' | undefined {
    // planted: revision-credible
    const isCredible = this.#isPlausible(epoch, latestMs) && this.#isReachable(revision, latestMs);
    if (!isCredible) return 'implausible';
    // planted: fence
    return epoch < this.fence ? 'fenced' : undefined;
  }

  /**
   * Whether an owner can have come to this revision. An epoch is the time of its claim, or later. So the
   * owner of the epoch here has led since then at most, and a next owner no longer.
   */
  #isReachable(revision: number, latestMs: number): boolean {
    const at = this.#replica.position;
    const ledMs = latestMs - at.epoch;
    // After a clock was set back, an epoch lies in the future, and shows nothing.
    const most = ledMs > 0 ? at.revision + MAX_AT_ONCE + ledMs * MAX_CHANGES_PER_MS : Infinity;
    return revision <= Math.min(most, MAX_REVISION);
  }

  get #highestSeen(): number {
    return Math.max(this.#seen, this.#replica.position.epoch);
  }
}

/**
 * Whether the head of a page is below the floor: Redis has lost data. A head that is merely behind this
 * copy is not: this copy may have an announcement, or a frame of the direct path, that is ahead of its
 * commit.
 */
export function isRolledBack(head: Position, { seen, stored }: Floor): boolean {
  return head.epoch < seen || compare(head, stored) < 0;
}

export function implausibleError(position: Position): TandemError {
  const what = `a frame at ${printPosition(position)}, which no owner can have reached`;
  return new TandemError('INVALID_FRAME', what);
}
