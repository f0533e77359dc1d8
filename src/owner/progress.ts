/**
 * Progress: how far the store has come, as its owner knows it. Pure.
 *
 *   committed   the store has held it, and everything up to it was durable there then
 *   head        the store's head, as last known
 *   sent        where the store will be once it has taken all that is on its way; the next cut stands on it
 *   attempted   the highest revision that was sent under this epoch; its outcome may be unknown
 *   announced   up to here followers were told ahead of the commit; 0 where commits tell them
 *
 * Invariant, within one epoch: committed <= head <= sent, and committed <= attempted. None goes back but by a claim, or
 * where the store is found to be elsewhere.
 */
import type { Position } from '../state/position.ts';
import { compare, isSame, ZERO } from '../state/position.ts';

/**
 * Commits on their way at once. Each stands on the one before, and the store takes them in order, so one that fails makes
 * those behind it fail. More than one, so that a change need not wait for an answer. Few, so that changes gather here
 * while the store is slow, and only the latest of each key goes out.
 */
const MAX_UNDER_WAY = 4;

/** A cut on its way to the store. */
export interface UnderWay {
  readonly to: Position;
  /** Several calls that stand alone: nothing else goes out meanwhile. */
  readonly isWhole: boolean;
  /** Dropped tombstones that it makes the store forget. */
  readonly forgetting: number;
}

/**
 * What the store holds of this owner's state. `incomplete`: keys were lost. `foreign`: it holds what was never set here,
 * though it counts right. Only the whole state, on a new line, mends either.
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

  /** Followers are yet to be told of what comes after this revision. */
  get toldUpTo(): number {
    return Math.max(this.#sent.revision, this.#announced);
  }

  get contents(): Contents {
    return this.#contents;
  }

  /** Only the whole state will do. */
  get isIncomplete(): boolean {
    return this.#contents === 'incomplete';
  }

  /** Whether nothing is on its way. */
  get isQuiet(): boolean {
    return this.#underWay === 0;
  }

  /** Whether no more is to be sent until an answer comes. */
  get isFull(): boolean {
    return this.#underWay >= MAX_UNDER_WAY;
  }

  /** Dropped tombstones that what is on its way makes the store forget. */
  get forgetting(): number {
    return this.#forgetting;
  }

  /** Whether the store has yet to take something of a state whose head is here. */
  lacks({ epoch, revision }: Position): boolean {
    return this.isIncomplete || this.#committed.epoch !== epoch || this.#committed.revision < revision;
  }

  /** Whether a head that the store shows is one that this owner has put there, under its epoch. */
  isOwn(head: Position, epoch: number): boolean {
    const { epoch: inEpoch, revision } = head;
    // After a lost reply the head may be ahead of what is known: any revision up to the last attempt is this owner's.
    const isAttempt =
      inEpoch === epoch && revision >= this.#committed.revision && revision <= this.#attempted;
    return isAttempt || isSame(head, this.#head);
  }

  announcedUpTo(revision: number): void {
    this.#announced = revision;
  }

  /** Announcements may not have arrived: commits tell followers all of it again. */
  forgetAnnouncements(): void {
    this.#announced = 0;
  }

  begin({ to, isWhole, forgetting }: UnderWay): void {
    this.#underWay += isWhole ? MAX_UNDER_WAY : 1;
    this.#forgetting += forgetting;
    this.#sent = to;
    // planted: attempted
    this.#attempted = Math.max(this.#attempted, to.revision);
  }

  end({ isWhole, forgetting }: UnderWay): void {
    this.#underWay -= isWhole ? MAX_UNDER_WAY : 1;
    this.#forgetting -= forgetting;
  }

  /** The store has held this. The reply of a call that was given up may still come in: it takes nothing back. */
  committedUpTo(position: Position): void {
    if (compare(position, this.#committed) >= 0) this.#committed = this.#head = position;
    if (compare(this.#sent, this.#head) < 0) this.#sent = this.#head;
  }

  /** The store was asked while nothing was on its way, and is here. */
  foundAt(head: Position, epoch: number): void {
    if (head.epoch === epoch) this.committedUpTo({ epoch, revision: head.revision });
    else this.#head = head;
    // planted: found
    this.#sent = this.#head;
  }

  /** The space was claimed: the store is where an owner before left it, and nothing was sent under the new epoch. */
  claimedAt(head: Position, contents: 'whole' | 'incomplete'): void {
    this.#head = this.#sent = head;
    this.#attempted = 0;
    this.#announced = 0;
    this.#contents = contents;
  }

  /** A full commit has counted the keys, or the whole state has replaced them. */
  verified(): void {
    // Counting does not find foreign keys: only a new claim, on a new line, does away with them.
    if (this.isIncomplete) this.#contents = 'whole';
  }

  /** The store was found to hold what was never set here. */
  distrust(): void {
    this.#contents = 'foreign';
  }
}
