/**
 * The committer: gets the next step from the cadence, sends it, and enters the outcome in the books.
 *
 * Invariant: a cut counts as on its way from before the store is called until its reply or failure has come.
 */
import type { Context } from '../actor/context.ts';
import { TandemError } from '../base/errors.ts';
import type { Capacity, Committed, CutHead, Head, HistoryBounds, Measures, Store } from '../ports/store.ts';
import type { Change } from '../state/change.ts';
import { sizeOf } from '../state/change.ts';
import type { Header } from '../state/header.ts';
import type { Position } from '../state/position.ts';
import { continues } from '../state/position.ts';
import type { WholeState } from '../state/whole-state.ts';
import type { Cadence, CommitPlan, Occasion, ReplacementPlan, TurnPlan } from './cadence.ts';
import type { Books } from './books.ts';
import type { CommitMeter } from './commit-meter.ts';
import { StoredTimes } from './stored-times.ts';

/** Something that goes to the store, and is answered. */
type Plan = CommitPlan | TurnPlan | ReplacementPlan;

export interface CommitterOptions {
  readonly heartbeatMs: number;
  /** What is to be kept of what was committed before. Default: nothing. */
  readonly history: HistoryBounds | undefined;
}

/** The times of keys in a cut. */
type Times = Pick<CutHead, 'times' | 'allTimes'>;
const NO_TIMES: Times = {};

/** The outcome of one call to settle a turn. */
export type SettleReply = Awaited<ReturnType<Store['settle']>>;

/** The result of `send`: nothing went out, an announcement did, or a commit is on its way. */
export type Sent = 'nothing' | 'announced' | Promise<Committed>;

export class Committer {
  readonly #context: Context;
  readonly #books: Books;
  readonly #cadence: Cadence;
  readonly #meter: CommitMeter;
  readonly #heartbeatMs: number;
  readonly #history: HistoryBounds | undefined;
  readonly #storedTimes = new StoredTimes();
  /** Everything that is on its way. None of these promises rejects. */
  readonly #underWay = new Set<Promise<void>>();
  /**
   * The changes up to this revision were held against the limit of so many bytes: all of them, or only those
   * that the store lacked.
   */
  #fitting = { bytes: 0, isWhole: false, upTo: 0 };
  /** Hashes that the digest lacks are being made. */
  #isDigesting = false;

  constructor(
    context: Context,
    books: Books,
    cadence: Cadence,
    meter: CommitMeter,
    options: CommitterOptions,
  ) {
    this.#context = context;
    this.#books = books;
    this.#cadence = cadence;
    this.#meter = meter;
    this.#heartbeatMs = options.heartbeatMs;
    this.#history = options.history;
  }

  /** Sends what the cadence decides on this occasion. */
  send(occasion: Occasion): Sent {
    return this.#context.runtime.slices.stretches.during(() => this.#send(occasion));
  }

  #send(occasion: Occasion): Sent {
    const { store, time } = this.#context.runtime;
    const now = time.now();
    this.#books.lease.runs(now, time.wokeAt);
    const isAwaited = !this.#context.waiters.isEmpty;
    const { canAnnounce } = store;
    const capacity = this.#capacityOf(store);
    this.#withholdTooLarge(capacity);
    const next = this.#cadence.next(occasion, { now, canAnnounce, isAwaited, capacity });
    this.#cadence.note(next, now);
    switch (next.kind) {
      case 'nothing':
        return 'nothing';
      case 'announcement':
        this.#announce(next.from, next.changes);
        return 'announced';
      case 'heartbeat':
        this.#announce(this.#books.ledger.head.revision, []);
        return 'announced';
      default:
        return this.#commit(next);
    }
  }

  /** With history, a large commit takes the store twice as long. */
  #capacityOf({ capacity }: Store): Capacity {
    if (this.#history === undefined) return capacity;
    const { usual, changes } = capacity;
    return { ...capacity, usual: Math.ceil(usual / 2), changes: Math.ceil(changes / 2) };
  }

  /** A value that the store can never take must not keep all others from it. */
  #withholdTooLarge({ never }: Capacity): void {
    if (never === undefined) return;
    const { ledger, progress } = this.#books;
    const isWhole = progress.isIncomplete || !continues(progress.sent, ledger.line);
    const isKnown = this.#fitting.bytes === never.bytes && (this.#fitting.isWhole || !isWhole);
    const from = isKnown ? this.#fitting.upTo : isWhole ? 0 : progress.sent.revision;
    for (const { key, value } of ledger.snapshot(from)) {
      // A code unit takes three bytes at most, and counting bytes takes longer.
      if (value === undefined || (key.length + value.json.length) * 3 < never.bytes) continue;
      const bytes = sizeOf({ key, json: value.json });
      if (bytes < never.bytes) continue;
      ledger.withhold(key, this.#context.runtime.clock);
      const what = `the value of "${key}", ${bytes} bytes, is larger than Redis takes (${never.why})`;
      const effect = 'followers keep its last value, as stale';
      this.#context.reporter.report(new TandemError('TOO_LARGE', `${what}: ${effect}`));
    }
    this.#fitting = { bytes: never.bytes, isWhole, upTo: ledger.head.revision };
  }

  /** Moves some keys of a turn in force to the live ones. Call it while there are any, and no such call is out. */
  settleTurn(): Promise<SettleReply> {
    const { space, runtime, wrongTypes } = this.#context;
    const { lease, progress } = this.#books;
    const sentAt = runtime.time.now();
    const settled = runtime.store.settle(space, lease.id, lease.epoch, Math.floor(lease.ms)).then((reply) => {
      wrongTypes.seen(reply.head);
      if (reply.outcome === 'fenced') lease.lost(reply.head);
      if (reply.outcome !== 'settled') return reply;
      this.#renewed(sentAt);
      progress.foundUnsettled(reply.head.unsettled);
      return reply;
    });
    this.track(settled);
    return settled;
  }

  /** Resolves once everything that is on its way now has ended. */
  async settled(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  /** Counts `work` as on its way until it has settled. */
  track(work: Promise<unknown>): void {
    const settled = (): void => void this.#underWay.delete(underWay);
    const underWay: Promise<void> = work.then(settled, settled);
    this.#underWay.add(underWay);
  }

  #commit(plan: Plan): Promise<Committed> {
    const committed = this.#start(plan);
    this.track(committed);
    return committed;
  }

  /**
   * Publishes changes ahead of their commit. Without changes it is a heartbeat: it proves that nothing
   * waits.
   */
  #announce(from: number, changes: readonly Change[]): void {
    const { space, runtime } = this.#context;
    const { ledger, progress, lease } = this.#books;
    const { line, head } = ledger;
    const { setAt, setErrorMs } = changes.length === 0 ? {} : this.#meter.setAtSince(from);
    const header: Header = {
      epoch: line.epoch,
      base: line.base,
      prev: from,
      revision: head.revision,
      cutAt: this.#cutAt(),
      leaseMs: Math.floor(lease.leftMs(runtime.time.now())),
      bye: false,
      isAhead: true,
      digest: this.#digestAt(head.revision),
      heartbeatMs: changes.length === 0 ? this.#heartbeatMs : undefined,
      setAt,
      setErrorMs,
      times: changes.length > 0 ? this.#timesOf(from, head.revision) : undefined,
    };
    if (changes.length > 0) {
      progress.announcedUpTo(head.revision);
      this.#meter.sent('redis', changes, head.revision - from);
    }
    runtime.store.announce(space, header, changes);
  }

  /** Gives up the lease, if one was granted, with a goodbye to followers where its epoch has a commit. */
  async release(): Promise<void> {
    const { id, epoch } = this.#books.lease;
    if (epoch === 0) return;
    const { space, runtime } = this.#context;
    // planted: release
    await runtime.store.release(space, id, epoch, this.#farewell(epoch));
  }

  #start(plan: Plan): Promise<Committed> {
    const { ledger, progress } = this.#books;
    const { epoch } = ledger.line;
    const underWay = {
      to: { epoch, revision: plan.revision },
      isWhole: plan.kind !== 'commit',
      forgetting: plan.forgetting,
    };
    const from = progress.sent.revision;
    progress.begin(underWay);
    ledger.sentUpTo(plan.revision);
    const cutAt = this.#context.runtime.time.now();
    const times = this.#timesFor(plan, epoch);
    return this.#ask(plan, from, times).then(
      (reply) => {
        progress.end(underWay);
        this.#timesCame(times, reply, epoch);
        return this.#conclude(plan, underWay.to, cutAt, reply);
      },
      (error: unknown) => {
        progress.end(underWay);
        if (times.allTimes !== undefined) this.#storedTimes.end(0, 0);
        throw error;
      },
    );
  }

  /** The times that go with a cut: those of its changes, or where the store lacks some, of all keys. */
  #timesFor(plan: Plan, epoch: number): Times {
    const isWhole = plan.kind === 'replacement';
    if (!isWhole && plan.prev.revision === plan.revision && !this.#storedTimes.isDue(epoch)) return NO_TIMES;
    const times = isWhole ? '' : this.#timesOf(plan.prev.revision, plan.revision);
    if (!isWhole && !this.#storedTimes.isDue(epoch)) return { times };
    this.#storedTimes.begin();
    // planted: stored-times
    return { times, allTimes: this.#timesOf(0, plan.revision) };
  }

  #timesOf(after: number, upTo: number): string {
    const { ledger } = this.#books;
    ledger.settleTimes(this.#context.runtime.clock);
    return ledger.times.print(after, upTo);
  }

  #timesCame({ allTimes }: Times, reply: Committed, epoch: number): void {
    const isCommitted = reply.outcome === 'committed';
    if (allTimes !== undefined) this.#storedTimes.end(isCommitted ? epoch : 0, allTimes.length);
    else if (isCommitted && reply.timesLength !== undefined) this.#storedTimes.found(reply.timesLength);
  }

  #ask(plan: Plan, from: number, times: Times): Promise<Committed> {
    const { announced } = this.#books.progress;
    const range = { from, to: plan.revision, announced };
    try {
      if (plan.kind === 'commit')
        return this.#meter.measured({ ...range, changes: plan.changes }, (measures) =>
          this.#commitTo(plan, measures, times),
        );
      if (plan.kind === 'turn')
        return this.#meter.measured({ ...range, changes: plan.extent }, (measures) =>
          this.#commitTurn(plan, measures, times),
        );
      const whole = this.#books.ledger.whole();
      return this.#meter
        .measured({ ...range, changes: whole }, () => this.#replaceBy(plan, whole, times))
        .finally(() => whole.close());
    } catch (error) {
      // A store that throws at once has failed, as one that rejects.
      return Promise.reject(error);
    }
  }

  #commitTo(plan: CommitPlan, measures: Measures, times: Times): Promise<Committed> {
    const { space, runtime } = this.#context;
    const { revision, prev, changes, dropped, isLight, isAnnounced } = plan;
    const digest = this.#digestAt(revision);
    const cut = {
      ...this.#cut(plan),
      ...times,
      digest,
      prev,
      changes,
      dropped,
      isLight,
      measures,
      isAnnounced,
    };
    return runtime.store.commit(space, cut);
  }

  /** Its changes are walked, and hashed, portion by portion, while others are set. */
  #commitTurn(plan: TurnPlan, measures: Measures, times: Times): Promise<Committed> {
    const { space, runtime } = this.#context;
    const { prev, revision } = plan;
    this.#proveBefore(plan);
    const changes = this.#books.ledger.cut(prev.revision, revision);
    const cut = { ...this.#cut(plan), ...times, prev, measures, changes };
    return runtime.store.commitTurn(space, { ...cut, digest: () => changes.digest });
  }

  /**
   * While a turn is staged, nothing is proven to followers. So a heartbeat goes ahead of it: what was set before
   * the turn began, they have.
   */
  #proveBefore({ prev: { revision }, provenAt }: TurnPlan): void {
    if (Number.isNaN(provenAt)) return;
    const { space, runtime } = this.#context;
    const { ledger, lease } = this.#books;
    const header: Header = {
      ...ledger.line,
      prev: revision,
      revision,
      cutAt: this.#cutAt(provenAt),
      leaseMs: Math.floor(lease.leftMs(runtime.time.now())),
      bye: false,
      isAhead: true,
      digest: this.#digestAt(revision),
      heartbeatMs: this.#heartbeatMs,
    };
    runtime.store.announce(space, header, []);
  }

  /** What is set while the store takes the state goes out after it. */
  #replaceBy(plan: ReplacementPlan, whole: WholeState, times: Times): Promise<Committed> {
    const { space, runtime } = this.#context;
    // The next cut's digest needs the hashes of everything that is sent with this one.
    this.#digestAt(plan.revision);
    return runtime.store.replaceAll(space, { ...this.#cut(plan), ...times, whole });
  }

  #cut({ revision, cutAt, leaseMs }: Plan): CutHead {
    const { ledger, lease } = this.#books;
    const { epoch, base } = ledger.line;
    const { horizon } = ledger;
    const heartbeatMs = this.#heartbeatMs;
    const at = this.#cutAt(cutAt);
    const history = this.#history;
    return { epoch, base, owner: lease.id, leaseMs, revision, horizon, cutAt: at, heartbeatMs, history };
  }

  /**
   * The digest at a revision up to which the state is cut; `undefined` while many changes wait for their
   * hashes, which are made in slices.
   */
  #digestAt(revision: number): number | undefined {
    const { ledger } = this.#books;
    const digest = ledger.digestAt(revision);
    if (!ledger.isDigestBehind || this.#isDigesting) return digest;
    this.#isDigesting = true;
    const digested = this.#context.runtime.slices.run(ledger.digest());
    void digested.then(() => (this.#isDigesting = false));
    return digest;
  }

  /**
   * Enters the reply to a cut in the books.
   * @param cutAt the time just before the store was called, on `Time`, ms: the lease runs from then on
   */
  #conclude(plan: Plan, to: Position, cutAt: number, reply: Committed): Committed {
    const { ledger, progress, lease } = this.#books;
    if (reply.head !== undefined) this.#context.wrongTypes.seen(reply.head);
    if (reply.outcome === 'fenced') lease.lost(reply.head);
    if (reply.outcome !== 'committed') return reply;
    const isWhole = plan.kind === 'replacement';
    if (plan.kind !== 'commit') progress.foundUnsettled(reply.head?.unsettled ?? 0);
    if (plan.kind !== 'commit' || !plan.isLight) {
      this.#renewed(cutAt);
      progress.verified();
    }
    if (isWhole || plan.forgetting > 0) ledger.forgetDropped(plan.forgetting, isWhole);
    progress.committedUpTo(to);
    ledger.sentUpTo(progress.sent.revision);
    return reply.head && this.#hasForeignKeys(to.revision, reply.head) ? this.#distrust(reply.head) : reply;
  }

  /** @param askedAt the time just before the store was called, on `Time`, ms */
  #renewed(askedAt: number): void {
    this.#books.lease.renewed(askedAt);
    // A claim that was in doubt is confirmed.
    this.#context.proofWatch.renewed(Infinity);
  }

  /**
   * Whether the store counts other keys than the ledger. After a lost key is rewritten, this shows a
   * foreign key that was added in its place. The counts compare only where nothing was set since the cut, and
   * the store counts no keys apart.
   */
  #hasForeignKeys(revision: number, head: Head): boolean {
    const { ledger, progress } = this.#books;
    return progress.unsettled === 0 && ledger.head.revision === revision && head.size !== ledger.size;
  }

  /** Only a new claim and the whole state mend foreign keys. The outcome makes the catch-up begin. */
  #distrust(head: Head): Committed {
    this.#books.progress.distrust();
    this.#books.lease.loosen();
    return { outcome: 'keys_lost', head };
  }

  /**
   * The goodbye; `undefined` where the epoch has no commit, so that followers are still in an earlier one.
   */
  #farewell(epoch: number): Header | undefined {
    const { ledger, progress } = this.#books;
    const { line, head } = ledger;
    const { committed } = progress;
    if (committed.epoch !== epoch || line.epoch !== epoch) return undefined;
    const { revision } = committed;
    // With changes left uncommitted, the goodbye must not prove the state current.
    const cutAt = head.revision > revision ? 0 : this.#cutAt();
    const digest = this.#digestAt(revision);
    return { epoch, base: line.base, prev: revision, revision, cutAt, leaseMs: 0, bye: true, digest };
  }

  /**
   * A local time on the server's clock, ms, in whole µs. It may be earlier than the true time, never later.
   */
  #cutAt(at = this.#context.runtime.time.now()): number {
    // planted: cut-time
    return Math.max(0, Math.floor(this.#context.runtime.clock.earliest(at) * 1000) / 1000);
  }
}
