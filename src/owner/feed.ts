/**
 * An owner's frames for readers in other processes, without Redis between.
 *
 * A reader is a position. Whenever it can take more, it is sent the changes since then. Times in these frames are on the
 * owner's clock.
 */
import type { Header } from '../state/header.ts';
import { encodeChanges } from '../state/change.ts';
import { encodeFrame } from '../state/frame.ts';
import type { Ledger } from '../state/ledger.ts';
import type { Position } from '../state/position.ts';
import type { Reader, Sink, Step } from '../base/readers.ts';
import { Readers } from '../base/readers.ts';
import type { Time } from '../base/time.ts';
import type { CommitMeter } from './measures.ts';
import type { FrameTrace } from '../state/trace.ts';

export interface FeedOptions {
  readonly leaseMs: number;
  /** A reader to whom nothing was sent for so long gets a heartbeat, ms. */
  readonly heartbeatMs: number;
  /** Observes each frame that went out. */
  readonly meter: CommitMeter;
}

export class Feed {
  readonly #ledger: Ledger;
  readonly #time: Time;
  readonly #options: FeedOptions;
  readonly #readers: Readers<Position>;
  #ended = false;

  constructor(ledger: Ledger, time: Time, options: FeedOptions) {
    this.#ledger = ledger;
    this.#time = time;
    this.#options = options;
    this.#readers = new Readers<Position>({
      time,
      beatMs: options.heartbeatMs,
      next: (from, { isBeat, quietMs }) => this.#next(from, isBeat && quietMs >= options.heartbeatMs / 2),
    });
  }

  get isEnded(): boolean {
    return this.#ended;
  }

  /** Whether anybody reads. */
  get isRead(): boolean {
    return this.#readers.size > 0;
  }

  /** Whether a reader at this position can go on from there, or has to read the whole state. */
  canContinue(from: Position): boolean {
    return this.#ledger.canContinue(from);
  }

  open(from: Position, sink: Sink<Position>): Reader {
    return this.#readers.open(from, sink);
  }

  /** The whole state as one frame, in pieces that are to be sent one after the other. */
  *snapshot(): Generator<string> {
    const changes = this.#ledger.everything().filter(({ json }) => json !== '');
    yield encodeFrame(this.#time.now(), this.#header(0), []);
    for (let at = 0; at < changes.length; at += 1_000) {
      yield encodeChanges(changes.slice(at, at + 1_000));
    }
  }

  /** Something was set: readers are sent it at the end of this turn. */
  changed(): void {
    this.#readers.changed();
  }

  /** The owner is no owner any more. */
  end(): void {
    this.#ended = true;
    this.#readers.end();
  }

  #next(from: Position, isHeartbeatDue: boolean): Step<Position> {
    const { head } = this.#ledger;
    if (from.revision === head.revision && !isHeartbeatDue) return 'nothing';
    const changes = this.canContinue(from) ? this.#ledger.changesSince(from.revision) : undefined;
    if (changes === undefined) return 'over';
    // planted: feed-frame
    const header = this.#header(from.revision, changes.length > 0);
    const message = encodeFrame(this.#time.now(), header, changes);
    if (changes.length > 0) this.#options.meter.sent('direct', changes, changes.length);
    return { message, cursor: head };
  }

  #header(prev: number, isMeasured = false): Header {
    const { epoch, base } = this.#ledger.line;
    const { revision } = this.#ledger.head;
    const { leaseMs } = this.#options;
    const setAt = isMeasured ? this.#ledger.setAtSince(prev) : NaN;
    const isSetKnown = !Number.isNaN(setAt);
    return {
      epoch,
      base,
      prev,
      revision,
      // Rounded down: it may claim less than is true, never more.
      cutAt: Math.floor(this.#time.now() * 1_000) / 1_000,
      leaseMs,
      bye: false,
      setAt: isSetKnown ? setAt : undefined,
      // The error of rounding is counted against us.
      setErrorMs: isSetKnown ? 0.001 : undefined,
      trace: isMeasured ? this.#trace(prev) : undefined,
    };
  }

  /** No commit stands between: the frame belongs to the spans that set its changes. */
  #trace(prev: number): FrameTrace | undefined {
    const [first, ...others] = this.#ledger.originsSince(prev);
    if (first === undefined || others.length === 0) return first;
    return { ...first, links: others.map(({ traceparent }) => traceparent) };
  }
}
