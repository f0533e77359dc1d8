/**
 * Cadence: decides what goes out next, from the time, the progress, the lease and the ledger. It has no I/O.
 *
 *   a turn has ended    an announcement, where it is short, nobody waits for a commit, and enough of the
 *   lease
 *                       is left; else a commit
 *   a commit is due     what the store lacks, or as much as one call may take up to a cut point; where the
 *                       first turn alone is more, that turn; where no cut is possible, the whole state
 *   a heartbeat is due  an announced heartbeat, at most every other time; else a commit, also without changes
 *
 * While four commits, a turn or the whole state are under way, nothing goes out, and changes gather. The next
 * large turn waits until the store has settled the last one, and so do the drops of tombstones.
 *
 * Intervals: a change is announced at the end of its turn, and committed 10 ms later (`CommitScheduler`). A
 * commit is full once 100 ms (with changes) or leaseMs / 8 (in any case) have passed since the last full one.
 * Announced changes are published with their commit once heartbeatMs have passed since the last published
 * one.
 */
import type { Capacity } from '../ports/store.ts';
import type { Change } from '../state/change.ts';
import { sizeOf } from '../state/change.ts';
import type { CutPoint } from '../state/cut-points.ts';
import type { Extent } from '../state/ledger-cut.ts';
import { MAX_TURN_BYTES } from '../state/part.ts';
import type { Position } from '../state/position.ts';
import { continues, isSame } from '../state/position.ts';
import type { Books } from './books.ts';

/** Under load, a commit is full once this much time has passed since the last full one, ms. */
const FULL_EVERY_MS = 100;
/** In any case, a commit is full once this share of the lease has passed since the last full one. */
const FULL_SHARE = 1 / 8;
/** The greatest number of tombstones that one commit makes the store drop. */
const MAX_DROPPED = 1_000;
/**
 * An announced change travels twice, so announcing a long one costs more than it gains. UTF-16 code units,
 * and a number of changes.
 */
const MAX_ANNOUNCED_LENGTH = 16_384;
const MAX_ANNOUNCED_CHANGES = 16;
/**
 * The share of the lease that must be left for an announcement: an owner with less may be superseded soon.
 */
const MIN_LEASE_SHARE = 1 / 4;

const NO_KEYS: readonly string[] = [];

/** The occasion for a decision. */
export type Occasion = 'turn' | 'commit' | 'heartbeat';

/** The circumstances of a decision. */
export interface Moment {
  /** On `Time`, ms. */
  readonly now: number;
  /** Whether the store can send an announcement. */
  readonly canAnnounce: boolean;
  /** Whether a caller waits, as in `flush()`: only a commit can end such a wait. */
  readonly isAwaited: boolean;
  readonly capacity: Capacity;
}

/** A commit that builds on everything that is on its way. */
export interface CommitPlan {
  readonly kind: 'commit';
  readonly prev: Position;
  readonly revision: number;
  readonly changes: readonly Change[];
  /** The time of the cut, on `Time`, ms: everything set earlier is in this commit or in one before it. */
  readonly cutAt: number;
  /**
   * The number of dropped tombstones, oldest first, that the store no longer has to hold after this commit.
   */
  readonly forgetting: number;
  /** The keys of these tombstones, without those that were set again. */
  readonly dropped: readonly string[];
  /** The last full commit is recent, so this one neither renews the lease nor verifies the key count. */
  readonly isLight: boolean;
  /** Announcements of all these changes went out, so the commit does not publish them. */
  readonly isAnnounced: boolean;
  /** The length of the lease from this cut on, ms. For a light commit: what the last full one left of it. */
  readonly leaseMs: number;
}

/** A turn, or several that cannot be parted, of more changes than one commit takes. */
export interface TurnPlan {
  readonly kind: 'turn';
  readonly prev: Position;
  readonly revision: number;
  readonly cutAt: number;
  readonly extent: Extent;
  /**
   * A heartbeat of `prev` may be announced ahead of it, for this time, on `Time`, ms: everything set earlier is
   * in `prev`. NaN where none may be, or the time is not known.
   */
  readonly provenAt: number;
  readonly forgetting: 0;
  readonly leaseMs: number;
}

/** The whole state, to be put in place of what the store holds. */
export interface ReplacementPlan {
  readonly kind: 'replacement';
  readonly revision: number;
  readonly cutAt: number;
  readonly forgetting: number;
  readonly leaseMs: number;
}

/** The changes after the revision `from`, to be published ahead of their commit. */
export interface AnnouncementPlan {
  readonly kind: 'announcement';
  readonly from: number;
  readonly changes: readonly Change[];
}

export type Outgoing =
  | { readonly kind: 'nothing' }
  /** An announcement without changes: it proves that nothing waits. The store need not answer. */
  | { readonly kind: 'heartbeat' }
  | AnnouncementPlan
  | CommitPlan
  | TurnPlan
  | ReplacementPlan;

const NOTHING: Outgoing = { kind: 'nothing' };
const HEARTBEAT: Outgoing = { kind: 'heartbeat' };

export interface CadenceOptions {
  /** A commit is published, whatever was announced, once this long after the last published one, ms. */
  readonly heartbeatMs: number;
  /** Whether changes and heartbeats may be announced. */
  readonly announce: boolean;
}

export class Cadence {
  readonly #books: Books;
  readonly #options: CadenceOptions;
  /** The time of the last cut or announced heartbeat, on `Time`, ms. */
  #lastCutAt = -Infinity;
  /** The time of the last commit that was published, on `Time`, ms. */
  #publishedAt = -Infinity;
  /** The time of the last full cut, on `Time`, ms, and its horizon. */
  #fullAt = -Infinity;
  #fullHorizon = 0;
  /** Whether a heartbeat was announced after the last commit. */
  #hasAnnouncedHeartbeat = false;

  constructor(books: Books, options: CadenceOptions) {
    this.#books = books;
    this.#options = options;
  }

  get lastCutAt(): number {
    return this.#lastCutAt;
  }

  /**
   * Whether a change waits: one that no commit has taken so far. While a commit is due already, only a change
   * that was not announced counts.
   */
  isDue(isCommitDue: boolean): boolean {
    const { ledger, progress } = this.#books;
    return ledger.head.revision > (isCommitDue ? progress.toldUpTo : progress.sent.revision);
  }

  /** Makes the next commit full, so that it verifies the key count. */
  verifyNext(): void {
    this.#fullAt = -Infinity;
  }

  /** Decides what goes out. It changes nothing: `note` records what was sent. */
  next(occasion: Occasion, moment: Moment): Outgoing {
    if (occasion === 'heartbeat' && this.#mayAnnounceHeartbeat(moment)) return HEARTBEAT;
    return (occasion === 'turn' && this.#announcement(moment)) || this.#commit(moment);
  }

  /** Records that this goes out now. */
  note(outgoing: Outgoing, now: number): void {
    if (outgoing.kind === 'nothing' || outgoing.kind === 'announcement') return;
    this.#lastCutAt = now;
    this.#hasAnnouncedHeartbeat = outgoing.kind === 'heartbeat';
    if (outgoing.kind === 'heartbeat') return;
    if (outgoing.kind === 'turn' || (outgoing.kind === 'commit' && !outgoing.isAnnounced))
      this.#publishedAt = now;
    if (outgoing.kind === 'commit' && outgoing.isLight) return;
    this.#fullAt = now;
    this.#fullHorizon = this.#books.ledger.horizon;
  }

  // ---- announcements ----

  #announcement(moment: Moment): Outgoing | undefined {
    const { ledger, progress } = this.#books;
    // While the store is this far behind, or in another epoch, announcements would run far ahead of it.
    const isClose = !progress.isFull && progress.sent.epoch === ledger.line.epoch;
    if (moment.isAwaited || !isClose || progress.isIncomplete) return undefined;
    const from = progress.toldUpTo;
    if (ledger.head.revision === from || !this.#mayAnnounce(moment)) return undefined;
    const changes = ledger.changesSince(from, MAX_ANNOUNCED_CHANGES + 1);
    if (changes === undefined || !isShort(changes)) return undefined;
    // A traced change is committed at once, so that its trace shows when the store had it.
    if (ledger.originsSince(from).length > 0) return undefined;
    return { kind: 'announcement', from, changes };
  }

  #mayAnnounceHeartbeat(moment: Moment): boolean {
    const { ledger, progress } = this.#books;
    const { head } = ledger;
    const isQuiet = progress.isQuiet && !progress.lacks(head) && isSame(progress.sent, head);
    // The store is asked at every other heartbeat, and once leaseMs / 8 have passed since a full commit.
    const isStoreDue =
      this.#hasAnnouncedHeartbeat || !this.#isFullRecent(progress.sent, Infinity, moment.now);
    return isQuiet && !isStoreDue && ledger.droppedCount === 0 && this.#mayAnnounce(moment);
  }

  #mayAnnounce({ now, canAnnounce }: Moment): boolean {
    const { lease } = this.#books;
    return this.#options.announce && canAnnounce && lease.leftMs(now) >= lease.ms * MIN_LEASE_SHARE;
  }

  // ---- commits ----

  /** All that the store lacks, or as much as one call may take up to a cut point. Else a turn, or all. */
  #commit(moment: Moment): Outgoing {
    const { now, capacity } = moment;
    const { ledger, progress } = this.#books;
    if (progress.isFull) return NOTHING;
    const { line, head } = ledger;
    const prev = progress.sent;
    const canCut = !progress.isIncomplete && continues(prev, line);
    const changes = canCut ? ledger.changesSince(prev.revision, capacity.changes + 1) : undefined;
    if (changes === undefined) return this.#replacement(now);
    const fitting = countFitting(changes, capacity);
    const isAll = fitting === changes.length;
    if (isAll && fitting <= capacity.usual) return this.#cut(changes, head.revision, now, now);
    const usual = Math.min(fitting, capacity.usual);
    const cutPoint = this.#cutPoint(changes, usual) ?? (isAll ? undefined : this.#cutPoint(changes, fitting));
    if (cutPoint !== undefined) {
      const before = changes.filter(({ revision }) => revision <= cutPoint.revision);
      // planted: cut-point
      return this.#cut(before, cutPoint.revision, cutPoint.at, now);
    }
    return isAll ? this.#cut(changes, head.revision, now, now) : this.#turn(moment);
  }

  /** The last cut point among so many of the changes. */
  #cutPoint(changes: readonly Change[], count: number): CutPoint | undefined {
    const last = changes[count - 1];
    return last && this.#books.ledger.cutPointUpTo(last.revision);
  }

  /** The changes up to the first cut point: they cannot be parted. */
  #turn(moment: Moment): Outgoing {
    const { now, capacity } = moment;
    const { ledger, progress, lease } = this.#books;
    const prev = progress.sent;
    const { revision, at } = ledger.firstCutPoint ?? { revision: ledger.head.revision, at: now };
    const most = { changes: capacity.mostChanges, bytes: MAX_TURN_BYTES };
    const extent = ledger.extentOf(prev.revision, revision, most);
    if (extent === undefined) return this.#replacement(now);
    if (progress.unsettled > 0) return NOTHING;
    const isThere = prev.epoch === ledger.line.epoch && progress.toldUpTo === prev.revision;
    const provenAt = isThere && this.#mayAnnounce(moment) ? ledger.unsentSince : NaN;
    const leaseMs = Math.floor(lease.ms);
    return { kind: 'turn', prev, revision, cutAt: at, extent, provenAt, forgetting: 0, leaseMs };
  }

  #cut(changes: readonly Change[], revision: number, cutAt: number, now: number): CommitPlan {
    const { ledger, progress, lease } = this.#books;
    const prev = progress.sent;
    const isSettled = progress.unsettled === 0;
    // A value that is still to be settled must find the tombstone of a later delete.
    const forgetting = isSettled ? Math.min(MAX_DROPPED, ledger.droppedCount - progress.forgetting) : 0;
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
      // Announcements get no reply, so an ACL that forbids PUBLISH would go unnoticed. Commits publish now
      // and then.
      isAnnounced: isTold && now - this.#publishedAt < this.#options.heartbeatMs,
      leaseMs: isLight ? Math.floor(lease.ms - (now - this.#fullAt)) : Math.floor(lease.ms),
    };
  }

  /** The whole state, once nothing else is on its way. */
  #replacement(now: number): Outgoing {
    const { ledger, progress, lease } = this.#books;
    if (!progress.isQuiet) return NOTHING;
    const { revision } = ledger.head;
    const forgetting = ledger.droppedCount;
    return { kind: 'replacement', revision, cutAt: now, forgetting, leaseMs: Math.floor(lease.ms) };
  }

  /**
   * Whether the last full cut is recent, and of the same epoch and horizon: a light commit changes neither.
   */
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

/** The number of changes, from the first on, that one call takes. The first one goes, however long it is. */
function countFitting(changes: readonly Change[], capacity: Capacity): number {
  const { changes: most, length: longest, bytes: largest = Infinity } = capacity;
  let length = 0;
  let bytes = 0;
  let count = 0;
  for (const change of changes) {
    length += change.key.length + change.json.length;
    // Few servers have a limit, and counting bytes takes longer.
    if (largest < Infinity) bytes += sizeOf(change);
    if (count >= most || ((length > longest || bytes > largest) && count > 0)) break;
    count += 1;
  }
  return count;
}
