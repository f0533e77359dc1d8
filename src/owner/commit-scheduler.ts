/**
 * The commit scheduler: when something goes out. What goes out is for the cadence to decide.
 *
 * A change goes out at the end of its turn, so that all changes of the turn go out as one. After an announcement its
 * commit follows 10 ms later. Where nothing goes out for a while, a heartbeat does.
 */
import type { Context } from '../actor/participant.ts';
import { asTandemError } from '../base/errors.ts';
import type { Cancel } from '../base/time.ts';
import type { Committed } from '../ports/store.ts';
import type { Books, Cadence, Occasion } from './cadence.ts';
import type { Committer } from './committer.ts';
import type { Feed } from './feed.ts';
import { Heartbeat } from './heartbeat.ts';
import type { Leadership } from './leadership.ts';
import { fencedError } from './lease.ts';

/**
 * Delay Redis by this much when a direct reader exists, ms: waking Redis at once delays that reader by a third of the time
 * that the one hop saves (35 of 90 µs).
 */
const DIRECT_FIRST_MS = 1;

/**
 * An announcement's commit follows after this, ms. At once, it would hold up in Redis what it was announced for; and
 * changes that are set meanwhile go with it.
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
  /** While a commit of what was announced is due. */
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

  /** From now on there are heartbeats. */
  start(): void {
    this.#heartbeat.start();
    this.schedule();
  }

  stop(): void {
    this.#heartbeat.stop();
  }

  /** Something was set: readers in this process hear of it, and it goes out. */
  changed(): void {
    this.#parts.feed.changed();
    this.#context.heads.notify();
    this.schedule();
  }

  /** Something may have to go out at the end of this turn. */
  schedule(): void {
    const isDue = this.#parts.cadence.isDue(this.#cancelCommit !== undefined);
    if (this.#isTurnScheduled || !isDue) return;
    this.#isTurnScheduled = true;
    const { time } = this.#context.runtime;
    const isDelayed = this.#parts.feed.isRead && this.#isOpen;
    time.endOfTurn(() => (isDelayed ? void time.after(DIRECT_FIRST_MS, this.#endTurn) : this.#endTurn()));
  }

  /** A caller waits for a commit: it does not wait for other changes to go with it. */
  hurry(): void {
    this.#context.runtime.time.endOfTurn(() => this.#cancelCommit && this.commit());
  }

  commit(): void {
    this.#send('commit');
  }

  /** Whether anything may go out now. */
  get #isOpen(): boolean {
    return !this.#parts.leadership.isOver && this.#context.connection.mode === 'connected';
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
    // A commit that goes out now takes what the one that is due would have taken.
    this.#cancelCommit?.();
    this.#cancelCommit = undefined;
    if (sent === 'nothing') return;
    this.#parts.committer.track(this.#conclude(sent));
    // More may have been set than one commit takes: the next goes out behind it.
    this.schedule();
  }

  #commitLater(): void {
    this.#cancelCommit ??= this.#context.runtime.time.after(COMMIT_AFTER_MS, () => this.commit());
  }

  async #conclude(commit: Promise<Committed>): Promise<void> {
    await commit.then(
      (reply) => this.#replied(reply),
      (error: unknown) => this.#failed(error),
    );
    this.#context.waiters.check();
    this.schedule();
  }

  #replied({ outcome, head }: Committed): void {
    const { space, connection } = this.#context;
    if (outcome === 'committed') return;
    if (outcome === 'fenced') this.#parts.leadership.lose(fencedError(space, head.ownerName, head.fence));
    else connection.gap(`what Redis holds is ${outcome}`);
  }

  /** A commit that fails is for the connection machine to mend. */
  #failed(error: unknown): void {
    const { runtime, reporter, connection } = this.#context;
    const failure = asTandemError(error, 'REDIS_UNAVAILABLE', 'the commit failed');
    if (runtime.store.commands.up) reporter.report(failure);
    // Unless the machine has moved on, and this was a call of the connection before.
    if (connection.mode === 'connected') connection.send({ type: 'link.down', reason: failure.message });
  }
}
