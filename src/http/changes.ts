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
import type { Reader, Sink, Step } from '../base/readers.ts';
import { Readers } from '../base/readers.ts';
import type { LongMessage, Text } from '../base/text.ts';
import { messageOf } from '../base/text.ts';
import type { Cancel } from '../base/time.ts';
import type { Tandem } from '../tandem.ts';
import { EVENT_END, eventHead, eventText } from './event-stream.ts';
import { Problem } from './problem.ts';
import { readResume } from './query.ts';
import type { SpaceTexts } from './space-texts.ts';
import { stateMessage } from './space-texts.ts';
import type { AnswerHeaders } from './answer-headers.ts';
import { inJson, answerHeadersOf } from './answer-headers.ts';

/** The time between two checks of source and reason. */
const LOOK_MS = 100;
/**
 * The wait for the position of a client that is ahead of this process. After it, the client gets the state.
 */
const AHEAD_MS = 1_000;

export interface ChangesOptions {
  readonly tandem: Pick<Tandem, 'time' | 'slices'>;
  readonly texts: SpaceTexts;
  readonly keepAliveMs: number;
}

/** The clock that the times of events are on, ms, to the microsecond. */
export function timeOf({ time }: Pick<Tandem, 'time'>): number {
  return Math.round(time.now() * 1_000) / 1_000;
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
  const from = readResume(ctx);
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
  #made: { readonly from: string; readonly head: string; readonly text: string | Text } | undefined;
  /** Whether a client waits for the text of the whole state. */
  #isWaiting = false;
  #statusKey = '';
  #cancel: Cancel | undefined;

  constructor(participant: AnyParticipant, options: ChangesOptions) {
    this.#participant = participant;
    this.#options = options;
    this.#readers = new Readers<Cursor>({
      time: options.tandem.time,
      stretches: options.tandem.slices.stretches,
      beatMs: options.keepAliveMs,
      next: (cursor, { isBeat }) => this.#next(cursor, isBeat),
    });
  }

  open(cursor: Cursor, sink: Sink<Cursor>): Reader {
    if (this.#cancel === undefined) this.#watch();
    return this.#readers.open(cursor, sink);
  }

  /** Watches head, mode and freshness while a client is connected. */
  #watch(): void {
    const { time } = this.#options.tandem;
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
      // The state cannot be read, as on a standby with other schemas, or there is no room for its text. The
      // client reconnects and gets it later.
      if (!(error instanceof Problem)) this.#participant.report(error);
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
    const now = statusKeyOf(participant);
    const at = { from: head, correctedAt: participant.correctedAt };
    if (from === undefined || isWrong || !participant.canContinue(from)) {
      const message = this.#wholeState();
      return message === undefined ? 'nothing' : { message, cursor: { ...at, statusKey: '' } };
    }
    const news = isSame(from, head) ? '' : this.#changesSince(from);
    // Its status follows once it is out: it would be of now.
    if (typeof news === 'object') return { message: longOf(news), cursor: { ...at, statusKey: '' } };
    if (news === '' && now === statusKey && !isBeat && isSame(from, head)) return 'nothing';
    const isStatusDue = now !== statusKey || isBeat || news === '';
    const status = isStatusDue ? eventText('status', this.#status(), participant.head) : '';
    return { message: news + status, cursor: { ...at, statusKey: now } };
  }

  /** The event with the whole state; `undefined` where its text cannot begin yet: the client gets it later. */
  #wholeState(): LongMessage | undefined {
    const participant = this.#participant;
    const rows = this.#options.texts.open(participant);
    if (rows === undefined) {
      void this.#sendWhenFree();
      return undefined;
    }
    const { space, head } = participant;
    const message = stateMessage(space.name, this.#sent(), rows);
    return { ...message, head: eventHead('state', head) + message.head, tail: message.tail + EVENT_END };
  }

  #status(): Record<string, unknown> {
    const { space, reason } = this.#participant;
    return { space: space.name, ...inJson(this.#sent()), reason };
  }

  /**
   * The fields of an event, and when it was made: it may be on its way for long. The times are rounded so that
   * the client takes nothing for fresher than it is.
   */
  #sent(): AnswerHeaders & { readonly now: number; readonly leaseMs: number } {
    const participant = this.#participant;
    const headers = answerHeadersOf(participant);
    const leaseMs = Math.floor(participant.proof.leaseMs());
    return { ...headers, now: timeOf(this.#options.tandem), leaseMs };
  }

  async #sendWhenFree(): Promise<void> {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    await this.#options.texts.free(this.#participant);
    this.#isWaiting = false;
    this.#readers.changed();
  }

  /** The event that takes a client from a position to the head; empty where nothing changed. */
  #changesSince(from: Position): string | Text {
    const { head } = this.#participant;
    const place = printPosition(from);
    const made = this.#made;
    const isOpen = typeof made?.text === 'string' || made?.text.isOpen === true;
    if (made?.from === place && made.head === head && isOpen) return made.text;
    if (typeof made?.text === 'object') made.text.seal();
    const { time, slices } = this.#options.tandem;
    const text = messageOf(changeParts(this.#participant, from), slices, time);
    this.#made = { from: place, head, text };
    return text;
  }
}

function longOf(text: Text): LongMessage {
  return { head: '', body: text.open(), tail: '' };
}

/** The parts of a `change` event; none where no row changed. */
function* changeParts(participant: AnyParticipant, from: Position): Generator<string, void, void> {
  const { head } = participant;
  const begin = `${eventHead('change', head)}{"position":"${head}","changes":[`;
  const deletes: string[] = [];
  let comma = begin;
  for (const row of participant.snapshotRows(from)) {
    if (row === undefined) {
      yield '';
      continue;
    }
    const { key, value, position, changedAt } = row;
    if (value === undefined) deletes.push(key);
    yield value === undefined ? '' : `${comma}${JSON.stringify({ key, value, position, changedAt })}`;
    if (value !== undefined) comma = ',';
  }
  if (deletes.length === 0 && comma === begin) return;
  yield comma === begin ? begin : '';
  yield '],"deletes":[';
  for (const [n, key] of deletes.entries()) yield `${n === 0 ? '' : ','}${JSON.stringify(key)}`;
  yield `]}${EVENT_END}`;
}

/** The part of the status whose change is sent at once. */
function statusKeyOf({ mode, reason, proof }: AnyParticipant): string {
  return [mode, proof.freshness(), proof.source, proof.owner(), reason].join('|');
}
