/**
 * The feed: the frames of a space for readers in other processes, without Redis between.
 *
 * A reader is a position. Whenever it accepts more, it gets one frame with everything that changed since
 * then. The times in these frames are on this process's clock, as `directClock` tells it.
 *
 * While the source is in doubt, a frame would show what a fenced owner may have set, or what nothing proves. So
 * there is none: readers get what changed, once the source is sure again.
 */
import type { Header } from '../state/header.ts';
import type { Change } from '../state/change.ts';
import { encodeChanges, sizeOf } from '../state/change.ts';
import { encodeFrame } from '../state/frame.ts';
import type { Position } from '../state/position.ts';
import { isSame } from '../state/position.ts';
import type { Reader, Sink, Step } from '../base/readers.ts';
import { Readers } from '../base/readers.ts';
import type { Slices } from '../base/slices.ts';
import type { Text } from '../base/text.ts';
import { messageOf, PIECE_LENGTH } from '../base/text.ts';
import type { Time } from '../base/time.ts';
import type { FeedSource, HeaderOf } from '../ports/feed-source.ts';
import type { Runtime } from '../ports/runtime.ts';

/** Observes the frames with changes. */
export interface FeedMeter {
  /** @param revisions how many there were, also of changes that a later one replaced */
  sent(path: 'direct', changes: readonly Change[], revisions: number): void;
  sentInAll(path: 'direct', size: { keys: number; bytes: number; conflated: number }): void;
}

export interface FeedOptions {
  /** The time between two beats, ms. On a beat, a reader that got nothing for half of it gets a heartbeat. */
  readonly heartbeatMs: number;
  /** Default: nobody observes them. */
  readonly meter?: FeedMeter;
}

/**
 * How far the clock of the direct path is ahead of `Time`, ms: some 32 years. `Time` may begin with the process.
 * What a relay passes on may be of long before, and no time on the wire is negative.
 */
const CLOCK_AHEAD_MS = 1e12;

/** This process's clock, as the direct path tells it, ms. */
export function directClock(time: Pick<Time, 'now'>): number {
  return CLOCK_AHEAD_MS + time.now();
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

export class Feed<V = any> {
  readonly #source: FeedSource<V>;
  readonly #time: Time;
  readonly #slices: Slices;
  readonly #options: FeedOptions;
  readonly #readers: Readers<Position>;
  /** When this machine last woke, as far as the readers' clocks have it: on `Time`, ms. */
  #wokeAt = -Infinity;
  #ended = false;
  #shared: Shared | undefined;

  constructor(source: FeedSource<V>, runtime: Pick<Runtime, 'time' | 'slices'>, options: FeedOptions) {
    const { time, slices } = runtime;
    this.#source = source;
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

  /** Whether the source is in doubt: nobody gets a frame now. */
  get isInDoubt(): boolean {
    return this.#source.isInDoubt;
  }

  /** Whether anybody reads. */
  get isRead(): boolean {
    return this.#readers.size > 0;
  }

  /** Whether a reader at this position can go on from there. Any other reader has to read the whole state. */
  canContinue(from: Position): boolean {
    return this.#source.canContinue(from);
  }

  /** Opens a reader at a position at which `canContinue` holds. */
  open(from: Position, sink: Sink<Position>): Reader {
    // Without readers, nobody's clock is of before a sleep.
    if (!this.isRead && !this.isInDoubt) this.#wokeAt = this.#time.wokeAt;
    return this.#readers.open(from, sink);
  }

  /** The position of the newest frame. */
  get head(): Position {
    return this.#source.head;
  }

  /**
   * The whole state as one frame, as of the first step, in pieces that are sent in order. A piece may be
   * empty: the walk can rest there.
   */
  *snapshot(): Generator<string, void, void> {
    const header = this.#encode(this.#header(0), []);
    const entries = this.#source.snapshot();
    try {
      yield header;
      for (const { key, value, revision } of entries) {
        const json = this.#source.jsonOf(value);
        yield json === '' ? '' : encodeChanges([{ key, revision, json }]);
      }
    } finally {
      entries.return();
    }
  }

  /** Something was set. Readers get it at the end of this turn. */
  changed(): void {
    this.#readers.changed();
  }

  /** The source was proven anew, and nothing changed: readers get a heartbeat at the end of this turn. */
  renewed(): void {
    this.#readers.beat();
  }

  /** Ends every reader: each has to begin anew. */
  restart(): void {
    this.#readers.end();
  }

  /** Ends the feed and every reader: the space is no longer served from here. */
  end(): void {
    this.#ended = true;
    this.#readers.end();
  }

  #next(from: Position, isHeartbeatDue: boolean): Step<Position> {
    const { head } = this.#source;
    if (from.revision === head.revision && !isHeartbeatDue) return 'nothing';
    // planted: late-frame
    if (this.isInDoubt) return 'nothing';
    if (this.#hasSlept()) return 'over';
    if (!this.canContinue(from)) return 'over';
    if (from.revision === head.revision)
      return { message: this.#encode(this.#header(from.revision), []), cursor: head };
    const frame = this.#frameSince(from);
    if (frame === undefined) return 'over';
    const message = typeof frame === 'string' ? frame : { head: '', body: frame.open(), tail: '' };
    return { message, cursor: head };
  }

  /** The frame with the changes from a position up to the head; `undefined` where deletes are forgotten. */
  #frameSince(from: Position): string | Text | undefined {
    const { head: to } = this.#source;
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
    const changes = this.#source.changesSince(from.revision, MAX_QUICK + 1);
    if (changes === undefined) return undefined;
    const header = this.#header(from.revision, true);
    if (changes.length > MAX_QUICK || lengthOf(changes) >= PIECE_LENGTH)
      return messageOf(this.#partsOf(header, from.revision), this.#slices, this.#time);
    // planted: feed-frame
    const frame = this.#encode(header, changes);
    this.#options.meter?.sent('direct', changes, changes.length);
    return frame;
  }

  /** The parts of a frame with many changes, or long ones. */
  *#partsOf(header: Header, from: number): Generator<string, void, void> {
    const entries = this.#source.snapshot(from);
    const size = { keys: 0, bytes: 0, conflated: 0 };
    try {
      yield this.#encode(header, []);
      for (const { key, value, revision } of entries) {
        const change = { key, revision, json: this.#source.jsonOf(value) };
        size.keys += 1;
        size.bytes += sizeOf(change);
        yield encodeChanges([change]);
      }
    } finally {
      entries.return();
    }
    this.#options.meter?.sentInAll('direct', size);
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
    return this.#source.header({ prev, isMeasured, now: this.#time.now() } satisfies HeaderOf);
  }

  /** A frame of now, by the clock of the direct path. */
  #encode(header: Header, changes: readonly Change[]): string {
    const { cutAt, setAt } = header;
    const onClock = {
      ...header,
      cutAt: cutAt + CLOCK_AHEAD_MS,
      setAt: setAt === undefined ? undefined : setAt + CLOCK_AHEAD_MS,
    };
    return encodeFrame(directClock(this.#time), onClock, changes);
  }
}

/** The length of keys and values together, UTF-16 code units. */
function lengthOf(changes: readonly Change[]): number {
  return changes.reduce((length, { key, json }) => length + key.length + json.length, 0);
}

function isOpen(frame: string | Text): boolean {
  return typeof frame === 'string' || frame.isOpen;
}
