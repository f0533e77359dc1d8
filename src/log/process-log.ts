/**
 * The log of a process. Lines go to the application's logger. Without one they go to stderr, as far as nobody
 * listens for the errors of their participant.
 *
 * An outage of Redis concerns all participants of a process at once, and there may be thousands. So there is a
 * limit for the process as well, and one line says how much was left out. Final lines are always written.
 */
import type { AnyParticipant } from '../actor/participant.ts';
import type { TandemError } from '../base/errors.ts';
import { inRoot } from '../base/root.ts';
import type { Cancel, Time } from '../base/time.ts';
import type { Line } from './line.ts';
import { LineLimit } from './line-limit.ts';
import type { Logger, LogLevel, LogRecord } from './logger.ts';
import type { Outlet } from './participant-log.ts';
import { ParticipantLog } from './participant-log.ts';
import { duration } from './phrases.ts';
import { lineOf, writeLine } from './stderr.ts';

const MOST_LINES = 300;
const PERIOD_MS = 60_000;

export interface ProcessLogOptions {
  /** The `connect({ name })` of this process. */
  readonly name: string;
  readonly time: Time;
  /** `false`: no log. `undefined`: stderr. */
  readonly log: Logger | false | undefined;
}

export class ProcessLog implements Outlet {
  readonly name: string;
  readonly time: Time;
  readonly #log: Logger | false | undefined;
  readonly #limit = new LineLimit(MOST_LINES, PERIOD_MS);
  #cancel: Cancel | undefined;

  constructor({ name, time, log }: ProcessLogOptions) {
    this.name = name;
    this.time = time;
    this.#log = log;
  }

  /** Logs what this participant tells from now on, until it stops. */
  attach(participant: AnyParticipant): void {
    if (this.#log !== false) new ParticipantLog(participant, this).start();
  }

  /** Says what was left out, if anything was. Call it once all participants have stopped. */
  end(): void {
    this.#settle();
  }

  /** This process cannot register in the fleet: it goes on without. */
  unregistered({ code, message }: TandemError): void {
    const record: LogRecord = {
      event: 'fleet',
      process: this.name,
      since: this.time.wall(),
      code,
      reason: message,
    };
    const what = `is not registered in the fleet: ${message}`;
    this.#say('warn', record, { message: `The process ${what}`, short: `${this.name} ${what}` });
  }

  wants(line: Line, participant: AnyParticipant): boolean {
    return this.#log !== undefined || (line.isRoutine !== true && !participant.isHeard('error'));
  }

  write(line: Line, record: LogRecord, kind: string): void {
    const now = this.time.now();
    const isFinal = line.isFinal === true && line.isRoutine !== true;
    if (!isFinal && !this.#limit.take(now)) return this.#awaitEnd(now);
    const { space } = record;
    this.#say(line.level, record, {
      message: `The ${kind} of space "${space}" ${line.phrase}`,
      short: `${this.name}/${space} ${kind} ${line.phrase}`,
    });
  }

  #awaitEnd(now: number): void {
    const { dueAt } = this.#limit;
    if (dueAt !== undefined) this.#cancel ??= this.time.after(dueAt - now, () => this.#settle());
  }

  #settle(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    if (this.#limit.dueAt === undefined) return;
    const { leftOut, withinMs } = this.#limit.settle(this.time.now());
    const since = this.time.wall() - Math.round(withinMs);
    const record: LogRecord = { event: 'leftOut', process: this.name, since, leftOut };
    const what = `left out ${leftOut} lines of its spaces within ${duration(withinMs)}`;
    this.#say('warn', record, { message: `The process ${what}`, short: `${this.name} ${what}` });
  }

  /** @param texts the sentence for a logger, and the text for stderr, where the record is not shown */
  #say(
    level: LogLevel,
    record: LogRecord,
    texts: { readonly message: string; readonly short: string },
  ): void {
    const log = this.#log;
    try {
      if (log === undefined) writeLine(lineOf(this.time.wall(), level, texts.short));
      else if (log !== false) ignoreRejection(inRoot(() => log[level](record, texts.message)));
    } catch {
      // A logger that fails must not disturb what it logs, and its error has no other recipient.
    }
  }
}

function ignoreRejection(result: unknown): void {
  if (result instanceof Promise) result.catch(() => {});
}
