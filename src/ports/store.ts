/**
 * The store: it holds each space, and has two links that come and go. To the actors, Redis is a store.
 *
 * One suite (`test/contract/_store-contract.ts`) checks the contract of every store:
 * - each call is atomic, and changes nothing when it is refused;
 * - a claimed epoch is higher than every epoch before, and fences every lower one;
 * - `commit`, `commitTurn` and `replaceAll` apply only under the newest epoch, and the first two only on top of
 *   the head that they name;
 * - messages published under a space reach its subscribers in order, or not at all;
 * - after a rejection with `REDIS_UNAVAILABLE`, the call may or may not have been carried out.
 */
import type { TandemError } from '../base/errors.ts';
import type { Change } from '../state/change.ts';
import type { Header } from '../state/header.ts';
import type { Line, Position } from '../state/position.ts';
import type { WholeState } from '../state/whole-state.ts';

/** A connection that comes and goes. */
export interface Link {
  readonly up: boolean;
  /** The reason why the link is not up. */
  readonly error: TandemError | undefined;
  /** A problem of a working link that a person should fix. Each new connection reports it anew. */
  readonly warning?: TandemError | undefined;
  /** What it is, for people. Default: a connection to Redis. */
  readonly name?: string | undefined;
  /**
   * Calls back after each change of `up`, and for each new error or warning. Returns a function that ends the
   * calls.
   */
  watch(changed: () => void): () => void;
}

/** A key of another type. All three are names: of the key, of the type that it has, and of its right type. */
export interface WrongType {
  readonly key: string;
  readonly found: string;
  readonly expected: string;
}

/** The head of a space: the state of a store's copy, without the keys. */
export interface Head extends Line {
  readonly revision: number;
  /** The newest epoch that was claimed; `epoch` follows with that owner's first commit. */
  readonly fence: number;
  /** The number of keys that hold a value. */
  readonly size: number;
  /** Deletes at or below this revision are forgotten. */
  readonly horizon: number;
  /** Server's time at which the last frame was cut, ms; 0 when there was none. */
  readonly cutAt: number;
  /**
   * The id of the last owner to claim the space. Once it has given up its lease: empty where it had committed
   * everything, else `-`.
   */
  readonly owner: string;
  /** That owner's `connect({ name })`. */
  readonly ownerName: string;
  /**
   * The rest of the lease by the server's clock, ms; 0 when the lease is free, and `Infinity` for one without
   * an expiry. Somebody may have set that clock, or written the lease by hand: see `LeaseWatch`.
   */
  readonly leaseMs: number;
  /** The length for which the holder asks at each renewal, ms; 0 when it is free, or that is not known. */
  readonly leaseAskedMs: number;
  /** Some keys were lost: evicted, deleted by hand, or of another type. */
  readonly keysLost: boolean;
  /**
   * With `keysLost`: the count is wrong only since somebody else has added keys. Nothing is lost, and the
   * whole state has to be put in place all the same. Default false.
   */
  readonly keysAdded?: boolean;
  /** The keys at which somebody else has put another type. They count as absent; a claim removes them. */
  readonly wrongTypes: readonly WrongType[];
  /**
   * When a follower last said that the keys are not the owner's state, server's time in ms. 0 where none did,
   * and in the reply to a commit.
   */
  readonly doubtedAt: number;
  /**
   * How many keys of a turn in force are still beside the live ones. They are part of the state, and a reader
   * gets them; only `size` does not count them.
   */
  readonly unsettled: number;
  /** When the space was removed, server's time in ms; 0 where it was not, or somebody has claimed it since. */
  readonly removedAt: number;
  /** Server's time, ms. */
  readonly now: number;
}

export interface Claim {
  /** The id of the owner actor. */
  readonly owner: string;
  readonly ownerName: string;
  /** The highest epoch that the claimant has seen. */
  readonly known: number;
  /** The length of the lease, ms. */
  readonly leaseMs: number;
  /**
   * The expiry of a lease that the claimant has watched to its end, server's time in ms: see `LeaseWatch`.
   * Another owner's lease with this expiry does not hold the claim off. Default: none.
   */
  readonly outwaited?: number | undefined;
  /**
   * The claimant has led under the epoch `known`. So a lease that names no holder is no rival's, unless
   * somebody has claimed since. Default false.
   */
  readonly hasLed?: boolean;
  /** The claim is granted also while another owner holds the lease: that one is fenced. Default false. */
  readonly takesOver?: boolean;
  /**
   * The last moment at which the claim may be granted, by the server's clock, ms. Default: the store's own
   * deadline for the call, after which nobody waits for the answer any more.
   */
  readonly notAfter?: number;
}

/** The measurements in the header of a frame. */
export type Measures = Pick<Header, 'setAt' | 'setErrorMs' | 'trace'>;

/** A cut of the owner's state, for a commit. */
export interface Cut extends Line {
  readonly owner: string;
  /** The length of the lease from this commit on, ms. */
  readonly leaseMs: number;
  /**
   * A full commit was made within the last 100 ms. So a light one skips the renewal of the lease and the
   * count of the keys, and base and horizon are unchanged. Default false.
   */
  readonly isLight?: boolean;
  /** The head on which this cut builds. */
  readonly prev: Position;
  readonly revision: number;
  readonly horizon: number;
  /** Server's time at which the cut was made, ms. */
  readonly cutAt: number;
  readonly changes: readonly Change[];
  /** The digest of the owner's state at `revision`; `undefined` where it is not known. */
  readonly digest?: number | undefined;
  /** How often the owner gives a sign of life: a heartbeat carries it, ms. */
  readonly heartbeatMs?: number | undefined;
  /** When the changes were set, on the server's clock, as `ChangeTimes` prints it. */
  readonly times?: string | undefined;
  /** The same of all revisions up to this one, to be put in place of what the store has. */
  readonly allTimes?: string | undefined;
  /** What is to be kept of what was committed before. Default: nothing. */
  readonly history?: HistoryBounds | undefined;
  /** The keys of tombstones for the store to drop. */
  readonly dropped: readonly string[];
  readonly measures?: Measures;
  /** All changes were announced, so the commit does not publish them again. Default false. */
  readonly isAnnounced?: boolean;
}

/** How much history a store keeps. */
export interface HistoryBounds {
  /** The number of changes, roughly. */
  readonly maxChanges: number;
  /** The age of a change, ms, roughly; 0 for any. */
  readonly maxAgeMs: number;
}

/** A question for the history of a space: newest change first. */
export interface HistoryRequest {
  /** Default: of all keys. */
  readonly key?: string | undefined;
  /** Where a page before has ended. Default: with the newest change. */
  readonly before?: string | undefined;
  /** Only what was committed at this time or earlier, server's time in ms. It counts on the first page alone. Default: all. */
  readonly newestMs?: number | undefined;
  /** Only what was committed since, server's time in ms. Default: all. */
  readonly oldestMs?: number | undefined;
  /** The greatest number of changes. */
  readonly limit: number;
}

/** A change that was committed. */
export interface HistoryChange extends Change, Position {
  /** The times of its commit, as `ChangeTimes` reads them; empty where they are not known. */
  readonly times: string;
}

export interface HistoryPage {
  readonly head: Head;
  /** The history is complete up to this revision; 0 where nobody has ever kept one. */
  readonly upTo: number;
  /** And since then, but for what was trimmed; server's time in ms. */
  readonly fromMs: number;
  /** When the oldest entry was committed, server's time in ms; `undefined` where there is none. */
  readonly oldestMs: number | undefined;
  /** Whether what is older than that was trimmed. */
  readonly isTrimmed: boolean;
  /** Newest first. Those of a large turn come as it is settled. There may be none although more follow. */
  readonly changes: readonly HistoryChange[];
  /** For the next page; `undefined` at the end. */
  readonly next: string | undefined;
}

/** What a cut says of the state at its revision, and of its owner. */
export type CutHead = Pick<
  Cut,
  | keyof Line
  | 'owner'
  | 'leaseMs'
  | 'revision'
  | 'horizon'
  | 'cutAt'
  | 'heartbeatMs'
  | 'times'
  | 'allTimes'
  | 'history'
>;

/** A cut that is larger than one commit: see `commitTurn`. */
export interface LargeCut extends CutHead, Pick<Cut, 'prev' | 'measures'> {
  /** In revision order. They are walked once, in portions, while the owner's state goes on changing. */
  readonly changes: Iterable<Change>;
  /** Returns the digest of the owner's state at `revision`. Asked once, after the last change. */
  readonly digest: () => number | undefined;
}

/** A whole state to put in place of the store's. */
export interface Replacement extends CutHead {
  /**
   * Walked a portion at a time, while the owner's state goes on changing. Its digest and its counts are known
   * at the end.
   */
  readonly whole: WholeState;
}

export interface SinceOptions {
  /** For a later page of a full sync: the horizon at which that sync began. Default 0. */
  readonly horizon?: number;
  /**
   * The highest epoch that the caller has seen. A lower fence is raised to it: later claims are above it.
   * Default 0.
   */
  readonly seen?: number;
  /** The caller has read the whole state, and its digest was not the owner's. Default false. */
  readonly isDoubted?: boolean;
  /**
   * Whether the last page is to have the times at which keys were set: where it has changes, or always. Default
   * false.
   */
  readonly withTimes?: boolean | 'always';
}

export interface Page {
  readonly head: Head;
  /** The page begins a full sync: the caller drops the state that it has. */
  readonly full: boolean;
  /** More pages follow. */
  readonly more: boolean;
  /** In revision order. */
  readonly changes: readonly Change[];
  /** When keys were set, as `ChangeTimes` reads it: with the last page, where it was asked for and has changes. */
  readonly times?: string | undefined;
}

export type Outcome<Good extends string, Bad extends string> =
  { readonly outcome: Good; readonly head: Head } | { readonly outcome: Bad; readonly head: Head };

/** The size of one commit. A larger cut goes as a turn, or as the whole state. */
export interface Capacity {
  /** The number of changes of one commit where a run of changes can be parted. */
  readonly usual: number;
  /** The greatest number of changes of one commit. */
  readonly changes: number;
  /** The length of keys and values together, UTF-16 code units. A single change may be longer. */
  readonly length: number;
  /** The greatest number of changes of a turn. A larger one replaces the whole state. */
  readonly mostChanges: number;
  /**
   * Where the store was found to take less: the length of keys and values together, bytes. Default: no limit.
   */
  readonly bytes?: number | undefined;
  /** Where known: the limit that keeps a change of `bytes` or more from ever being taken. */
  readonly never?: { readonly bytes: number; readonly why: string } | undefined;
}

/**
 * The outcome of a commit. A light commit that was carried out returns no head. A full one returns how long the
 * text is that the store has for the times of all keys.
 */
export type Committed =
  | { readonly outcome: 'committed'; readonly head?: Head; readonly timesLength?: number | undefined }
  | { readonly outcome: 'fenced' | 'head_moved' | 'keys_lost'; readonly head: Head };

/** Is given each message that is published under a space. */
export type Deliver = (message: string) => void;

/** The way of published messages. */
export interface Channels {
  /** Delivers the messages published under the space, until the link goes down or `unsubscribe` is called. */
  subscribe(space: string, deliver: Deliver): Promise<void>;
  unsubscribe(space: string, deliver: Deliver): Promise<void>;
}

export interface Store extends Channels {
  /** Where it is, for people, without any secret; `undefined` where that is not known. */
  readonly place?: string | undefined;
  /** The size up to which one commit holds up no other space. */
  readonly capacity: Capacity;
  /** The link for calls. */
  readonly commands: Link;
  /** The link for published messages. */
  readonly subscriber: Link;
  /**
   * Whether announcing is possible. It is not where announcements could overtake commits on their way to
   * subscribers.
   */
  readonly canAnnounce: boolean;
  /** An owner is there, and will announce: what that needs of the store is asked for. */
  prepareToAnnounce?(): void;

  /**
   * Claims the space. `claimed`: `head.fence` is the new epoch. The claim publishes it, so that subscribers
   * ignore late announcements of an earlier owner. `held`: another owner has the lease, and nothing was done.
   * `late`: the claim came after its `notAfter`, and nothing was done.
   */
  claim(space: string, claim: Claim): Promise<Outcome<'claimed', 'held' | 'late'>>;
  /**
   * Commits a cut. After every outcome but `committed`, nothing was done.
   * - `committed`: applied, published (unless it was announced), and the lease renewed (unless the cut is
   *   light)
   * - `fenced`: another owner has claimed
   * - `head_moved`: the head is not `prev`, or the claim is gone
   * - `keys_lost`: keys were lost
   */
  commit(space: string, cut: Cut): Promise<Committed>;
  /**
   * Publishes a frame ahead of its commit, and changes nothing. The caller holds the lease. No answer shows
   * that the frame has arrived. It has, once a later commit is carried out.
   */
  announce(space: string, header: Header, changes: readonly Change[]): void;
  /**
   * Commits a cut of any size, in one step that readers can see. It is staged beside the live keys, and
   * published in parts meanwhile; then it is in force. Outcomes as for `commit`.
   *
   * The keys of a turn in force are still beside the live ones: `head.unsettled` counts them. Commits may
   * follow at once, but the next turn, or the drop of a tombstone, only once all is settled.
   */
  commitTurn(
    space: string,
    cut: LargeCut,
  ): Promise<Outcome<'committed', 'fenced' | 'head_moved' | 'keys_lost'>>;
  /**
   * Moves some keys of a turn in force into the live keys; with none left, it does nothing. Readers see no
   * difference. It renews the lease.
   */
  settle(
    space: string,
    owner: string,
    epoch: number,
    leaseMs: number,
  ): Promise<Outcome<'settled', 'fenced' | 'head_moved' | 'keys_lost'>>;
  /** Replaces the whole state, however large, in one step that readers can see. It is walked to its end, or closed. */
  replaceAll(
    space: string,
    replacement: Replacement,
  ): Promise<Outcome<'committed', 'fenced' | 'head_moved' | 'keys_lost'>>;
  /**
   * Reads one page of the changes since `position`. While a turn is in force, a key may come twice, its latest
   * value last.
   * @param limit the greatest number of changes in the page
   */
  since(space: string, position: Position, limit: number, options?: SinceOptions): Promise<Page>;
  /** Reads a page of what was committed before: newest first, in the order of the commits. */
  history(space: string, request: HistoryRequest): Promise<HistoryPage>;
  /**
   * Renews the lease, and changes nothing else.
   * @param leaseMs the length of the lease from now on, ms
   */
  renew(space: string, owner: string, epoch: number, leaseMs: number): Promise<void>;
  /**
   * Gives up the lease, if `owner` has it under this epoch, and publishes the farewell, where there is one.
   */
  release(space: string, owner: string, epoch: number, farewell?: Header): Promise<void>;
  /**
   * Removes all keys of a space, and publishes that. For a day its head says when; until then, or the next
   * claim. `held`: an owner has the lease, and nothing was done. `absent`: there was no such space.
   * @param outwaited as for a claim
   */
  remove(space: string, outwaited?: number): Promise<Outcome<'removed', 'held' | 'absent'>>;
}
