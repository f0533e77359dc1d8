/**
 * An owner's frames for those who read them from its own process, without Redis between.
 *
 * A reader is a position. What it is sent is what changed since then, whenever it can take more: a slow one
 * gets fewer and larger frames, and nothing is kept for it. Times in these frames are on the owner's clock.
 */
import type { Header } from './frame.ts';
import { encodeFrame } from './frame.ts';
import type { Ledger } from './ledger.ts';
import type { Position } from './position.ts';
import { continues } from './position.ts';
import type { Cancel, Time } from './time.ts';

/** Where frames go. */
export interface Sink {
  /** False when it takes no more until it has said `drained`. */
  write(message: string, position: Position): boolean;
  /** No more will come: the owner has stopped, or this reader has to start over. */
  end(): void;
}

export interface Reader {
  drained(): void;
  close(): void;
}

/** A reader that is open, and where it is. */
interface OpenReader {
  position: Position;
  sentAt: number;
  isFull: boolean;
  readonly sink: Sink;
}

export class Feed {
  readonly #ledger: Ledger;
  readonly #time: Time;
  readonly #leaseMs: number;
  readonly #beaconMs: number;
  readonly #open = new Set<OpenReader>();
  #scheduled = false;
  #ended = false;
  #cancelBeacon: Cancel | undefined;

  constructor(ledger: Ledger, time: Time, { leaseMs, beaconMs }: { leaseMs: number; beaconMs: number }) {
    this.#ledger = ledger;
    this.#time = time;
    this.#leaseMs = leaseMs;
    this.#beaconMs = beaconMs;
  }

  get isEnded(): boolean {
    return this.#ended;
  }

  /** Whether a reader at this position can be told what changed since, or has to read the whole state. */
  canContinue(from: Position): boolean {
    return (
      continues(from, this.#ledger.line) &&
      from.revision <= this.#ledger.head.revision &&
      from.revision >= this.#ledger.horizon
    );
  }

  open(from: Position, sink: Sink): Reader {
    const reader: OpenReader = { position: from, sentAt: -Infinity, isFull: false, sink };
    this.#open.add(reader);
    this.#send(reader);
    if (this.#open.size === 1) this.#scheduleBeacons();
    return {
      drained: () => {
        reader.isFull = false;
        if (this.#open.has(reader)) this.#send(reader);
      },
      close: () => void this.#open.delete(reader),
    };
  }

  /** The whole state as one frame, in pieces that are to be sent one after the other. */
  *snapshot(): Generator<string> {
    const changes = this.#ledger.everything().filter(({ json }) => json !== '');
    yield encodeFrame(this.#time.now(), this.#header(0), []);
    for (let at = 0; at < changes.length; at += 1_000) {
      yield changes
        .slice(at, at + 1_000)
        .map(({ key, revision, json }) => `\n${key}\n${revision}\n${json}`)
        .join('');
    }
  }

  /** Something was set: at the end of this turn, readers are told. */
  changed(): void {
    if (this.#scheduled || this.#open.size === 0) return;
    this.#scheduled = true;
    this.#time.endOfTurn(() => {
      this.#scheduled = false;
      const { revision } = this.#ledger.head;
      for (const reader of this.#open) if (reader.position.revision < revision) this.#send(reader);
    });
  }

  /** The owner is no owner any more. */
  end(): void {
    this.#ended = true;
    this.#cancelBeacon?.();
    for (const { sink } of this.#open) sink.end();
    this.#open.clear();
  }

  #send(reader: OpenReader): void {
    if (reader.isFull) return;
    const changes = this.canContinue(reader.position)
      ? this.#ledger.changesSince(reader.position.revision)
      : undefined;
    if (changes === undefined) {
      this.#open.delete(reader);
      reader.sink.end();
      return;
    }
    const header = this.#header(reader.position.revision);
    const message = encodeFrame(this.#time.now(), header, changes);
    reader.position = this.#ledger.head;
    reader.sentAt = this.#time.now();
    reader.isFull = !reader.sink.write(message, reader.position);
  }

  #header(prev: number): Header {
    const { epoch, base } = this.#ledger.line;
    const { revision } = this.#ledger.head;
    return { epoch, base, prev, revision, cutAt: this.#time.now(), leaseMs: this.#leaseMs, bye: false };
  }

  /** A reader to whom nothing was sent for so long is told that nothing waits. */
  #scheduleBeacons(): void {
    this.#cancelBeacon?.();
    this.#cancelBeacon = this.#time.after(this.#beaconMs, () => {
      const due = this.#time.now() - this.#beaconMs / 2;
      for (const reader of this.#open) if (reader.sentAt <= due) this.#send(reader);
      if (this.#open.size > 0) this.#scheduleBeacons();
    });
  }
}
