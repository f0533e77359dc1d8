/**
 * Admission: may this frame be applied here, whichever path it came by?
 *
 * The only place that compares epochs. Four numbers, no I/O, no clock:
 *
 *   seen     highest epoch met in a frame or a page             never falls
 *   fence    highest epoch known to be claimed                  never falls
 *   stored   position that Redis is known to have committed     never falls
 *   at       position of the replica                            never falls
 *
 *   epoch beyond what an owner can reach        implausible   refused, on any path
 *   epoch < max(seen, fence)                    fenced        a superseded owner
 *   base does not continue `at`                 gap           another line: read the keys
 *   at.revision < prev                          gap           frames are missing
 *   same epoch, revision <= at.revision         known         proves freshness, changes nothing
 *   revision < at.revision                      gap           a new epoch that would take this copy back
 *   else                                        next          apply it whole
 *
 * `seen` and `fence` are two numbers, since between a claim and its first commit Redis holds a head of the epoch
 * before, which is current. So a page is held against `seen` and `stored`, and a frame against the fence as well.
 */
import { TandemError } from '../base/errors.ts';
import type { Header } from '../state/header.ts';
import type { Position } from '../state/position.ts';
import { compare, continues, ZERO } from '../state/position.ts';

/** What is to be done with a frame. */
export type Verdict = 'next' | 'known' | 'gap' | 'fenced' | 'implausible';

/** An epoch is a time of the server's in ms, or one more than another. A day is more than clocks differ by. */
const MAX_AHEAD_MS = 86_400_000;
/** More claims in a row than a follower could miss. */
const MAX_CLAIMS = 1_000_000;

/** What was known before the keys were asked: their head has to be at or above it. */
export interface Floor {
  readonly seen: number;
  readonly stored: Position;
}

/** Whatever has a place in the order. */
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

  /** The highest epoch met here, claimed or in a frame: the owner has to be at or above it. */
  get fence(): number {
    return Math.max(this.#highestSeen, this.#fence);
  }

  /** What Redis is known to have committed. */
  get stored(): Position {
    return this.#stored;
  }

  /**
   * A frame of a far epoch would make this follower deaf to everything that is true.
   * @param latestMs the server's time is not after this; `Infinity` where it is not known
   */
  isPlausible(epoch: number, latestMs: number): boolean {
    return epoch <= this.#replica.position.epoch + MAX_CLAIMS || epoch <= latestMs + MAX_AHEAD_MS;
  }

  /** Judges a frame, and remembers its epoch. */
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

  /** Judges a frame that is the whole state: it may be of any line, but not behind this copy. */
  judgeWhole({ epoch, revision }: Position, latestMs: number): Exclude<Verdict, 'known'> {
    const refused = this.#refuse(epoch, latestMs);
    if (refused) return refused;
    const at = this.#replica.position;
    // planted: whole-behind
    return epoch === at.epoch && revision < at.revision ? 'gap' : 'next';
  }

  /** What Redis cannot be behind, as of now. */
  get floor(): Floor {
    return { seen: this.#highestSeen, stored: this.#stored };
  }

  /** A claim is known, by a message or a page: nothing of an epoch below it is applied any more, however late it comes. */
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
 * Whether the head of a page is below the floor: Redis has lost data. A head that is merely behind this copy is not below
 * it: an announcement, or a frame of the direct path, may be ahead of its commit.
 */
export function isRolledBack(head: Position, { seen, stored }: Floor): boolean {
  return head.epoch < seen || compare(head, stored) < 0;
}

export function implausibleError({ epoch }: Position): TandemError {
  return new TandemError('INVALID_FRAME', `a frame of epoch ${epoch}, far in the future`, {
    retryable: true,
  });
}
