/**
 * The commit scheduler decides when something goes out. The cadence decides what.
 *
 * All changes of a turn go out together, at its end; a millisecond later while a direct reader exists. The
 * commit of announced changes follows 10 ms after the first of them. After a while without commit or
 * heartbeat, a heartbeat goes out.
 */
import type { Context } from '../actor/context.ts';
import { asTandemError } from '../base/errors.ts';
import { inRoot } from '../base/root.ts';
import type { Cancel } from '../base/time.ts';
import type { Committed } from '../ports/store.ts';
import type { Cadence, Occasion } from './cadence.ts';
import type { Books } from './books.ts';
import type { Committer, SettleReply } from './committer.ts';
import type { Feed } from '../actor/feed.ts';
import { Heartbeat } from './heartbeat.ts';
import type { Leadership } from './leadership.ts';
import { fencedError } from './lease.ts';

/**
 * The delay of Redis while a direct reader exists, ms. Waking Redis at once would delay that reader by a
 * third of the time that the one hop saves (35 of 90 µs).
 */
const DIRECT_FIRST_MS = 1;

/**
 * The time from an announcement to its commit, ms. A commit at once would delay the announcement on its way
 * through Redis; and changes that are set meanwhile join this commit.
 */
const COMMIT_AFTER_MS = 10;

export interface SchedulerParts {
  readonly books: Books;
  readonly cadence: Cadence;
  readonly committer: Committer;
  readonly leadership: Leadership;
  readonly feed: Feed;
}

export class CommitScheduler {
  readonly #context: Context;
  readonly #parts: SchedulerParts;
  readonly #heartbeat: Heartbeat;
  #isTurnScheduled = false;
  #isSettling = false;
  /** Cancels the commit of announced changes. Defined while that commit is due. */
  #cancelCommit: Cancel | undefined;

  constructor(context: Context, parts: SchedulerParts, heartbeatMs: number) {
    this.#context = context;
    this.#parts = parts;
    this.#heartbeat = new Heartbeat(context.runtime.time, {
      space: context.space,
      everyMs: heartbeatMs,
      lastAt: () => parts.cadence.lastCutAt,
      send: () => this.#send('heartbeat'),
    });
  }

  /**
   * Starts the heartbeats. The head is of a new line where the space was claimed: readers in this process
   * hear of it.
   */
  start(): void {
    this.#heartbeat.start();
    this.changed();
    this.#settleTurn();
  }

  /** Stops the heartbeats. */
  stop(): void {
    this.#heartbeat.stop();
  }

  /**
   * Something was set: notifies the direct readers and the watchers of the head, and schedules the change.
   */
  changed(): void {
    this.#parts.feed.changed();
    const { heads } = this.#context;
    if (!heads.isEmpty) inRoot(heads.notify);
    this.schedule();
  }

  /** Schedules the end of this turn where changes wait. */
  schedule(): void {
    const isDue = this.#parts.cadence.isDue(this.#cancelCommit !== undefined);
    if (this.#isTurnScheduled || !isDue) return;
    this.#isTurnScheduled = true;
    const { time } = this.#context.runtime;
    const isDelayed = this.#parts.feed.isRead && this.#isOpen;
    time.endOfTurn(() => (isDelayed ? void time.after(DIRECT_FIRST_MS, this.#endTurn) : this.#endTurn()));
  }

  /**
   * A caller waits: commits the announced changes at the end of this turn, and not only when they are due.
   */
  hurry(): void {
    this.#context.runtime.time.endOfTurn(() => this.#cancelCommit && this.commit());
  }

  commit(): void {
    this.#send('commit');
  }

  /** Whether anything may go out now. A standby shows the mode of its follower, and has nothing to send. */
  get #isOpen(): boolean {
    const { isOver, isStandby } = this.#parts.leadership;
    return !isOver && !isStandby && this.#context.connection.mode === 'connected';
  }

  readonly #endTurn = (): void => {
    this.#isTurnScheduled = false;
    this.#parts.books.ledger.endTurn(this.#context.runtime.time.now());
    this.#send('turn');
  };

  #send(occasion: Occasion): void {
    const sent = this.#isOpen ? this.#parts.committer.send(occasion) : 'nothing';
    if (sent === 'announced') {
      if (occasion === 'turn') this.#commitLater();
      return;
    }
    // This takes the changes of the commit that was due. Where nothing may go out, a later `schedule` does.
    this.#cancelCommit?.();
    this.#cancelCommit = undefined;
    if (sent === 'nothing') return;
    this.#parts.committer.track(this.#conclude(sent));
    // One commit may not take everything that was set. The next follows it.
    this.schedule();
  }

  #commitLater(): void {
    this.#cancelCommit ??= this.#context.runtime.time.after(COMMIT_AFTER_MS, () => this.commit());
  }

  /** Settles a turn in force, call after call. Commits go on meanwhile. */
  #settleTurn(): void {
    const { books, committer } = this.#parts;
    if (this.#isSettling || books.progress.unsettled === 0 || !this.#isOpen) return;
    this.#isSettling = true;
    const settled = this.#conclude(committer.settleTurn().finally(() => (this.#isSettling = false)));
    committer.track(settled);
  }

  async #conclude(call: Promise<Committed | SettleReply>): Promise<void> {
    await call.then(
      (reply) => this.#replied(reply),
      (error: unknown) => this.#failed(error),
    );
    this.#context.waiters.check();
    this.schedule();
    this.#settleTurn();
  }

  #replied({ outcome, head }: Committed | SettleReply): void {
    const { space, connection } = this.#context;
    if (outcome === 'committed' || outcome === 'settled') return;
    if (outcome === 'fenced') this.#parts.leadership.lose(fencedError(space, head.ownerName, head.fence));
    else connection.gap(`Redis refused a commit: ${outcome}`);
  }

  /** A failed commit degrades the connection: the catch-up that follows mends the store. */
  #failed(error: unknown): void {
    const { runtime, reporter, connection } = this.#context;
    const failure = asTandemError(error, 'REDIS_UNAVAILABLE', 'the commit failed');
    if (runtime.store.commands.up) reporter.report(failure);
    // In another mode, the call belonged to an earlier connection, and the machine has moved on.
    if (connection.mode === 'connected') connection.send({ type: 'link.down', reason: failure.message });
  }
}
