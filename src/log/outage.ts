/**
 * What is wrong with one participant: its errors, and the times for which it is not connected. Pure.
 *
 * An error waits for the end of its turn, since it may be the reason of a change of the mode: then one line
 * names both. Within one outage an error has one line, however often it comes with each failed try; else one
 * a minute, with the number of those in between.
 */
import type { TandemError } from '../base/errors.ts';
import type { Line } from './line.ts';
import type { LogLevel } from './logger.ts';
import { degradedPhrase, failedPhrase } from './phrases.ts';
import { Repeats } from './repeats.ts';
import { cut, safeText } from './safe-text.ts';

/** Times of an event, ms: on `Time`, and since 1970 by the wall clock. */
export interface Moment {
  readonly now: number;
  readonly wall: number;
}

/** An error that comes again while its participant is connected has a line so often, ms. */
const AGAIN_MS = 60_000;
/** Codes of warnings: they do not pass by themselves, and nothing has failed. */
const WARNINGS: ReadonlySet<string> = new Set(['EVICTION_POLICY', 'NOT_SHARDED', 'STALENESS_BOUND']);

export class Outage {
  /** Since when the participant is not connected; `undefined` while it is. */
  #since: Moment | undefined;
  /** Why, as a line has said; `undefined` where none has. */
  #reason: string | undefined;
  /** Errors of this turn that have no line yet. */
  #held: TandemError[] = [];
  #lastError: TandemError | undefined;
  readonly #ofOutage = new Repeats(Infinity);
  readonly #ofLife = new Repeats(AGAIN_MS);

  /** @param begun when the participant was started: it is not connected yet */
  constructor(begun: Moment) {
    this.#since = begun;
  }

  get isOut(): boolean {
    return this.#since !== undefined;
  }

  /** Why the participant is not connected, as a line has said. */
  get reason(): string | undefined {
    return this.#reason;
  }

  get hasHeld(): boolean {
    return this.#held.length > 0;
  }

  /** The last error of this turn that has no line yet, as text. */
  get heldText(): string | undefined {
    const last = this.#held.at(-1);
    return last && safeText(last);
  }

  heard(error: TandemError): void {
    this.#lastError = error;
    this.#held.push(error);
  }

  /** The turn is over, or something follows that has to stand behind these errors: their lines. */
  release(at: Moment): readonly Line[] {
    const held = this.#held;
    this.#held = [];
    return held.flatMap((error) => this.#lineOf(error, at) ?? []);
  }

  /** The participant is connected no more. */
  begins(at: Moment): void {
    this.#since = at;
  }

  /** A line has said why the participant is not connected. */
  explained(reason: string): void {
    this.#reason = reason;
  }

  /**
   * The participant is connected.
   * @returns for how long it was not, ms; `undefined` where no line has said that it was not
   */
  ends({ now }: Moment): number | undefined {
    const lastedMs = this.#reason === undefined ? undefined : now - (this.#since?.now ?? now);
    this.#since = this.#reason = undefined;
    this.#ofOutage.clear();
    return lastedMs;
  }

  /** The mode is degraded, for this reason; a line where that is news in this outage. */
  degraded(reason: string, { now, wall }: Moment): Line | undefined {
    const cause = this.#causeOf(reason);
    this.#held = this.#held.filter((error) => error !== cause);
    const text = cause === undefined ? cut(reason) : safeText(cause);
    this.#reason = text;
    if (this.#ofOutage.hear(keyOf(cause?.code, text), now) === undefined) return undefined;
    const since = this.#since?.wall ?? wall;
    const level = cause === undefined ? 'warn' : levelOf(cause);
    const line: Line = { level, event: 'mode', phrase: degradedPhrase(since, text), since, reason: text };
    return cause === undefined ? line : { ...line, code: cause.code };
  }

  /** The error that is the reason of a mode. */
  #causeOf(reason: string): TandemError | undefined {
    const is = (error: TandemError): boolean => {
      const { message, cause } = error;
      return message === reason || (cause instanceof Error && cause.message === reason);
    };
    return this.#held.find(is) ?? (this.#lastError && is(this.#lastError) ? this.#lastError : undefined);
  }

  #lineOf(error: TandemError, { now, wall }: Moment): Line | undefined {
    const { code } = error;
    const reason = safeText(error);
    const again = (this.isOut ? this.#ofOutage : this.#ofLife).hear(keyOf(code, reason), now);
    if (again === undefined) return undefined;
    const phrase = failedPhrase(code, reason, again);
    const line: Line = { level: levelOf(error), event: 'error', phrase, since: wall, reason, code };
    return again > 0 ? { ...line, leftOut: again } : line;
  }
}

function keyOf(code: string | undefined, text: string): string {
  return `${code ?? ''} ${text}`;
}

function levelOf({ code, retryable }: TandemError): LogLevel {
  return retryable || WARNINGS.has(code) ? 'warn' : 'error';
}
