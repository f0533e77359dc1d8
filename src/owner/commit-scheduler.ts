/**
 * When what was set goes out, and how: at the end of its turn, announced, and committed a moment later; or committed at once.
 *
 * A few commits may be under way at once; beyond that changes gather, and the next cut carries the latest of each. Where nothing goes
 * out for a while, a heartbeat does.
 */
import { Heartbeat } from './heartbeat.ts';
import type { Ledger } from '../state/ledger.ts';
import type { Committed } from '../ports/store.ts';
import type { Tenure } from './tenure.ts';
import type { Cancel, Time } from '../base/time.ts';

/**
 * Where someone reads from this process at all times, Redis hears of a change so much later, ms: woken at the same moment, it would
 * take a third of the time that the one hop saves.
 */
const DIRECT_FIRST_MS = 1;

/**
 * What was announced is committed so much later, ms: at once, it would hold up in Redis what it was announced for; and what is set
 * meanwhile goes with it.
 */
const COMMIT_AFTER_MS = 10;

export interface DispatchOptions {
  readonly space: string;
  readonly heartbeatMs: number;
  /** Whether anything may go out now. */
  readonly isOpen: () => boolean;
  /** Whether somebody waits for a commit, who would not be helped by an announcement. */
  readonly isAwaited: () => boolean;
  /** Whether somebody reads from this process at all times. */
  readonly isReadDirectly: () => boolean;
  /** A commit has come to its end: with a reply, or without one. */
  readonly replied: (reply: Committed) => void;
  readonly failed: (error: unknown) => void;
  /** Called behind either. */
  readonly concluded: () => void;
}

export class Dispatch {
  readonly #time: Time;
  readonly #ledger: Ledger;
  readonly #tenure: Tenure;
  readonly #options: DispatchOptions;
  /** When nothing else has gone out for so long. It proves that nothing is waiting. */
  readonly #heartbeat: Heartbeat;
  /** The commits under way. They never reject. */
  readonly #underWay = new Set<Promise<void>>();
  #isScheduled = false;
  /** A commit of what was announced is due. */
  #cancelCommit: Cancel | undefined;

  constructor(time: Time, ledger: Ledger, tenure: Tenure, options: DispatchOptions) {
    this.#time = time;
    this.#ledger = ledger;
    this.#tenure = tenure;
    this.#options = options;
    this.#heartbeat = new Heartbeat(time, {
      space: options.space,
      everyMs: options.heartbeatMs,
      lastAt: () => tenure.lastCutAt,
      send: () => this.#sendHeartbeat(),
    });
  }

  /** From now on there are heartbeats. */
  start(): void {
    this.#heartbeat.start();
  }

  stop(): void {
    this.#heartbeat.stop();
  }

  /** Something may have to go out: at the end of this turn, so that all of the turn's changes go out as one. */
  schedule(): void {
    const isDue = this.#cancelCommit ? this.#tenure.isUntold : this.#tenure.isBehind;
    if (this.#isScheduled || !isDue) return;
    this.#isScheduled = true;
    const { isOpen, isReadDirectly } = this.#options;
    const isLater = isReadDirectly() && isOpen();
    this.#time.endOfTurn(() =>
      isLater ? void this.#time.after(DIRECT_FIRST_MS, this.#endTurn) : this.#endTurn(),
    );
  }

  /** Whoever waits for a commit does not wait for others to go with it. */
  hurry(): void {
    this.#time.endOfTurn(() => this.#cancelCommit && this.commit());
  }

  commit(): void {
    this.#cancelCommit?.();
    this.#cancelCommit = undefined;
    if (!this.#options.isOpen()) return;
    const { replied, failed } = this.#options;
    const commit = this.#tenure.commit();
    if (commit === undefined) return;
    const underWay: Promise<void> = commit.then(
      (reply) => this.#conclude(underWay, () => replied(reply)),
      (error: unknown) => this.#conclude(underWay, () => failed(error)),
    );
    this.#underWay.add(underWay);
    // More than one commit takes: the next goes out behind it.
    if (this.#tenure.isBehind) this.schedule();
  }

  /** A commit that is made elsewhere is under way, too. */
  add(commit: Promise<unknown>): void {
    const settled = (): void => void this.#underWay.delete(underWay);
    const underWay: Promise<void> = commit.then(settled, settled);
    this.#underWay.add(underWay);
  }

  /** Resolves once all that is under way now has come to its end. */
  async settled(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  #conclude(commit: Promise<void>, conclude: () => void): void {
    conclude();
    this.#underWay.delete(commit);
    this.#options.concluded();
  }

  readonly #endTurn = (): void => {
    this.#isScheduled = false;
    this.#ledger.endTurn(this.#time.now());
    if (this.#announce()) this.#commitLater();
    else this.commit();
  };

  #announce(): boolean {
    const { isOpen, isAwaited } = this.#options;
    return isOpen() && !isAwaited() && this.#tenure.announce();
  }

  #commitLater(): void {
    this.#cancelCommit ??= this.#time.after(COMMIT_AFTER_MS, () => this.commit());
  }

  #sendHeartbeat(): void {
    if (this.#options.isOpen() && !this.#tenure.announceHeartbeat()) this.commit();
  }
}
