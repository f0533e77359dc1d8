/**
 * The changes of a space as server-sent events, for programs.
 *
 * A client is a position. Its first event is the whole state, or the changes since the position that it had.
 * Each later event has all changes since its last position, so a slow client gets fewer and larger events. A
 * `status` event shows freshness and owner, as the participant's events of those names tell them. Source and
 * reason have no events, so they are checked every 100 ms while a client is connected.
 */
import type { Context } from 'koa';
import type { AnyParticipant } from '../actor/participant.ts';
import { TandemError } from '../base/errors.ts';
import type { Position } from '../state/position.ts';
import { compare, isSame, parsePosition, printPosition } from '../state/position.ts';
import type { Row } from '../state/reading.ts';
import type { Reader, Sink, Step } from '../base/readers.ts';
import { Readers } from '../base/readers.ts';
import type { Cancel, Time } from '../base/time.ts';
import { eventText } from './event-stream.ts';
import { readPosition } from './query.ts';
import { wholeState } from './state.ts';
import { inJson, answerHeadersOf } from './answer-headers.ts';

/** The time between two checks of source and reason. */
const LOOK_MS = 100;
/** A client that accepts nothing for longer than this is disconnected. */
const STALL_MS = 30_000;
/**
 * The wait for the position of a client that is ahead of this process. After it, the client gets the state.
 */
const AHEAD_MS = 1_000;

export interface ChangesOptions {
  readonly time: Time;
  readonly keepAliveMs: number;
}

/** The position of a client, and the last status that it was sent. */
interface Cursor {
  /** `undefined`: the client has no state yet. */
  readonly from: Position | undefined;
  readonly correctedAt: Position | undefined;
  readonly statusKey: string;
}

/** The cursor of a new client that has this position, or none. */
export function cursorAt(from: Position | undefined): Cursor {
  return { from, correctedAt: undefined, statusKey: '' };
}

/**
 * The position from which a client goes on: its `Last-Event-ID`, or else `?from=`. If the client is ahead of
 * this process, it waits up to 1 s for the process, since an older state would take it back. `undefined`
 * without a position, and for one of epoch 0: every owner that has not claimed yet uses epoch 0, so such a
 * position identifies no state.
 * @throws Problem `INVALID_PARAMETER`; TandemError `INVALID_POSITION` or `STOPPED`
 */
export async function resumePosition(
  ctx: Context,
  participant: AnyParticipant,
): Promise<Position | undefined> {
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
  /** The last `change` event: all clients at the same position get the same text. */
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

  /** Watches head, mode and freshness while a client is connected. */
  #watch(): void {
    const { time } = this.#options;
    const unwatchHead = this.#participant.watchHead(() => this.#readers.changed());
    const look = (): void => this.#look();
    const events = (['mode', 'freshness', 'ownerChanged'] as const).map((type) =>
      this.#participant.on(type, look),
    );
    let cancelLook: Cancel;
    const lookAgain = (): void => {
      this.#look();
      if (this.#readers.size === 0) this.#cancel?.();
      else cancelLook = time.after(LOOK_MS, lookAgain);
    };
    cancelLook = time.after(LOOK_MS, lookAgain);
    this.#cancel = () => {
      this.#cancel = undefined;
      unwatchHead();
      for (const subscription of events) subscription.unsubscribe();
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
      // The state cannot be read, as on a standby with other schemas. The client reconnects and gets it
      // later.
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

  /** The event that takes a client from `from` to the head; empty where nothing changed. */
  #newsSince(from: Position | undefined): string {
    const participant = this.#participant;
    const rows = from && participant.rowsSince(from);
    if (rows?.length === 0) return '';
    const { head } = participant;
    const place = from && printPosition(from);
    if (rows && this.#made?.from === place && this.#made?.head === head) return this.#made.text;
    if (!rows) return eventText('state', wholeState(participant, answerHeadersOf(participant)), head);
    this.#made = { from: place, head, text: eventText('change', changeOf(head, rows), head) };
    return this.#made.text;
  }
}

function changeOf(position: string, rows: readonly Row[]): Record<string, unknown> {
  const held = rows.filter(({ value }) => value !== undefined);
  const gone = rows.filter(({ value }) => value === undefined);
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

/** The part of the status whose change is sent at once. */
function statusKeyOf({ mode, reason, proof }: AnyParticipant): string {
  return [mode, proof.freshness(), proof.source, proof.owner(), reason].join('|');
}
