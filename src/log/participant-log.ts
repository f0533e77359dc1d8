/**
 * The log of one participant: hands its events to the narrative, and the lines on, as many as the limit lets
 * through. Where lines were left out, one line at the end of the period says how many, and how it is then.
 */
import type { AnyParticipant } from '../actor/participant.ts';
import type { Cancel, Time } from '../base/time.ts';
import type { Line } from './line.ts';
import { LineLimit } from './line-limit.ts';
import type { LogRecord } from './logger.ts';
import type { Told } from './narrative.ts';
import { Narrative } from './narrative.ts';
import type { Moment } from './outage.ts';
import { kindOfParticipant, leftOutPhrase } from './phrases.ts';

/** Room for five outages of a follower in a minute, each with its beginning and its end. */
const MOST_LINES = 30;
const PERIOD_MS = 60_000;
const TOLD: ReadonlySet<string> = new Set<Told['type']>([
  'mode',
  'error',
  'freshness',
  'ownerChanged',
  'ownership',
  'fenced',
]);

/** Where the lines of all participants of a process go. */
export interface Outlet {
  readonly name: string;
  readonly time: Time;
  /** Whether this line of this participant is written at all. */
  wants(line: Line, participant: AnyParticipant): boolean;
  /** @param kind what the participant is, as in "The follower of space" */
  write(line: Line, record: LogRecord, kind: string): void;
}

export class ParticipantLog {
  readonly #participant: AnyParticipant;
  readonly #outlet: Outlet;
  readonly #narrative: Narrative;
  readonly #limit = new LineLimit(MOST_LINES, PERIOD_MS);
  #isTurnAwaited = false;
  #cancel: Cancel | undefined;

  constructor(participant: AnyParticipant, outlet: Outlet) {
    this.#participant = participant;
    this.#outlet = outlet;
    this.#narrative = new Narrative(participant.role, this.#moment());
  }

  /** Logs what the participant tells from now on, until it stops. */
  start(): void {
    this.#participant.tap((event) => {
      if (TOLD.has(event.type)) this.#hear(event as Told);
    });
  }

  #hear(event: Told): void {
    for (const line of this.#narrative.hear(event, this.#moment())) this.#take(line);
    if (event.type === 'mode' && event.mode === 'stopped') return this.#settle();
    if (!this.#narrative.hasHeld || this.#isTurnAwaited) return;
    this.#isTurnAwaited = true;
    this.#outlet.time.endOfTurn(() => {
      this.#isTurnAwaited = false;
      for (const line of this.#narrative.turnEnded(this.#moment())) this.#take(line);
    });
  }

  #take(line: Line): void {
    if (!this.#outlet.wants(line, this.#participant)) return;
    const { now } = this.#moment();
    if (line.isFinal === true) this.#settle();
    if (line.isFinal === true || this.#limit.take(now)) return this.#write(line);
    const { dueAt } = this.#limit;
    if (dueAt !== undefined) this.#cancel ??= this.#outlet.time.after(dueAt - now, () => this.#settle());
  }

  /** Says how many lines were left out, if any were. */
  #settle(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    if (this.#limit.dueAt === undefined) return;
    const { now, wall } = this.#moment();
    const { leftOut, withinMs } = this.#limit.settle(now);
    const phrase = leftOutPhrase(leftOut, withinMs, this.#narrative.state);
    this.#write({ level: 'warn', event: 'leftOut', phrase, since: wall - Math.round(withinMs), leftOut });
  }

  #write(line: Line): void {
    const { role } = this.#participant;
    const { ownership } = this.#narrative;
    this.#outlet.write(line, this.#record(line), kindOfParticipant(role, ownership));
  }

  #record({ event, since, reason, code, lastedMs, uncommitted, leftOut }: Line): LogRecord {
    const { space, role, head } = this.#participant;
    const { mode, freshness, owner, ownerName } = this.#narrative.state;
    const { ownership } = this.#narrative;
    return {
      event,
      process: this.#outlet.name,
      space: space.name,
      role,
      mode,
      freshness,
      owner,
      ...(ownerName !== undefined && { ownerName }),
      ...(ownership !== undefined && { ownership }),
      position: head,
      since,
      ...(reason !== undefined && { reason }),
      ...(code !== undefined && { code }),
      ...(lastedMs !== undefined && { lastedMs: Math.round(lastedMs) }),
      ...(uncommitted !== undefined && { uncommitted }),
      ...(leftOut !== undefined && { leftOut }),
    };
  }

  #moment(): Moment {
    const { time } = this.#outlet;
    return { now: time.now(), wall: time.wall() };
  }
}
