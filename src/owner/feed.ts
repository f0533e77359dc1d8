/**
 * The feed: an owner's frames for readers in other processes, without Redis between.
 *
 * A reader is a position. Whenever it accepts more, it gets one frame with everything that changed since
 * then. The times in these frames are on the owner's `Time`.
 *
 * While the owner's claim is in doubt, since its process was stopped past its lease, a frame would show what
 * a fenced owner may have set. So there is none: readers get what changed, once the store has confirmed the
 * claim.
 */
import type { Header } from '../state/header.ts';
import { encodeChanges } from '../state/change.ts';
import { encodeFrame } from '../state/frame.ts';
import type { Ledger } from '../state/ledger.ts';
import type { Position } from '../state/position.ts';
import type { Reader, Sink, Step } from '../base/readers.ts';
import { Readers } from '../base/readers.ts';
import type { Time } from '../base/time.ts';
import type { Books } from './books.ts';
import type { CommitMeter } from './commit-meter.ts';
import type { Lease } from './lease.ts';
import type { FrameTrace } from '../state/trace.ts';

export interface FeedOptions {
  /** The time between two beats, ms. On a beat, a reader that got nothing for half of it gets a heartbeat. */
  readonly heartbeatMs: number;
  /** Observes each frame with changes. */
  readonly meter: CommitMeter;
}

export class Feed {
  readonly #ledger: Ledger;
  readonly #lease: Lease;
  readonly #time: Time;
  readonly #options: FeedOptions;
  readonly #readers: Readers<Position>;
  /** When this machine last woke, as far as the readers' clocks have it: on `Time`, ms. */
  #wokeAt = -Infinity;
  #ended = false;

  constructor({ ledger, lease }: Books, time: Time, options: FeedOptions) {
    this.#ledger = ledger;
    this.#lease = lease;
    this.#time = time;
    this.#options = options;
    this.#readers = new Readers<Position>({
      time,
      beatMs: options.heartbeatMs,
      next: (from, { isBeat, quietMs }) => this.#next(from, isBeat && quietMs >= options.heartbeatMs / 2),
    });
  }

  /** Whether `end` was called: the feed has no more frames. */
  get isEnded(): boolean {
    return this.#ended;
  }

  /** Whether the claim is in doubt: nobody gets a frame now. */
  get isInDoubt(): boolean {
    this.#lease.runs(this.#time.now(), this.#time.wokeAt);
    return this.#lease.isInDoubt;
  }

  /** Whether anybody reads. */
  get isRead(): boolean {
    return this.#readers.size > 0;
  }

  /** Whether a reader at this position can go on from there. Any other reader has to read the whole state. */
  canContinue(from: Position): boolean {
    return this.#ledger.canContinue(from);
  }

  /** Opens a reader at a position at which `canContinue` holds. */
  open(from: Position, sink: Sink<Position>): Reader {
    // Without readers, nobody's clock is of before a sleep.
    if (!this.isRead && !this.isInDoubt) this.#wokeAt = this.#time.wokeAt;
    return this.#readers.open(from, sink);
  }

  /** The whole state as one frame, in pieces that are sent in order. */
  *snapshot(): Generator<string> {
    const changes = this.#ledger.everything().filter(({ json }) => json !== '');
    yield encodeFrame(this.#time.now(), this.#header(0), []);
    for (let at = 0; at < changes.length; at += 1_000) {
      yield encodeChanges(changes.slice(at, at + 1_000));
    }
  }

  /** Something was set. Readers get it at the end of this turn. */
  changed(): void {
    this.#readers.changed();
  }

  /** Ends the feed and every reader: the space is no longer this owner's. */
  end(): void {
    this.#ended = true;
    this.#readers.end();
  }

  #next(from: Position, isHeartbeatDue: boolean): Step<Position> {
    const { head } = this.#ledger;
    if (from.revision === head.revision && !isHeartbeatDue) return 'nothing';
    // planted: late-frame
    if (this.isInDoubt) return 'nothing';
    if (this.#hasSlept()) return 'over';
    const changes = this.canContinue(from) ? this.#ledger.changesSince(from.revision) : undefined;
    if (changes === undefined) return 'over';
    // planted: feed-frame
    const header = this.#header(from.revision, changes.length > 0);
    const message = encodeFrame(this.#time.now(), header, changes);
    if (changes.length > 0) this.#options.meter.sent('direct', changes, changes.length);
    return { message, cursor: head };
  }

  /**
   * Whether this machine has slept. The clock of this process shows the length of a sleep roughly, and may
   * have jumped ahead. So every reader has to begin anew: it then reads this clock before it believes a
   * frame.
   */
  #hasSlept(): boolean {
    const { wokeAt } = this.#time;
    if (wokeAt === this.#wokeAt) return false;
    this.#wokeAt = wokeAt;
    this.#readers.end();
    return true;
  }

  #header(prev: number, isMeasured = false): Header {
    const { epoch, base } = this.#ledger.line;
    const { revision } = this.#ledger.head;
    const { heartbeatMs } = this.#options;
    const setAt = isMeasured ? this.#ledger.setAtSince(prev) : NaN;
    const isSetKnown = !Number.isNaN(setAt);
    return {
      epoch,
      base,
      prev,
      revision,
      // Rounded down: it may be earlier than the true time, never later.
      cutAt: Math.floor(this.#time.now() * 1_000) / 1_000,
      leaseMs: this.#lease.ms,
      bye: false,
      digest: this.#ledger.digestAt(revision),
      heartbeatMs: isMeasured ? undefined : heartbeatMs,
      setAt: isSetKnown ? setAt : undefined,
      // The times are rounded to whole µs.
      setErrorMs: isSetKnown ? 0.001 : undefined,
      trace: isMeasured ? this.#trace(prev) : undefined,
    };
  }

  /**
   * The spans that set the changes of a frame: the oldest, with links to the others. No commit is between.
   */
  #trace(prev: number): FrameTrace | undefined {
    const [first, ...others] = this.#ledger.originsSince(prev);
    if (first === undefined || others.length === 0) return first;
    return { ...first, links: others.map(({ traceparent }) => traceparent) };
  }
}
