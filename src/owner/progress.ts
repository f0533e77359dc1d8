/**
 * Progress: how far the store has come, as its owner knows it. No clock, no I/O.
 *
 *   committed   the store has held this position, and so everything up to it
 *   head        the store's head, as last known
 *   sent        the store's head once it has taken everything that is on its way; the next cut builds on it
 *   attempted   the highest revision that was sent under this epoch; its outcome may be unknown
 *   announced   announcements of the changes up to this revision went out; 0 where commits must publish them
 *
 * Invariant, within one epoch: committed <= head <= sent, and committed <= attempted. These four fall only
 * with a claim, or where the store is found elsewhere. `announced` is forgotten with each catch-up.
 */
import type { Line, Position } from '../state/position.ts';
import { compare, isSame, ZERO } from '../state/position.ts';

/**
 * The greatest number of commits on their way. Each builds on the one before, and the store takes them in
 * order, so where one fails, those behind it fail. More than one, so that a change need not wait for a
 * reply. Few, so that changes gather here while the store is slow, and only the latest of each key goes out.
 */
const MAX_UNDER_WAY = 4;

/** A cut on its way to the store. */
export interface UnderWay {
  readonly to: Position;
  /** A large turn, or the whole state, in several calls: nothing else goes out meanwhile. */
  readonly isWhole: boolean;
  /** The number of dropped tombstones that it makes the store forget. */
  readonly forgetting: number;
}

/**
 * The store's copy of this owner's state. `incomplete`: keys were lost, and the whole state mends that.
 * `foreign`: the copy has keys that were never set here, though their number is right. Only a new claim with
 * the base 0-0 and the whole state mend that, so that every follower reads all of it anew.
 */
export type Contents = 'whole' | 'incomplete' | 'foreign';

export class Progress {
  #committed = ZERO;
  #head = ZERO;
  #sent = ZERO;
  #attempted = 0;
  #announced = 0;
  #underWay = 0;
  #forgetting = 0;
  #contents: Contents = 'whole';
  #unsettled = 0;

  get committed(): Position {
    return this.#committed;
  }

  get head(): Position {
    return this.#head;
  }

  get sent(): Position {
    return this.#sent;
  }

  get announced(): number {
    return this.#announced;
  }

  /** The revision up to which commits and announcements bring followers the changes, once they arrive. */
  get toldUpTo(): number {
    return Math.max(this.#sent.revision, this.#announced);
  }

  get contents(): Contents {
    return this.#contents;
  }

  /** Whether keys were lost: then only the whole state will do. */
  get isIncomplete(): boolean {
    return this.#contents === 'incomplete';
  }

  /** How many keys of a turn in force the store still has beside the live ones, as last known. */
  get unsettled(): number {
    return this.#unsettled;
  }

  /** Whether nothing is on its way. */
  get isQuiet(): boolean {
    return this.#underWay === 0;
  }

  /** Whether nothing more may be sent until a reply comes. */
  get isFull(): boolean {
    return this.#underWay >= MAX_UNDER_WAY;
  }

  /** The number of dropped tombstones that the cuts on their way make the store forget. */
  get forgetting(): number {
    return this.#forgetting;
  }

  /** Whether the store is not known to hold all of a state with this head. */
  lacks({ epoch, revision }: Position): boolean {
    return this.isIncomplete || this.#committed.epoch !== epoch || this.#committed.revision < revision;
  }

  /**
   * The revision up to which the store is known to hold the changes of this line. That is its head, where the
   * head is of this epoch, of one in which this owner has committed, or of the one that its line goes on
   * from. What was read from the store is no change of this owner.
   */
  confirmed({ epoch, base }: Line): number {
    const head = this.#head;
    if (this.isIncomplete) return 0;
    if (head.epoch === epoch) return head.revision;
    const last = [this.#committed, base].find((position) => position.epoch === head.epoch);
    return Math.min(head.revision, last?.revision ?? 0);
  }

  /** Whether the store's head is one that this owner has put there under `epoch`, or the last one known. */
  isOwn(head: Position, epoch: number): boolean {
    const { epoch: inEpoch, revision } = head;
    // After a lost reply the head may be ahead of the one known: up to the last attempt it is this owner's.
    const isAttempt =
      inEpoch === epoch && revision >= this.#committed.revision && revision <= this.#attempted;
    return isAttempt || isSame(head, this.#head);
  }

  /** Announcements of the changes up to this revision went out. */
  announcedUpTo(revision: number): void {
    this.#announced = revision;
  }

  /** Announcements may not have arrived: commits publish their changes again. */
  forgetAnnouncements(): void {
    this.#announced = 0;
  }

  /** A cut is about to be sent. */
  begin({ to, isWhole, forgetting }: UnderWay): void {
    this.#underWay += isWhole ? MAX_UNDER_WAY : 1;
    this.#forgetting += forgetting;
    this.#sent = to;
    // planted: attempted
    this.#attempted = Math.max(this.#attempted, to.revision);
  }

  /** The cut was answered, or has failed. */
  end({ isWhole, forgetting }: UnderWay): void {
    this.#underWay -= isWhole ? MAX_UNDER_WAY : 1;
    this.#forgetting -= forgetting;
  }

  /** The store has committed this position. A late reply to a call that was given up moves nothing back. */
  committedUpTo(position: Position): void {
    if (compare(position, this.#committed) >= 0) this.#committed = this.#head = position;
    if (compare(this.#sent, this.#head) < 0) this.#sent = this.#head;
  }

  /** The store has so many keys of a turn in force beside the live ones. */
  foundUnsettled(unsettled: number): void {
    this.#unsettled = unsettled;
  }

  /** The store's head, read while nothing was on its way. */
  foundAt(head: Position, epoch: number): void {
    if (head.epoch === epoch) this.committedUpTo({ epoch, revision: head.revision });
    else this.#head = head;
    // planted: found
    this.#sent = this.#head;
  }

  /** The space was claimed: the store is at this head, and nothing was sent under the new epoch. */
  claimedAt(head: Position, contents: 'whole' | 'incomplete'): void {
    this.#head = this.#sent = head;
    this.#attempted = 0;
    this.#announced = 0;
    this.#contents = contents;
  }

  /** A full commit has counted the keys, or the whole state has replaced them. */
  verified(): void {
    // A count does not find foreign keys: only a new claim mends those.
    if (this.isIncomplete) this.#contents = 'whole';
  }

  /** The store was found to hold keys that were never set here. */
  distrust(): void {
    this.#contents = 'foreign';
  }
}
