/**
 * The synchronizer: keeps the copy in step with Redis. It is live, or syncing with a backlog.
 *
 * A catch-up goes in this order: subscribe, keeping arriving frames in the backlog; read from the keys what
 * changed since the copy's position; apply that; apply the backlog; be live.
 *
 * Published frames are the fast path, and the keys are the truth. So where a frame does not follow, or has
 * a value that cannot be read, the keys are read again.
 */
import type { Context } from '../actor/participant.ts';
import { wrongTypeError } from '../actor/wrong-types.ts';
import { asTandemError, TandemError } from '../base/errors.ts';
import { keysError } from '../actor/keys-error.ts';
import { pause } from '../base/time.ts';
import type { Head } from '../ports/store.ts';
import type { Change } from '../state/change.ts';
import type { Frame } from '../state/frame.ts';
import { decodeMessage } from '../state/message.ts';
import type { Position } from '../state/position.ts';
import { compare, continues, isSame, printPosition, ZERO } from '../state/position.ts';
import { implausibleError, isRolledBack } from './admission.ts';
import type { Applier, Outcome } from './applier.ts';
import type { Arrival } from './arrival.ts';
import { Backlog } from './backlog.ts';
import type { Batch } from './catch-up.ts';
import { readSince } from './catch-up.ts';
import type { SyncEvent } from './events.ts';
import type { Parts } from './parts.ts';
import type { Watchdog } from './watchdog.ts';

/**
 * The greatest number of reads in one sync that bring no progress: the state may be replaced again and
 * again.
 */
const MAX_TRIES = 10;
/**
 * After so many reads in a row of a head behind the copy, the copy is at a position that no owner ever had.
 * The reads take 15 ms, and by then a living owner has committed every announcement.
 */
const TRIES_BEHIND = 5;
/** An announcement is committed within a few ms. A sync that lacks frames reads again after 1, 2, 3… ms. */
const RETRY_MS = 1;
/** The shortest time from one reading of the whole state, after a mismatch, to the next, ms. */
const REREAD_MS = 500;
/** A whole state that takes long to read is read for this share of the time at most. */
const REREAD_SHARE = 1 / 10;
/** A frame that was announced before the subscription may be missing for this long after a catch-up, ms. */
const OWED_MS = 100;

type Phase = { readonly is: 'live' } | { readonly is: 'syncing'; readonly backlog: Backlog };
const LIVE: Phase = { is: 'live' };

/** The parts that a synchronizer works with. */
export interface SynchronizerParts extends Parts {
  readonly applier: Applier<any>;
  readonly watchdog: Watchdog;
}

export class Synchronizer {
  readonly #context: Context;
  readonly #parts: SynchronizerParts;
  readonly #isDirectUp: () => boolean;
  readonly #deliver = (message: string): void =>
    this.#context.runtime.slices.stretches.during(() => this.#arrived(message));
  #phase: Phase = { is: 'syncing', backlog: new Backlog() };
  #isStopped = false;
  /** Aborts the last sync that ran beside the connection machine. */
  #resyncing: AbortController | undefined;
  /** Memory was found to differ from Redis: the next sync reads the whole state. */
  #isSuspect = false;
  /** The time at which the last catch-up was applied, on `Time`, ms. */
  #caughtUpAt = 0;
  /** Server's time of the last cut that was published or read, ms. */
  #lastCutAt = 0;
  /** The last epoch whose frames have ended a degraded mode. */
  #wokenBy = 0;
  /** The whole state was read for the present mismatch already. */
  #hasReread = false;
  /** Before this time, on `Time`, ms, no mismatch has the whole state read again. */
  #rereadAt = -Infinity;
  /** The whole state was read after a mismatch, and a mismatch came again: what Redis holds is doubtful. */
  #isDoubted = false;
  /** A message of another version came, and none that can be read has come since. */
  #unknownVersion: TandemError | undefined;

  /** @param isDirectUp returns whether the direct path delivers frames */
  constructor(context: Context, parts: SynchronizerParts, isDirectUp: () => boolean) {
    this.#context = context;
    this.#parts = parts;
    this.#isDirectUp = isDirectUp;
  }

  get caughtUpAt(): number {
    return this.#caughtUpAt;
  }

  get lastCutAt(): number {
    return this.#lastCutAt;
  }

  get isSuspect(): boolean {
    return this.#isSuspect;
  }

  /** The error of a version of the wire that cannot be read, while nothing else comes. */
  get unknownVersion(): TandemError | undefined {
    return this.#unknownVersion;
  }

  /** Memory differs from Redis: the next sync reads the whole state. */
  distrust(): void {
    this.#isSuspect = true;
  }

  /** Subscribes, and syncs. Rejects when the keys cannot be read, or the sync makes no progress. */
  async catchUp(signal: AbortSignal): Promise<void> {
    this.pause();
    this.#beginBacklog();
    // planted: subscribe
    await this.#context.runtime.store.subscribe(this.#context.space, this.#deliver);
    await this.#sync(signal);
    // What the keys say now grows old without frames.
    if (this.#unknownVersion) throw this.#unknownVersion;
  }

  /** Whether frames are applied as they arrive. */
  get isLive(): boolean {
    return this.#phase.is === 'live';
  }

  /** Syncs beside the connection machine: the mode stays as it is, unless the sync fails. */
  resync(): void {
    this.pause();
    if (this.#isStopped) return;
    const resyncing = new AbortController();
    this.#resyncing = resyncing;
    this.#sync(resyncing.signal).catch(
      () => resyncing.signal.aborted || this.#context.connection.send(UNREADABLE),
    );
  }

  /** Calls off a sync that runs beside the connection machine. */
  pause(): void {
    this.#resyncing?.abort();
    this.#resyncing = undefined;
  }

  /** Ends the subscription for good. */
  stop(): void {
    this.#isStopped = true;
    this.pause();
    this.#context.runtime.store.unsubscribe(this.#context.space, this.#deliver).catch(() => {});
  }

  /**
   * Reads from the keys what changed since a position, without applying it.
   * @throws TandemError `ROLLED_BACK`, `KEYS_LOST` or `WRONG_TYPE` where Redis has lost data: its owner will
   *   mend that.
   *   And the errors of `readSince`
   */
  async read(from: Position): Promise<Batch> {
    const { space, runtime } = this.#context;
    const { admission, applier, owner } = this.#parts;
    const { floor } = admission;
    const ahead = (changes: readonly Change[]): void => applier.readAhead(changes);
    const isDoubted = this.#isDoubted;
    this.#isDoubted = false;
    const batch = await readSince(runtime.store, runtime.slices, space, from, {
      seen: 0,
      isDoubted,
      ahead,
    });
    const { head } = batch;
    owner.note(head);
    this.noteLease(head);
    const wrongType = wrongTypeError(space, head);
    if (wrongType !== undefined && head.keysLost) throw wrongType;
    this.#showFence(head);
    if (isRolledBack(head, floor)) {
      const known = floor.seen > floor.stored.epoch ? { epoch: floor.seen, revision: 0 } : floor.stored;
      const what = `Redis is at ${printPosition(head)}, before ${printPosition(known)}, which was seen here`;
      throw new TandemError('ROLLED_BACK', what, { retryable: true });
    }
    // planted: keys-lost
    if (head.keysLost) throw keysError(space, head.keysAdded === true);
    admission.storedUpTo(head);
    return batch;
  }

  /** Notes how the owner stands, by a head that was read from the keys. */
  noteLease(head: Head): void {
    const { time, clock } = this.#context.runtime;
    const { freshness, leaseWatch } = this.#parts;
    freshness.lease({ ...head, leaseMs: leaseWatch.look(head, time.now()) }, clock);
  }

  /** Reads the head alone. */
  async askHead(): Promise<Head> {
    const { space, runtime } = this.#context;
    const { head } = await runtime.store.since(space, this.#position, 0);
    this.#parts.owner.note(head);
    this.#showFence(head);
    return head;
  }

  /**
   * The fence shows what nobody may write under any more. The epoch of the head shows who has: a fence may
   * have been raised, and shows no claim. Where a higher epoch was heard of, Redis has lost the claim, or
   * nobody ever made it. Nothing below it is taken here, so the fence in Redis rises, and the owner claims
   * above it.
   */
  #showFence({ fence, epoch }: Head): void {
    const { space, runtime } = this.#context;
    const { admission, applier } = this.#parts;
    admission.claimed(fence, applier.latestMs);
    // Before the first commit of all, no fence was raised: a raise needs an owner that has seen more.
    admission.granted(epoch === 0 ? fence : epoch);
    const seen = admission.fence;
    if (fence < seen) runtime.store.since(space, this.#position, 0, { seen }).catch(() => {});
  }

  /** Reads the keys and applies them, then the backlog; and again, until the copy is live. */
  async #sync(signal: AbortSignal): Promise<void> {
    const { time } = this.#context.runtime;
    for (let tries = 0; ;) {
      if (tries > 0) await pause(time, tries * RETRY_MS, signal);
      // The pause ends at once when the sync is called off.
      signal.throwIfAborted();
      this.#beginBacklog();
      const askedAt = time.now();
      const batch = await this.read(this.#isSuspect ? ZERO : this.#position);
      signal.throwIfAborted();
      if (this.#isStopped) return;
      const from = this.#position;
      const synced = this.#applyAll(batch, askedAt, tries);
      if (synced === 'done') return;
      // A frame with values that cannot be read is dropped once the keys are past it.
      if (synced === 'gap' || isSame(from, this.#position)) tries += 1;
      if (tries < MAX_TRIES) continue;
      // A frame that will never follow must not be in the way of the next catch-up.
      this.#beginBacklog().clear();
      throw new TandemError('HEAD_MOVED', 'frames were missing after the catch-up', { retryable: true });
    }
  }

  /** Applies what was read, where it fits the copy, then the backlog. */
  #applyAll(batch: Batch, askedAt: number, tries: number): 'done' | 'gap' | 'unreadable' {
    const mayGoBack = this.#parts.admission.isMisplaced && tries >= TRIES_BEHIND;
    this.#isSuspect &&= !this.#replaces(batch, mayGoBack);
    // Meanwhile the direct path may have brought a frame that the line of the batch never had.
    const fits = batch.isFull || continues(this.#position, batch.head);
    if (fits) this.#applyBatch(batch, askedAt, mayGoBack);
    return fits && !this.#isSuspect ? this.#applyBacklog() : 'gap';
  }

  /**
   * Whether a copy that was found wrong is put right by this batch. A batch that is not the whole state was
   * asked for before. A whole state that is behind the copy cannot replace it: the commit of an announcement
   * is on its way.
   */
  #replaces({ isFull, head }: Batch, mayGoBack: boolean): boolean {
    const isBehind = compare(head, this.#position) < 0 && !mayGoBack;
    return isFull && !(isBehind && (this.#isOwnerAhead || this.#parts.admission.isMisplaced));
  }

  /** Whether this copy may be ahead of Redis by an announcement of a living owner. */
  get #isOwnerAhead(): boolean {
    return this.#parts.applier.proof.ownerAlive() && !this.#isDirectUp();
  }

  #applyBatch(batch: Batch, askedAt: number, mayGoBack: boolean): void {
    const { runtime, reporter, waiters } = this.#context;
    const { applier, meter, watchdog } = this.#parts;
    const { head, isFull, changes } = batch;
    const from = this.#position.revision;
    const changed = applier.applyBatch(batch, runtime.clock, mayGoBack);
    this.#lastCutAt = head.cutAt;
    this.#caughtUpAt = runtime.time.now();
    const tookMs = this.#caughtUpAt - askedAt;
    if (isFull) this.#rereadAt = this.#caughtUpAt + Math.max(REREAD_MS, tookMs / REREAD_SHARE);
    watchdog.heard(this.#caughtUpAt);
    meter.caughtUp({ from, askedAt, isFull, keys: changed ?? changes.length, position: this.#position });
    if (changed !== undefined)
      reporter.emit({ type: 'sync', head: printPosition(this.#position), changed } satisfies SyncEvent);
    waiters.check();
  }

  /** Applies the backlog in order. The first frame that does not go in stays, and the keys are read again. */
  #applyBacklog(): 'done' | 'gap' | 'unreadable' {
    const backlog = this.#beginBacklog();
    for (let { first } = backlog; first !== undefined; first = backlog.first) {
      const outcome = this.#applyFrame(first);
      if (outcome === 'gap' || outcome === 'unreadable') return outcome;
      backlog.shift();
      // The keys were read after this frame came, and show no claim of its epoch.
      if (outcome === 'unclaimed') this.#refuse(first.frame);
      if (outcome === 'mismatch' && this.#mayReread()) return 'gap';
    }
    this.#phase = LIVE;
    return 'done';
  }

  // ---- frames ----

  /** A message was published. */
  #arrived(message: string): void {
    if (this.#isStopped) return;
    const { time, clock } = this.#context.runtime;
    const receivedAt = time.now();
    const frame = this.#decode(message);
    if (frame === undefined) return;
    const arrival: Arrival = { frame, path: 'redis', clock, receivedAt };
    if (this.#phase.is === 'syncing') return this.#addToBacklog(arrival, message.length);
    const outcome = this.#applyFrame(arrival);
    if (outcome === 'mismatch') return void (this.#mayReread() && this.resync());
    if (outcome === 'implausible') return this.#refuse(frame);
    if (outcome !== 'gap' && outcome !== 'unreadable' && outcome !== 'unclaimed') return;
    // It may follow once the keys are read: they may be behind it by a commit.
    this.#addToBacklog(arrival, message.length);
    const isOwed = receivedAt - this.#caughtUpAt < OWED_MS;
    if (outcome === 'gap' && !isOwed) {
      const from = printPosition({ epoch: frame.epoch, revision: frame.prev });
      return this.#context.connection.gap(
        `a frame from ${from} does not follow ${printPosition(this.#position)}`,
      );
    }
    // A frame goes in whole or not at all, so the keys are read. The mode stays as it is.
    this.resync();
  }

  /** The frame of a message; `undefined` for any other message. A message that cannot be used is counted. */
  #decode(text: string): Frame | undefined {
    const { meter } = this.#parts;
    try {
      const message = decodeMessage(text);
      if (this.#unknownVersion) this.#versionIsKnown();
      if (message.is === 'frame') return message.frame;
      if (message.is === 'unknown') meter.rejected('kind');
      else this.#fenced(message.epoch);
    } catch (error) {
      const failure = asTandemError(error, 'INVALID_FRAME', 'a frame that cannot be used');
      const isVersion = failure.code === 'UNKNOWN_VERSION';
      meter.rejected(isVersion ? 'version' : 'frame');
      if (!isVersion || !this.#unknownVersion) this.#context.reporter.reportRarely(failure);
      if (isVersion) this.#unknownVersion ??= failure;
    }
    return undefined;
  }

  /**
   * A claim was heard of: nothing of a lower epoch is taken from now on. The keys are asked whether it was
   * made, before its owner's first frame comes.
   */
  #fenced(epoch: number): void {
    const { admission, applier } = this.#parts;
    if (!admission.claimed(epoch, applier.latestMs)) return this.#refuse({ epoch, revision: 0 });
    // Where Redis does not answer, the owner's first frame leads to the keys.
    this.askHead().catch(() => {});
  }

  /** Counts a frame that no owner can have sent, and reports it. */
  #refuse(position: Position): void {
    this.#parts.meter.rejected('epoch');
    this.#context.reporter.reportRarely(implausibleError(position));
  }

  /** The owner speaks a version again that can be read: a follower that was degraded by it catches up. */
  #versionIsKnown(): void {
    this.#unknownVersion = undefined;
    if (this.#context.connection.mode === 'degraded') this.#context.connection.send({ type: 'link.up' });
  }

  /**
   * The copy differs from its owner's state: the next sync reads all of it.
   * @returns whether a sync is due; false where the last whole state was read a moment ago
   */
  #mayReread(): boolean {
    if (this.#context.runtime.time.now() < this.#rereadAt) return false;
    this.#isDoubted = this.#hasReread;
    this.#isSuspect = this.#hasReread = true;
    return true;
  }

  #applyFrame(arrival: Arrival): Outcome {
    const { frame, receivedAt } = arrival;
    const { admission, applier, meter, watchdog } = this.#parts;
    const isLate = meter.isLate(frame);
    const outcome = applier.apply(arrival);
    if (isLate && outcome !== 'fenced') meter.late(arrival);
    if (outcome === 'applied' || outcome === 'known' || outcome === 'mismatch') {
      watchdog.heard(receivedAt);
      // A forged time in the future would hide that nothing comes.
      if (!frame.bye) this.#lastCutAt = Math.min(frame.cutAt, arrival.clock.latest(receivedAt));
      if (!frame.isAhead && outcome !== 'mismatch') admission.storedUpTo(frame);
    }
    if (!this.#parts.freshness.isMismatched) this.#hasReread = false;
    this.#context.waiters.check();
    return outcome;
  }

  /** The backlog. In the live phase, this begins a new one. */
  #beginBacklog(): Backlog {
    if (this.#phase.is === 'syncing') return this.#phase.backlog;
    const backlog = new Backlog();
    this.#phase = { is: 'syncing', backlog };
    return backlog;
  }

  #addToBacklog(arrival: Arrival, length: number): void {
    this.#beginBacklog().add(arrival, length);
    const { connection } = this.#context;
    const { epoch } = arrival.frame;
    // A new epoch while degraded: the owner has mended the data that made the catch-up fail.
    if (connection.mode !== 'degraded' || epoch === this.#wokenBy || epoch <= this.#position.epoch) return;
    this.#wokenBy = epoch;
    connection.send({ type: 'link.up' });
  }

  get #position(): Position {
    return this.#parts.replica.position;
  }
}

const UNREADABLE = { type: 'gap', reason: 'the keys could not be read' } as const;
