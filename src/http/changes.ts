/**
 * The changes of a space for programs, as server-sent events: the state first, or what changed since the position
 * that the client has, then what changes, and how true it is.
 *
 * A client is a position. What it is sent is what changed since then, as one event: a slow one gets fewer and
 * larger events. Time passes without frames, so that freshness is looked at again and again while anyone reads.
 */
import type { Context } from 'koa';
import type { AnyParticipant } from '../actor/participant.ts';
import { TandemError } from '../base/errors.ts';
import type { Position } from '../state/position.ts';
import { compare, isSame, parsePosition, printPosition } from '../state/position.ts';
import type { Reading } from '../state/reading.ts';
import type { Reader, Sink, Step } from '../base/readers.ts';
import { Readers } from '../base/readers.ts';
import type { Cancel, Time } from '../base/time.ts';
import { eventText } from './event-stream.ts';
import { readPosition } from './query.ts';
import { wholeState } from './state.ts';
import { inJson, answerHeadersOf } from './answer-headers.ts';

/** How often it is looked whether what was live still is. */
const LOOK_MS = 100;
/** A client that took nothing for so long gives up its place. */
const STALL_MS = 30_000;
/** How long a client that is ahead of this process is kept waiting before it is given the state. */
const AHEAD_MS = 1_000;

export interface ChangesOptions {
  readonly time: Time;
  readonly keepAliveMs: number;
}

/** Where a client is, and what it was told last. */
interface Cursor {
  /** `undefined`: nowhere. */
  readonly from: Position | undefined;
  readonly correctedAt: Position | undefined;
  readonly statusKey: string;
}

/** Where a client begins that has this position, or none. */
export function cursorAt(from: Position | undefined): Cursor {
  return { from, correctedAt: undefined, statusKey: '' };
}

/**
 * The position from which a client goes on: its `Last-Event-ID`, or else `?from=`. One that is ahead of this
 * process waits a moment for it: to be given an older state would take it back. Epoch 0 is any owner's that has not claimed
 * yet: who comes from there comes from nowhere.
 * @throws Problem `INVALID_PARAMETER`; TandemError `INVALID_POSITION` or `STOPPED`
 */
export async function meetClient(ctx: Context, participant: AnyParticipant): Promise<Position | undefined> {
  if (participant.mode === 'stopped')
    throw new TandemError('STOPPED', `space "${participant.space.name}" is stopped in this process`);
  const from = readPosition(ctx);
  if (from === undefined || from.epoch === 0) return undefined;
  if (compare(from, parsePosition(participant.head)) <= 0) return from;
  await participant.waitFor(printPosition(from), { timeoutMs: AHEAD_MS }).catch(() => {});
  return from;
}

export class Changes {
  readonly #participant: AnyParticipant;
  readonly #options: ChangesOptions;
  readonly #readers: Readers<Cursor>;
  /** What was made last: all who are in step are sent the same. */
  #made: { readonly from: string | undefined; readonly head: string; readonly text: string } | undefined;
  #statusKey = '';
  #cancel: Cancel | undefined;

  constructor(participant: AnyParticipant, options: ChangesOptions) {
    this.#participant = participant;
    this.#options = options;
    this.#readers = new Readers<Cursor>({
      time: options.time,
      beatMs: options.keepAliveMs,
      stallMs: STALL_MS,
      next: (cursor, { isBeat }) => this.#next(cursor, isBeat),
    });
  }

  open(cursor: Cursor, sink: Sink<Cursor>): Reader {
    if (this.#cancel === undefined) this.#watch();
    return this.#readers.open(cursor, sink);
  }

  /** While anyone reads: what changes, and what becomes of it with time. */
  #watch(): void {
    const { time } = this.#options;
    const unwatchHead = this.#participant.watchHead(() => this.#readers.changed());
    const mode = this.#participant.on('mode', () => this.#look());
    let cancelLook: Cancel;
    const look = (): void => {
      this.#look();
      if (this.#readers.size === 0) this.#cancel?.();
      else cancelLook = time.after(LOOK_MS, look);
    };
    cancelLook = time.after(LOOK_MS, look);
    this.#cancel = () => {
      this.#cancel = undefined;
      unwatchHead();
      mode.unsubscribe();
      cancelLook();
    };
  }

  #look(): void {
    if (this.#participant.mode === 'stopped') {
      this.#readers.end();
      this.#cancel?.();
      return;
    }
    const statusKey = statusKeyOf(this.#participant);
    if (statusKey === this.#statusKey) return;
    this.#statusKey = statusKey;
    this.#readers.changed();
  }

  #next(cursor: Cursor, isBeat: boolean): Step<Cursor> {
    try {
      return this.#step(cursor, isBeat);
    } catch (error) {
      // What cannot be read here cannot be told; the client comes back, and is told then.
      this.#participant.report(error);
      return 'over';
    }
  }

  #step({ from, correctedAt, statusKey }: Cursor, isBeat: boolean): Step<Cursor> {
    const participant = this.#participant;
    const head = parsePosition(participant.head);
    const isWrong =
      from !== undefined &&
      participant.correctedAt !== undefined &&
      participant.correctedAt !== correctedAt &&
      isSame(from, participant.correctedAt);
    const news = this.#newsSince(isWrong ? undefined : from);
    const now = statusKeyOf(participant);
    if (news === '' && now === statusKey && !isBeat && from !== undefined && isSame(from, head))
      return 'nothing';
    const isStatusDue = now !== statusKey || isBeat || news === '';
    const status = isStatusDue ? eventText('status', statusOf(participant), participant.head) : '';
    return {
      message: news + status,
      cursor: { from: head, correctedAt: participant.correctedAt, statusKey: now },
    };
  }

  /** The event that takes a client from there to here; empty where nothing changed. */
  #newsSince(from: Position | undefined): string {
    const participant = this.#participant;
    const readings = from && participant.readingsSince(from);
    if (readings?.length === 0) return '';
    const { head } = participant;
    const place = from && printPosition(from);
    if (readings && this.#made?.from === place && this.#made?.head === head) return this.#made.text;
    if (!readings) return eventText('state', wholeState(participant, answerHeadersOf(participant)), head);
    this.#made = { from: place, head, text: eventText('change', changeOf(head, readings), head) };
    return this.#made.text;
  }
}

function changeOf(position: string, readings: readonly Reading[]): Record<string, unknown> {
  const held = readings.filter(({ value }) => value !== undefined);
  const gone = readings.filter(({ value }) => value === undefined);
  return {
    position,
    changes: held.map(({ key, value, position }) => ({ key, value, position })),
    deletes: gone.map(({ key }) => key),
  };
}

function statusOf(participant: AnyParticipant): Record<string, unknown> {
  return {
    space: participant.space.name,
    ...inJson(answerHeadersOf(participant)),
    reason: participant.reason,
  };
}

/** What a client is told at once when it changes. */
function statusKeyOf({ mode, reason, proof }: AnyParticipant): string {
  return [mode, proof.freshness(), proof.source, proof.ownerAlive(), reason].join('|');
}
