/**
 * An owner's tenure of a space in the store: the claim, and how far the store has come.
 *
 * Whatever went wrong, the answer is the same: ask for the head, and bring the store from there to the ledger.
 *
 * Invariant: the store has held `committed`, and everything up to it was durable there then.
 */
import type { Standing } from './announcer.ts';
import { Announcer } from './announcer.ts';
import { readSince } from '../follower/catch-up.ts';
import { claimSpace } from './claim.ts';
import type { Runtime } from '../ports/runtime.ts';
import { OwnedElsewhereError, TandemError } from '../base/errors.ts';
import type { Change, Header } from '../state/frame.ts';
import type { Ledger } from '../state/ledger.ts';
import { describeCommit, setAtOf } from './measures.ts';
import type { Committed as Told } from '../ports/observer.ts';
import type { Position } from '../state/position.ts';
import { compare, continues, isSame, ZERO } from '../state/position.ts';
import type { Capacity, Committed, Head, Measures, Replacement } from '../ports/store.ts';
import type { Inheritance } from './standby.ts';
import { randomId } from '../base/time.ts';

/**
 * Commits under way at once. Each stands on the one before and the store takes them in their order, so where one fails the
 * others do no harm. More than one, so that a change need not wait for an answer; few, so that when the store is slow,
 * changes gather here and the latest of each goes out.
 */
const MAX_UNDER_WAY = 4;
/**
 * What renews the lease, and counts what the store holds, goes with a cut that comes so long after the last such one, ms: with
 * each update it would cost the store as much as the update. While nothing changes, with the one that comes an eighth of the lease
 * after it: every other heartbeat, as a rule.
 */
const FULL_EVERY_MS = 100;
const NONE: readonly string[] = [];
/** Tombstones that one commit makes the store forget, at most. */
const MAX_DROPPED = 1_000;

export interface TenureOptions {
  readonly space: string;
  readonly start: 'resume' | 'reset';
  readonly leaseMs: number;
  /** At least so often a commit is published, ms. */
  readonly heartbeatMs: number;
  /** Whether followers are told of small changes before they are committed. */
  readonly announce: boolean;
  /** What a standby holds; it counts where the store has lost it. */
  readonly inheritance: () => Inheritance | undefined;
}

export class Tenure {
  readonly #runtime: Runtime;
  readonly #ledger: Ledger;
  readonly #options: TenureOptions;
  readonly #announcer: Announcer;
  readonly #id: string;
  #claimed = false;
  /** The store holds what is not of this owner: nobody may carry on from the line before. */
  #isSuspect = false;
  /** The epoch of the last claim that was granted: its lease is to be given up. */
  #granted = 0;
  /** The store has lost keys: only the whole state will do. */
  #hasLostKeys = false;
  /** The store's head, as last known. */
  #head: Position = ZERO;
  /** Where the store will be once it has taken all that is under way; the next cut stands on it. */
  #sent: Position = ZERO;
  /** Commits of which no word has come yet. A replacement, being several calls, stands alone and counts for all. */
  #underWay = 0;
  /** Dropped tombstones that those will make the store forget. */
  #forgetting = 0;
  #committed: Position = ZERO;
  /** The highest revision that was sent under this epoch; the outcome may be unknown. */
  #attempted = 0;
  #lastCutAt = -Infinity;
  /** The store was not asked with the last heartbeat. */
  #hasAnnouncedHeartbeat = false;
  /** When the last was made that is published with its commit, local ms. */
  #publishedAt = -Infinity;
  /** When the last cut was made that was not light, local ms, and which horizon it told. */
  #fullAt = -Infinity;
  #fullHorizon = 0;
  /** When the last commit that renewed the lease was cut, local ms: it runs from then at least. */
  #renewedAt = -Infinity;
  /** What the store held when it was found to be another's. */
  #takenOverAt: Head | undefined;

  constructor(runtime: Runtime, ledger: Ledger, options: TenureOptions) {
    this.#runtime = runtime;
    this.#ledger = ledger;
    this.#options = options;
    this.#announcer = new Announcer(runtime, ledger, options);
    // A space would end the id in the lease.
    this.#id = `${runtime.name.replaceAll(' ', '_')}/${randomId(runtime.time)}`;
  }

  /** Up to here the store has what was set. */
  get committed(): Position {
    return this.#committed;
  }

  /** Whether the store has yet to take something: what was set, or after a new claim all there is. */
  get isDirty(): boolean {
    const { epoch, revision } = this.#ledger.head;
    return this.#hasLostKeys || this.#committed.epoch !== epoch || this.#committed.revision < revision;
  }

  /** Whether something was set that is not on its way. */
  get isBehind(): boolean {
    return this.#ledger.head.revision > this.#sent.revision;
  }

  /** Whether something was set that followers are yet to be told. */
  get isUntold(): boolean {
    return this.#ledger.head.revision > this.#announcer.toldUpTo(this.#sent.revision);
  }

  /** The next cut counts what the store holds. */
  countNext(): void {
    this.#fullAt = -Infinity;
  }

  /** When the last cut was made, local ms. */
  get lastCutAt(): number {
    return this.#lastCutAt;
  }

  /** For how long the lease still runs, as far as is known here, ms. */
  get leaseMs(): number {
    return Math.max(0, this.#renewedAt + this.#options.leaseMs - this.#runtime.time.now());
  }

  /** What the store held when it was claimed was not whole. */
  get hasLostKeys(): boolean {
    return this.#hasLostKeys;
  }

  /**
   * To be asked when nothing is under way: whether the claim still stands and the store holds what this owner put there. After a lost reply the head
   * may be ahead of what is known: anything up to the last attempt is this owner's own.
   * @throws TandemError `FENCED`
   */
  async holds(): Promise<boolean> {
    this.#announcer.startOver();
    if (!this.#claimed) return false;
    const { head } = await this.#runtime.store.since(this.#options.space, this.#head, 0);
    const { epoch } = this.#ledger.line;
    this.#refuseTakenOver(head, epoch);
    const isOwn =
      head.epoch === epoch && head.revision >= this.#committed.revision && head.revision <= this.#attempted;
    // Who heard of this claim raises the fence to it, also of a Redis that has lost the claim itself.
    const isClaimed = head.fence === epoch && head.owner === this.#id;
    if (head.keysLost || !isClaimed || !(isOwn || isSame(head, this.#head))) {
      this.#claimed = false;
      return false;
    }
    this.#moveTo(head, head.epoch === epoch);
    this.countNext();
    this.#sent = this.#head;
    this.#ledger.sentUpTo(this.#sent.revision);
    return true;
  }

  /**
   * Claims the space under a new epoch. The first time takes over what the store holds, or starts over; later
   * the ledger goes on from where it is, and is what the store will be repaired from.
   * @throws OwnedElsewhereError where another renews the lease
   */
  async claim(signal: AbortSignal): Promise<void> {
    const { store, time, name } = this.#runtime;
    const { space, start, leaseMs } = this.#options;
    const known = Math.max(this.#ledger.line.epoch, this.#options.inheritance()?.position.epoch ?? 0);
    const claim = { owner: this.#id, ownerName: name, known, leaseMs };
    const startedAt = time.now();
    const head = await claimSpace(store, space, claim, time, signal).catch(async (error: unknown) => {
      if (error instanceof OwnedElsewhereError)
        this.#takenOverAt = (await store.since(space, this.#head, 0)).head;
      throw error;
    });
    const epoch = head.fence;
    this.#granted = epoch;
    signal.throwIfAborted();
    this.#hasLostKeys = head.keysLost || this.#isSuspect;
    if (this.#ledger.isLoaded)
      this.#ledger.continueIn({ epoch, base: this.#isSuspect ? ZERO : this.#ledger.head });
    else if (start === 'reset') this.#ledger.startOver({ epoch, base: ZERO }, head.revision);
    else await this.#load(epoch, head, signal);
    this.#isSuspect = false;
    this.#attempted = 0;
    this.#announcer.startOver();
    this.countNext();
    this.#claimed = true;
    this.#moveTo(head, false);
    this.#runtime.observers.tell('claimed', { space, epoch, tookMs: time.now() - startedAt });
  }

  /** Tells followers what they were not told yet, before it is committed. False where it cannot be: then the commit tells them. */
  announce(): boolean {
    // Where commits gather, or the whole state is being put in place, the keys would be far behind.
    const isClose = this.#underWay < MAX_UNDER_WAY && this.#sent.epoch === this.#ledger.line.epoch;
    if (!isClose || this.#hasLostKeys) return false;
    return this.#announcer.announce(this.#standing());
  }

  /**
   * Tells followers that nothing waits, and asks the store nothing. False where that cannot be, or the store is due to be asked whether
   * it still holds what it held: every other time, however long the lease.
   */
  announceHeartbeat(): boolean {
    const isQuiet = this.#underWay === 0 && !this.isDirty && isSame(this.#sent, this.#ledger.head);
    const isDue = this.#hasAnnouncedHeartbeat || !this.#isFullRecent(this.#sent, Infinity);
    if (isDue || !isQuiet || this.#ledger.droppedCount > 0) return false;
    this.#hasAnnouncedHeartbeat = this.#announcer.announceHeartbeat(this.#standing());
    if (this.#hasAnnouncedHeartbeat) this.#lastCutAt = this.#runtime.time.now();
    return this.#hasAnnouncedHeartbeat;
  }

  #standing(): Standing {
    return { sent: this.#sent.revision, leaseMs: this.leaseMs, cutAt: this.#cutAt() };
  }

  /**
   * One cut of what the store lacks, on top of what is on its way: of all of it, or where that is too much, up to a cutPoint;
   * where that cannot be, the whole state instead. `undefined` while too much is under way: what gathers goes out with a
   * later one.
   */
  commit(): Promise<Committed> | undefined {
    if (this.#underWay >= MAX_UNDER_WAY) return undefined;
    const { capacity } = this.#runtime.store;
    const { line, head } = this.#ledger;
    const prev = this.#sent;
    const canPatch = !this.#hasLostKeys && continues(prev, line);
    const changes = canPatch ? this.#ledger.changesSince(prev.revision, capacity.mostChanges + 1) : undefined;
    if (changes === undefined) return this.#underWay === 0 ? this.#replaceAll() : undefined;
    const fitting = countFitting(changes, capacity);
    if (fitting === changes.length) return this.#patch(prev, changes, head.revision, undefined);
    const cutPoint = fitting > 0 ? this.#ledger.cutPointUpTo(changes[fitting - 1]!.revision) : undefined;
    if (cutPoint !== undefined) {
      const before = changes.filter(({ revision }) => revision <= cutPoint.revision);
      return this.#patch(prev, before, cutPoint.revision, cutPoint.at);
    }
    if (countFitting(changes, { ...capacity, changes: capacity.mostChanges }) === changes.length)
      return this.#patch(prev, changes, head.revision, undefined);
    return this.#underWay === 0 ? this.#replaceAll() : undefined;
  }

  /** @param at when all that it takes there was set, and nothing else; `undefined` is now */
  #patch(prev: Position, changes: readonly Change[], to: number, at: number | undefined): Promise<Committed> {
    const count = Math.min(MAX_DROPPED, this.#ledger.droppedCount - this.#forgetting);
    const dropped = count === 0 ? NONE : this.#ledger.dropped(count, this.#forgetting);
    const isLight = count === 0 && this.#isFullRecent(prev, changes.length > 0 ? FULL_EVERY_MS : Infinity);
    const cut = this.#cut(to, isLight, at);
    const isTold = changes.length > 0 && to <= this.#announcer.told;
    // Nobody says whether an announcement may be published at all; of what a commit publishes it is known.
    const isAnnounced = isTold && this.#lastCutAt - this.#publishedAt < this.#options.heartbeatMs;
    if (!isAnnounced) this.#publishedAt = this.#lastCutAt;
    return this.#send(cut, prev.revision, changes, count, isLight, (measures) =>
      this.#runtime.store.commit(this.#options.space, {
        ...cut,
        prev,
        changes,
        dropped,
        isLight,
        measures,
        isAnnounced,
      }),
    );
  }

  #replaceAll(): Promise<Committed> {
    const cut = this.#cut(this.#ledger.head.revision, false);
    return this.#send(cut, this.#sent.revision, undefined, this.#ledger.droppedCount, false, () =>
      this.#runtime.store.replaceAll(this.#options.space, { ...cut, changes: this.#ledger.everything() }),
    );
  }

  /** Whether a cut that was not light was made a moment ago, of this line as it is. */
  #isFullRecent(prev: Position, withinMs: number): boolean {
    const { line, horizon } = this.#ledger;
    if (prev.epoch !== line.epoch || horizon !== this.#fullHorizon) return false;
    return this.#runtime.time.now() - this.#fullAt < Math.min(withinMs, this.#options.leaseMs / 8);
  }

  /** What goes with the changes. */
  #cut(revision: number, isLight: boolean, at?: number): Omit<Replacement, 'changes'> {
    const { line, horizon } = this.#ledger;
    const now = this.#runtime.time.now();
    this.#attempted = Math.max(this.#attempted, revision);
    this.#lastCutAt = now;
    this.#hasAnnouncedHeartbeat = false;
    if (!isLight) {
      this.#fullAt = now;
      this.#fullHorizon = horizon;
    }
    // With a light one the lease goes on from the last that was not.
    const leaseMs = Math.floor(this.#options.leaseMs - (now - this.#fullAt));
    const { epoch, base } = line;
    const cutAt = this.#cutAt(at ?? now);
    return { epoch, base, owner: this.#id, leaseMs, revision, horizon, cutAt };
  }

  /**
   * Sends a cut on its way, and draws the conclusions from what comes of it.
   * @param changes what it takes there; `undefined` for the whole state
   */
  #send(
    { epoch, revision }: Position,
    from: number,
    changes: readonly Change[] | undefined,
    droppedCount: number,
    isLight: boolean,
    commit: (measures: Measures) => Promise<Committed>,
  ): Promise<Committed> {
    const weight = changes === undefined ? MAX_UNDER_WAY : 1;
    this.#underWay += weight;
    this.#forgetting += droppedCount;
    this.#sent = { epoch, revision };
    this.#ledger.sentUpTo(revision);
    const cutHere = this.#lastCutAt;
    const settled = (): void => {
      this.#underWay -= weight;
      this.#forgetting -= droppedCount;
    };
    let sent: Promise<Committed>;
    try {
      sent = this.#measured(from, revision, changes, commit);
    } catch (error) {
      // What throws at once has failed as what rejects: it counts as under way by now.
      sent = Promise.reject(error);
    }
    return sent.then(
      (reply) => {
        settled();
        if (reply.outcome === 'committed') {
          if (!isLight) {
            this.#renewedAt = cutHere;
            this.#hasLostKeys = false;
          }
          if (droppedCount > 0 || changes === undefined)
            this.#ledger.forgetDropped(droppedCount, changes === undefined);
          this.#moveTo({ epoch, revision }, true);
          if (reply.head && this.#hasStrays(revision, reply.head)) {
            this.suspect();
            return { outcome: 'keys_lost', head: reply.head };
          }
        }
        if (reply.outcome === 'fenced') this.#takenOverAt = reply.head;
        return reply;
      },
      (error: unknown) => {
        settled();
        throw error;
      },
    );
  }

  /** Once a lost value is said again, one that was added in its place is one too many. Told where nothing was set since. */
  #hasStrays(revision: number, head: Head): boolean {
    return this.#ledger.head.revision === revision && head.size !== this.#ledger.size;
  }

  /**
   * The store holds what was never set here, though it counts right: who read it there has read that, too. The next claim carries on
   * from nothing, so that all read the state anew.
   */
  suspect(): void {
    this.#claimed = false;
    this.#isSuspect = true;
  }

  /** Gives up the lease, where there is one, and says goodbye to whom it was heard by. */
  async release(): Promise<void> {
    const epoch = this.#granted;
    if (epoch === 0) return;
    await this.#runtime.store.release(this.#options.space, this.#id, epoch, this.#farewell(epoch));
  }

  /** Nobody has heard of an epoch in which nothing was committed. */
  #farewell(epoch: number): Header | undefined {
    const { line } = this.#ledger;
    const { revision } = this.#committed;
    if (this.#committed.epoch !== epoch || line.epoch !== epoch) return undefined;
    // With something left uncommitted it proves nothing of now.
    const cutAt = this.#ledger.head.revision > revision ? 0 : this.#cutAt();
    return { epoch, base: line.base, prev: revision, revision, cutAt, leaseMs: 0, bye: true };
  }

  /** What the store is not known to have; after another has taken over, what its line did not take over. */
  uncommitted(): Change[] {
    const { epoch } = this.#ledger.line;
    const taken = this.#takenOverAt;
    let { revision } = this.#committed;
    if (taken && taken.epoch !== epoch) revision = taken.base.epoch === epoch ? taken.base.revision : 0;
    else if (taken) revision = Math.min(revision, taken.revision);
    return this.#ledger.changesSince(revision) ?? this.#ledger.everything();
  }

  /** Makes a commit, and tells whoever measures. `changes` is `undefined` for the whole state. */
  #measured(
    from: number,
    to: number,
    changes: readonly Change[] | undefined,
    commit: (measures: Measures) => Promise<Committed>,
  ): Promise<Committed> {
    const { observers, tracer, time } = this.#runtime;
    const { told } = this.#announcer;
    const setAt = setAtOf(this.#ledger.setAtSince(Math.max(from, told)), this.#runtime);
    const origins = this.#ledger.originsSince(from);
    if (observers.isEmpty && origins.length === 0) return commit(setAt);
    const place = { from, told, to };
    const what = describeCommit(this.#runtime, this.#options.space, this.#ledger, place, changes);
    const span = changes?.length === 0 ? undefined : tracer.commit(what, origins);
    const sentAt = time.now();
    const ended = (outcome: Told['outcome']): void => {
      const committed = { ...what, outcome, storeMs: time.now() - sentAt };
      span?.end(committed);
      observers.tell('committed', committed);
    };
    return commit({ ...setAt, ...(span && { trace: span.trace }) }).then(
      (reply) => {
        ended(reply.outcome);
        return reply;
      },
      (error: unknown) => {
        ended('unknown');
        throw error;
      },
    );
  }

  /** A local time on the server's clock, in whole microseconds: may claim less than is true, never more. */
  #cutAt(at = this.#runtime.time.now()): number {
    return Math.max(0, Math.floor(this.#runtime.clock.earliest(at) * 1000) / 1000);
  }

  /**
   * A fence that rose without another owner, or was lost, only asks for a new claim.
   * @throws TandemError `FENCED`
   */
  #refuseTakenOver(head: Head, epoch: number): void {
    const { ownerName, fence } = head;
    if (fence <= epoch || head.owner === this.#id) return;
    this.#takenOverAt = head;
    throw fencedError(this.#options.space, ownerName, fence);
  }

  /** Never back: the reply of a call that was given up may still come in. */
  #moveTo(head: Position, isOwn: boolean): void {
    if (!isOwn) this.#head = this.#sent = head;
    else if (compare(head, this.#committed) >= 0) this.#committed = this.#head = head;
    if (compare(this.#sent, this.#head) < 0) this.#sent = this.#head;
    this.#ledger.sentUpTo(this.#sent.revision);
  }

  /** Reads the state that the last owner left. Nobody else can write meanwhile. */
  async #load(epoch: number, { revision, epoch: last, horizon }: Head, signal: AbortSignal): Promise<void> {
    const { store, time } = this.#runtime;
    const { space, leaseMs } = this.#options;
    let renewedAt = time.now();
    const onPage = async (): Promise<void> => {
      signal.throwIfAborted();
      if (time.now() - renewedAt < leaseMs / 4) return;
      renewedAt = time.now();
      await store.renew(space, this.#id, epoch, leaseMs);
    };
    const { head, changes } = await readSince(store, space, ZERO, { onPage });
    this.#refuseTakenOver(head, epoch);
    if (head.fence !== epoch) throw lostClaim(space);
    this.#hasLostKeys = head.keysLost;
    const inherited = this.#options.inheritance();
    if (inherited && !head.keysLost && inherited.position.epoch === last) {
      // The last owner announced what it did not live to commit.
      const { position } = inherited;
      const more = inherited.changesSince({ epoch: last, revision });
      if (more && position.revision > revision) {
        const base = position;
        return this.#ledger.resume({ epoch, base }, base.revision, horizon, [...changes, ...more]);
      }
    }
    if (inherited && (head.keysLost || compare({ epoch: last, revision }, inherited.position) < 0)) {
      // Deletes are not inherited: who is not exactly there takes a full sync.
      const { position } = inherited;
      const { revision: at } = position;
      return this.#ledger.resume({ epoch, base: position }, at, at, inherited.changes());
    }
    // What was lost, followers may still have: then nobody may carry on from the last line. A head that was
    // lost may lie before its own keys.
    const base = head.keysLost ? ZERO : { epoch: last, revision };
    this.#ledger.resume({ epoch, base }, Math.max(revision, changes.at(-1)?.revision ?? 0), horizon, changes);
  }
}

export function fencedError(space: string, owner: string, epoch: number): TandemError {
  return new TandemError('FENCED', `space "${space}" was taken over by "${owner}" with epoch ${epoch}`);
}

function lostClaim(space: string): TandemError {
  const what = `Redis has lost the claim of space "${space}" while its state was read`;
  return new TandemError('HEAD_MOVED', what, { retryable: true });
}

/** How many of the changes, from the first on, one call may take. */
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
