/**
 * The changes of a space for programs, as server-sent events: the state first, or what changed since the position
 * that the client has, then what changes, and how true it is.
 *
 * A client is a position. What it is sent is what changed since then, as one event: a slow one gets fewer and
 * larger events. Time passes without frames, so that freshness is looked at again and again while anyone reads.
 */
import type { Context } from 'koa';
import type { AnyDesk } from '../actor/desk.ts';
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
import { inJson, truthOf } from './truth.ts';

/** How often it is looked whether what was live still is. */
const LOOK_MS = 100;
/** A client that took nothing for so long gives up its place. */
const STALL_MS = 30_000;
/** How long a client that is ahead of this process is kept waiting before it is given the state. */
const AHEAD_MS = 1_000;

export interface ChangesOptions {
  readonly time: Time;
  readonly heartbeatMs: number;
}

/** Where a client is, and what it was told last. */
interface Cursor {
  /** `undefined`: nowhere. */
  readonly from: Position | undefined;
  readonly correctedAt: Position | undefined;
  readonly standing: string;
}

/** Where a client begins that has this position, or none. */
export function cursorAt(from: Position | undefined): Cursor {
  return { from, correctedAt: undefined, standing: '' };
}

/**
 * The position from which a client goes on: its `Last-Event-ID`, or else `?from=`. One that is ahead of this
 * process waits a moment for it: to be given an older state would take it back. Epoch 0 is any owner's that has not claimed
 * yet: who comes from there comes from nowhere.
 * @throws Problem `INVALID_PARAMETER`; TandemError `INVALID_POSITION` or `STOPPED`
 */
export async function meetClient(ctx: Context, desk: AnyDesk): Promise<Position | undefined> {
  if (desk.mode === 'stopped')
    throw new TandemError('STOPPED', `space "${desk.space.name}" is stopped in this process`);
  const from = readPosition(ctx);
  if (from === undefined || from.epoch === 0) return undefined;
  if (compare(from, parsePosition(desk.head)) <= 0) return from;
  await desk.waitFor(printPosition(from), { timeoutMs: AHEAD_MS }).catch(() => {});
  return from;
}

export class Changes {
  readonly #desk: AnyDesk;
  readonly #options: ChangesOptions;
  readonly #readers: Readers<Cursor>;
  /** What was made last: all who are in step are sent the same. */
  #made: { readonly from: string | undefined; readonly head: string; readonly text: string } | undefined;
  #standing = '';
  #cancel: Cancel | undefined;

  constructor(desk: AnyDesk, options: ChangesOptions) {
    this.#desk = desk;
    this.#options = options;
    this.#readers = new Readers<Cursor>({
      time: options.time,
      beatMs: options.heartbeatMs,
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
    const unwatchHead = this.#desk.watchHead(() => this.#readers.changed());
    const mode = this.#desk.on('mode', () => this.#look());
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
    if (this.#desk.mode === 'stopped') {
      this.#readers.end();
      this.#cancel?.();
      return;
    }
    const standing = standingOf(this.#desk);
    if (standing === this.#standing) return;
    this.#standing = standing;
    this.#readers.changed();
  }

  #next(cursor: Cursor, isBeat: boolean): Step<Cursor> {
    try {
      return this.#step(cursor, isBeat);
    } catch (error) {
      // What cannot be read here cannot be told; the client comes back, and is told then.
      this.#desk.report(error);
      return 'over';
    }
  }

  #step({ from, correctedAt, standing }: Cursor, isBeat: boolean): Step<Cursor> {
    const desk = this.#desk;
    const head = parsePosition(desk.head);
    const isWrong =
      from !== undefined &&
      desk.correctedAt !== undefined &&
      desk.correctedAt !== correctedAt &&
      isSame(from, desk.correctedAt);
    const news = this.#newsSince(isWrong ? undefined : from);
    const now = standingOf(desk);
    if (news === '' && now === standing && !isBeat && from !== undefined && isSame(from, head))
      return 'nothing';
    const isStatusDue = now !== standing || isBeat || news === '';
    const status = isStatusDue ? eventText('status', statusOf(desk), desk.head) : '';
    return { message: news + status, cursor: { from: head, correctedAt: desk.correctedAt, standing: now } };
  }

  /** The event that takes a client from there to here; empty where nothing changed. */
  #newsSince(from: Position | undefined): string {
    const desk = this.#desk;
    const readings = from && desk.readingsSince(from);
    if (readings?.length === 0) return '';
    const { head } = desk;
    const place = from && printPosition(from);
    if (readings && this.#made?.from === place && this.#made?.head === head) return this.#made.text;
    if (!readings) return eventText('state', wholeState(desk, truthOf(desk)), head);
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

function statusOf(desk: AnyDesk): Record<string, unknown> {
  return { space: desk.space.name, ...inJson(truthOf(desk)), reason: desk.reason };
}

/** What a client is told at once when it changes. */
function standingOf({ mode, reason, proof }: AnyDesk): string {
  return [mode, proof.freshness(), proof.source, proof.ownerAlive(), reason].join('|');
}
