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
import type { Change } from '../state/change.ts';
import { encodeChanges, sizeOf } from '../state/change.ts';
import { encodeFrame } from '../state/frame.ts';
import type { Ledger } from '../state/ledger.ts';
import type { Position } from '../state/position.ts';
import { isSame } from '../state/position.ts';
import type { Reader, Sink, Step } from '../base/readers.ts';
import { Readers } from '../base/readers.ts';
import type { Slices } from '../base/slices.ts';
import type { Text } from '../base/text.ts';
import { messageOf, PIECE_LENGTH } from '../base/text.ts';
import type { Time } from '../base/time.ts';
import type { Runtime } from '../ports/runtime.ts';
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

/** The greatest number of revisions in a frame that is made at once. */
const MAX_QUICK = 1_000;

/** A frame with changes, which all readers at the same position share. */
interface Shared {
  readonly from: Position;
  readonly to: Position;
  /** On `Time`, ms. */
  readonly madeAt: number;
  readonly frame: string | Text;
}

export class Feed {
  readonly #ledger: Ledger;
  readonly #lease: Lease;
  readonly #time: Time;
  readonly #slices: Slices;
  readonly #options: FeedOptions;
  readonly #readers: Readers<Position>;
  /** When this machine last woke, as far as the readers' clocks have it: on `Time`, ms. */
  #wokeAt = -Infinity;
  #ended = false;
  #shared: Shared | undefined;

  constructor({ ledger, lease }: Books, runtime: Pick<Runtime, 'time' | 'slices'>, options: FeedOptions) {
    const { time, slices } = runtime;
    this.#ledger = ledger;
    this.#lease = lease;
    this.#time = time;
    this.#slices = slices;
    this.#options = options;
    this.#readers = new Readers<Position>({
      time,
      stretches: slices.stretches,
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

  /** The position of the newest frame. */
  get head(): Position {
    return this.#ledger.head;
  }

  /**
   * The whole state as one frame, as of the first step, in pieces that are sent in order. A piece may be
   * empty: the walk can rest there.
   */
  *snapshot(): Generator<string, void, void> {
    const header = encodeFrame(this.#time.now(), this.#header(0), []);
    const entries = this.#ledger.snapshot();
    try {
      yield header;
      for (const { key, value, revision } of entries)
        yield value === undefined ? '' : encodeChanges([{ key, revision, json: value.json }]);
    } finally {
      entries.return();
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
    if (!this.canContinue(from)) return 'over';
    if (from.revision === head.revision)
      return { message: encodeFrame(this.#time.now(), this.#header(from.revision), []), cursor: head };
    const frame = this.#frameSince(from);
    if (frame === undefined) return 'over';
    const message = typeof frame === 'string' ? frame : { head: '', body: frame.open(), tail: '' };
    return { message, cursor: head };
  }

  /** The frame with the changes from a position up to the head; `undefined` where deletes are forgotten. */
  #frameSince(from: Position): string | Text | undefined {
    const { head: to } = this.#ledger;
    const madeAt = this.#time.now();
    const shared = this.#shared;
    // An older one would prove too little.
    const isOf = shared !== undefined && isSame(shared.from, from) && isSame(shared.to, to);
    if (isOf && madeAt - shared.madeAt < this.#options.heartbeatMs / 2 && isOpen(shared.frame))
      return shared.frame;
    if (typeof shared?.frame === 'object') shared.frame.seal();
    const frame = this.#makeFrame(from);
    this.#shared = frame === undefined ? undefined : { from, to, madeAt, frame };
    if (typeof frame === 'object') frame.whenIdle(() => this.#forget(frame));
    return frame;
  }

  #forget(frame: Text): void {
    if (this.#shared?.frame === frame) this.#shared = undefined;
  }

  #makeFrame(from: Position): string | Text | undefined {
    const changes = this.#ledger.changesSince(from.revision, MAX_QUICK + 1);
    if (changes === undefined) return undefined;
    const header = this.#header(from.revision, true);
    if (changes.length > MAX_QUICK || lengthOf(changes) >= PIECE_LENGTH)
      return messageOf(this.#partsOf(header, from.revision), this.#slices, this.#time);
    // planted: feed-frame
    const frame = encodeFrame(this.#time.now(), header, changes);
    this.#options.meter.sent('direct', changes, changes.length);
    return frame;
  }

  /** The parts of a frame with many changes, or long ones. */
  *#partsOf(header: Header, from: number): Generator<string, void, void> {
    const entries = this.#ledger.snapshot(from);
    const size = { keys: 0, bytes: 0, conflated: 0 };
    try {
      yield encodeFrame(this.#time.now(), header, []);
      for (const { key, value, revision } of entries) {
        const change = { key, revision, json: value?.json ?? '' };
        size.keys += 1;
        size.bytes += sizeOf(change);
        yield encodeChanges([change]);
      }
    } finally {
      entries.return();
    }
    this.#options.meter.sentInAll('direct', size);
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

/** The length of keys and values together, UTF-16 code units. */
function lengthOf(changes: readonly Change[]): number {
  return changes.reduce((length, { key, json }) => length + key.length + json.length, 0);
}

function isOpen(frame: string | Text): boolean {
  return typeof frame === 'string' || frame.isOpen;
}
