/**
 * Cadence: what goes out next, and how. Pure: from the time, the progress, the lease and the ledger.
 *
 *   a turn has ended     an announcement, where it is small and the lease is long enough; else a commit
 *   a commit is due      a commit of what the store lacks; where that cannot be cut, the whole state in its place
 *   nothing goes out     a heartbeat: announced every other time at most; else a commit of no change
 *
 *   while much is under way, changes gather, and nothing goes out
 *
 * The intervals: a change is announced at the end of its turn and committed 10 ms later (commit scheduler); commits are
 * full at most every 100 ms under load, and every leaseMs / 8 when idle; a commit is published every heartbeatMs at least.
 */
import type { Capacity } from '../ports/store.ts';
import type { Change } from '../state/change.ts';
import type { Ledger } from '../state/ledger.ts';
import type { Position } from '../state/position.ts';
import { continues, isSame } from '../state/position.ts';
import type { Lease } from './lease.ts';
import type { Progress } from './progress.ts';

/** Make a commit full (renew the lease, verify the key count) at most this often under load, ms. */
const FULL_EVERY_MS = 100;
/** When idle, a full commit goes out within this share of the lease. */
const FULL_SHARE = 1 / 8;
/** Tombstones that one commit makes the store forget, at most. */
const MAX_DROPPED = 1_000;
/** An announcement says a change twice: a longer one costs more than it gains. UTF-16 code units, and changes. */
const MAX_ANNOUNCED_LENGTH = 16_384;
const MAX_ANNOUNCED_CHANGES = 16;
/** The share of the lease that has to be left: a superseded owner is not to be heard. */
const MIN_LEASE_SHARE = 1 / 4;

const NO_KEYS: readonly string[] = [];

/** Why it is asked what goes out next. */
export type Occasion = 'turn' | 'commit' | 'heartbeat';

/** The moment at which it is asked. */
export interface Moment {
  /** Local ms. */
  readonly now: number;
  /** Whether the store can take an announcement. */
  readonly canAnnounce: boolean;
  /** Whether somebody waits for a commit, who is not helped by an announcement. */
  readonly isAwaited: boolean;
  readonly capacity: Capacity;
}

/** A commit on top of what is on its way. */
export interface CommitPlan {
  readonly kind: 'commit';
  readonly prev: Position;
  readonly revision: number;
  readonly changes: readonly Change[];
  /** When all of it had been set, and nothing later, local ms. */
  readonly cutAt: number;
  /** So many tombstones were dropped here; those that are still dropped, the store forgets. */
  readonly forgetting: number;
  readonly dropped: readonly string[];
  /** A full commit was made a moment ago. This one neither renews the lease nor verifies the key count. */
  readonly isLight: boolean;
  /** Followers were told of all of it: it is not published once more. */
  readonly isAnnounced: boolean;
  /** For how long the lease runs from this cut on, ms: with a light one, what the last full one left. */
  readonly leaseMs: number;
}

/** The whole state, in place of what the store holds. */
export interface ReplacementPlan {
  readonly kind: 'replacement';
  readonly revision: number;
  readonly cutAt: number;
  readonly forgetting: number;
  readonly leaseMs: number;
}

/** Changes that followers are told of ahead of their commit. */
export interface AnnouncementPlan {
  readonly kind: 'announcement';
  readonly from: number;
  readonly changes: readonly Change[];
}

export type Outgoing =
  | { readonly kind: 'nothing' }
  /** Followers are told that nothing waits; the store is asked nothing. */
  | { readonly kind: 'heartbeat' }
  | AnnouncementPlan
  | CommitPlan
  | ReplacementPlan;

const NOTHING: Outgoing = { kind: 'nothing' };
const HEARTBEAT: Outgoing = { kind: 'heartbeat' };

export interface CadenceOptions {
  /** A commit is published at least this often, ms. */
  readonly heartbeatMs: number;
  /** Whether anything is announced at all. */
  readonly announce: boolean;
}

/** What an owner knows of its space. */
export interface Books {
  readonly ledger: Ledger;
  readonly progress: Progress;
  readonly lease: Lease;
}

export class Cadence {
  readonly #books: Books;
  readonly #options: CadenceOptions;
  /** When the last cut was made, or the last heartbeat announced, local ms. */
  #lastCutAt = -Infinity;
  /** When the last cut was made that is published with its commit, local ms. */
  #publishedAt = -Infinity;
  /** When the last full cut was made, local ms, and which horizon it told. */
  #fullAt = -Infinity;
  #fullHorizon = 0;
  /** The store was not asked with the last heartbeat. */
  #hasAnnouncedHeartbeat = false;

  constructor(books: Books, options: CadenceOptions) {
    this.#books = books;
    this.#options = options;
  }

  get lastCutAt(): number {
    return this.#lastCutAt;
  }

  /** Whether something was set that a commit is yet to take; or, where one is due already, that followers are not told of. */
  isDue(isCommitDue: boolean): boolean {
    const { ledger, progress } = this.#books;
    return ledger.head.revision > (isCommitDue ? progress.toldUpTo : progress.sent.revision);
  }

  /** The next commit is full: it verifies how many keys the store holds. */
  verifyNext(): void {
    this.#fullAt = -Infinity;
  }

  next(occasion: Occasion, moment: Moment): Outgoing {
    if (occasion === 'heartbeat' && this.#mayAnnounceHeartbeat(moment)) return HEARTBEAT;
    return (occasion === 'turn' && this.#announcement(moment)) || this.#commit(moment);
  }

  /** It goes out now. */
  note(outgoing: Outgoing, now: number): void {
    if (outgoing.kind === 'nothing' || outgoing.kind === 'announcement') return;
    this.#lastCutAt = now;
    this.#hasAnnouncedHeartbeat = outgoing.kind === 'heartbeat';
    if (outgoing.kind === 'heartbeat') return;
    if (outgoing.kind === 'commit' && !outgoing.isAnnounced) this.#publishedAt = now;
    if (outgoing.kind === 'commit' && outgoing.isLight) return;
    this.#fullAt = now;
    this.#fullHorizon = this.#books.ledger.horizon;
  }

  // ---- announcements ----

  #announcement(moment: Moment): Outgoing | undefined {
    const { ledger, progress } = this.#books;
    // Where commits gather, or the whole state is being put in place, the keys would be far behind.
    const isClose = !progress.isFull && progress.sent.epoch === ledger.line.epoch;
    if (moment.isAwaited || !isClose || progress.isIncomplete) return undefined;
    const from = progress.toldUpTo;
    if (ledger.head.revision === from || !this.#mayAnnounce(moment)) return undefined;
    const changes = ledger.changesSince(from, MAX_ANNOUNCED_CHANGES + 1);
    if (changes === undefined || !isShort(changes)) return undefined;
    // A change that is traced is committed: its trace is to say when it was in the store.
    if (ledger.originsSince(from).length > 0) return undefined;
    return { kind: 'announcement', from, changes };
  }

  #mayAnnounceHeartbeat(moment: Moment): boolean {
    const { ledger, progress } = this.#books;
    const { head } = ledger;
    const isQuiet = progress.isQuiet && !progress.lacks(head) && isSame(progress.sent, head);
    // The store is asked every other time, and within an eighth of the lease, whether it still holds what it held.
    const isStoreDue =
      this.#hasAnnouncedHeartbeat || !this.#isFullRecent(progress.sent, Infinity, moment.now);
    return isQuiet && !isStoreDue && ledger.droppedCount === 0 && this.#mayAnnounce(moment);
  }

  #mayAnnounce({ now, canAnnounce }: Moment): boolean {
    const { lease } = this.#books;
    return this.#options.announce && canAnnounce && lease.leftMs(now) >= lease.ms * MIN_LEASE_SHARE;
  }

  // ---- commits ----

  /** All that the store lacks, or as much as one call takes up to a cut point; or the whole state. */
  #commit({ now, capacity }: Moment): Outgoing {
    const { ledger, progress } = this.#books;
    if (progress.isFull) return NOTHING;
    const { line, head } = ledger;
    const prev = progress.sent;
    const canCut = !progress.isIncomplete && continues(prev, line);
    const changes = canCut ? ledger.changesSince(prev.revision, capacity.mostChanges + 1) : undefined;
    if (changes === undefined) return this.#replacement(now);
    const fitting = countFitting(changes, capacity);
    if (fitting === changes.length) return this.#cut(changes, head.revision, now, now);
    const cutPoint = fitting > 0 ? ledger.cutPointUpTo(changes[fitting - 1]!.revision) : undefined;
    if (cutPoint !== undefined) {
      const before = changes.filter(({ revision }) => revision <= cutPoint.revision);
      // planted: cut-point
      return this.#cut(before, cutPoint.revision, cutPoint.at, now);
    }
    // What cannot be parted goes out in one call where the store can take it.
    const isTakeable =
      countFitting(changes, { ...capacity, changes: capacity.mostChanges }) === changes.length;
    return isTakeable ? this.#cut(changes, head.revision, now, now) : this.#replacement(now);
  }

  #cut(changes: readonly Change[], revision: number, cutAt: number, now: number): CommitPlan {
    const { ledger, progress, lease } = this.#books;
    const prev = progress.sent;
    const forgetting = Math.min(MAX_DROPPED, ledger.droppedCount - progress.forgetting);
    const withinMs = changes.length > 0 ? FULL_EVERY_MS : Infinity;
    const isLight = forgetting === 0 && this.#isFullRecent(prev, withinMs, now);
    // planted: told
    const isTold = changes.length > 0 && revision <= progress.announced;
    return {
      kind: 'commit',
      prev,
      revision,
      changes,
      cutAt,
      forgetting,
      dropped: forgetting === 0 ? NO_KEYS : ledger.dropped(forgetting, progress.forgetting),
      isLight,
      // Announcements get no reply, so an ACL that forbids PUBLISH would go unnoticed: commits publish now and then.
      isAnnounced: isTold && now - this.#publishedAt < this.#options.heartbeatMs,
      leaseMs: isLight ? Math.floor(lease.ms - (now - this.#fullAt)) : Math.floor(lease.ms),
    };
  }

  #replacement(now: number): Outgoing {
    const { ledger, progress, lease } = this.#books;
    if (!progress.isQuiet) return NOTHING;
    const { revision } = ledger.head;
    const forgetting = ledger.droppedCount;
    return { kind: 'replacement', revision, cutAt: now, forgetting, leaseMs: Math.floor(lease.ms) };
  }

  /** Whether a full cut was made a moment ago, of this line as it is. */
  #isFullRecent(prev: Position, withinMs: number, now: number): boolean {
    const { ledger, lease } = this.#books;
    if (prev.epoch !== ledger.line.epoch || ledger.horizon !== this.#fullHorizon) return false;
    return now - this.#fullAt < Math.min(withinMs, lease.ms * FULL_SHARE);
  }
}

function isShort(changes: readonly Change[]): boolean {
  if (changes.length > MAX_ANNOUNCED_CHANGES) return false;
  let length = 0;
  for (const { key, json } of changes) length += key.length + json.length;
  return length <= MAX_ANNOUNCED_LENGTH;
}

/** How many of the changes, from the first on, one call takes. One change goes, however long it is. */
function countFitting(changes: readonly Change[], { changes: most, length: longest }: Capacity): number {
  let length = 0;
  let count = 0;
  for (const { key, json } of changes) {
    length += key.length + json.length;
    if (count >= most || (length > longest && count > 0)) break;
    count += 1;
  }
  return count;
}
