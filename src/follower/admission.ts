/**
 * Admission: may this frame be applied here, whichever path it came by?
 *
 * The only place that holds epochs against the fence. Four numbers that never fall, no I/O, no clock:
 *
 *   seen     highest epoch met in a frame or a page
 *   fence    highest epoch known to be claimed
 *   stored   position that Redis is known to have committed
 *   at       position of the replica
 *
 *   epoch beyond any that an owner can have     implausible   refused, on any path
 *   epoch < max(seen, fence)                    fenced        a superseded owner
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
import type { Header } from '../state/header.ts';
import type { Position } from '../state/position.ts';
import { compare, continues, ZERO } from '../state/position.ts';

/** The judgement of a frame: see the head of this file. */
export type Verdict = 'next' | 'known' | 'gap' | 'fenced' | 'implausible';

/**
 * An epoch is the server's time in ms, or one more than the epoch before. Clocks differ by less than a day.
 */
const MAX_AHEAD_MS = 86_400_000;
/** A follower cannot miss this many claims in a row. */
const MAX_CLAIMS = 1_000_000;

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
  #stored = ZERO;

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
  isPlausible(epoch: number, latestMs: number): boolean {
    return epoch <= this.#replica.position.epoch + MAX_CLAIMS || epoch <= latestMs + MAX_AHEAD_MS;
  }

  /** Judges a frame. Remembers its epoch, unless the frame is refused. */
  judge(frame: Header, latestMs: number): Verdict {
    const refused = this.#refuse(frame.epoch, latestMs);
    if (refused) return refused;
    this.#seen = frame.epoch;
    const at = this.#replica.position;
    if (!continues(at, frame)) return 'gap';
    // planted: frames-missing
    if (at.revision < frame.prev) return 'gap';
    if (frame.epoch === at.epoch && frame.revision <= at.revision) return 'known';
    return frame.revision < at.revision ? 'gap' : 'next';
  }

  /** Judges a frame that is the whole state: of any line, but not behind this copy in its own epoch. */
  judgeWhole({ epoch, revision }: Position, latestMs: number): Exclude<Verdict, 'known'> {
    const refused = this.#refuse(epoch, latestMs);
    if (refused) return refused;
    const at = this.#replica.position;
    // planted: whole-behind
    return epoch === at.epoch && revision < at.revision ? 'gap' : 'next';
  }

  /** The floor for a page that is requested now. */
  get floor(): Floor {
    return { seen: this.#highestSeen, stored: this.#stored };
  }

  /** A message or a page shows that this epoch is claimed. Nothing of a lower one is applied from now on. */
  claimed(epoch: number, latestMs: number): void {
    if (this.isPlausible(epoch, latestMs)) this.#fence = Math.max(this.#fence, epoch);
  }

  /** Redis is known to hold this position. */
  storedUpTo({ epoch, revision }: Position): void {
    if (compare({ epoch, revision }, this.#stored) > 0) this.#stored = { epoch, revision };
  }

  #refuse(epoch: number, latestMs: number): 'implausible' | 'fenced' | undefined {
    if (!this.isPlausible(epoch, latestMs)) return 'implausible';
    // planted: fence
    return epoch < this.fence ? 'fenced' : undefined;
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

export function implausibleError({ epoch }: Position): TandemError {
  return new TandemError('INVALID_FRAME', `a frame of epoch ${epoch}, far in the future`, {
    retryable: true,
  });
}
