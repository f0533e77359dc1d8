/**
 * The reporter: emits the events of one participant, errors among them, and guards the user's callbacks.
 *
 * An error that a guarded callback throws, or rejects with, becomes an `error` event and goes no further.
 */
import type { EventObject } from 'xstate';
import { asTandemError, TandemError } from '../base/errors.ts';
import type { Time } from '../base/time.ts';
import type { Observers, Role } from '../ports/observer.ts';
import type { Runtime } from '../ports/runtime.ts';

/** The callback whose errors are dropped: reporting one would call it again. */
const ON_ERROR = "on('error')";
/** Errors of each try of an outage: the same one is told once. */
const OF_OUTAGES: ReadonlySet<string> = new Set([
  'REDIS_UNAVAILABLE',
  'REDIS_NOT_READY',
  'REDIS_REFUSED',
  'CREDENTIALS_FAILED',
]);
/** The least time between two reports of messages that cannot be used, ms. */
const RARE_MS = 1_000;

export class Reporter {
  readonly #space: string;
  readonly #role: Role;
  readonly #observers: Observers;
  readonly #emit: (event: EventObject) => void;
  readonly #warned = new WeakSet<TandemError>();
  /** By code: when such an error was last reported, on `Time`, ms. */
  readonly #rareAt = new Map<string, number>();
  readonly #time: Time;
  #lastError: TandemError | undefined;
  /** Whether the participant was connected since the last report. */
  #isOver = true;

  /** @param emit emits an event to the listeners of the actor */
  constructor(
    space: string,
    role: Role,
    { observers, time }: Pick<Runtime, 'observers' | 'time'>,
    emit: (event: EventObject) => void,
  ) {
    this.#space = space;
    this.#time = time;
    this.#role = role;
    this.#observers = observers;
    this.#emit = emit;
  }

  /** The last error that was reported: a wait that times out names it. Warnings do not count. */
  get lastError(): TandemError | undefined {
    return this.#lastError;
  }

  emit<E extends EventObject>(event: E): void {
    this.#emit(event);
  }

  /**
   * Emits an `error` event for anything that was thrown; one for an object that comes again and again, and one for
   * an outage whose tries all fail alike.
   */
  report(error: unknown): void {
    if (error === this.#lastError) return;
    const failure = asTandemError(error, 'CALLBACK_FAILED', 'unexpected');
    const isAgain = !this.#isOver && isAlike(failure, this.#lastError);
    this.#lastError = failure;
    if (isAgain) return;
    this.#isOver = false;
    this.#emitError(failure);
  }

  /** The participant is connected: an outage is over, and the next one is told. */
  recovered(): void {
    this.#isOver = true;
  }

  /** As `report`, for what anybody who may publish can cause: at most one a second of each code. */
  reportRarely(error: TandemError): void {
    const now = this.#time.now();
    if (now - (this.#rareAt.get(error.code) ?? -Infinity) < RARE_MS) return;
    this.#rareAt.set(error.code, now);
    this.report(error);
  }

  /** Emits an `error` event for a warning, once for each object. */
  warn(warning: TandemError): void {
    if (this.#warned.has(warning)) return;
    this.#warned.add(warning);
    this.#emitError(warning);
  }

  /**
   * Wraps a user's callback, so that its errors are reported and never thrown.
   * @param name the call that was given the callback, as in `watch('key')`
   */
  guard<A>(name: string, callback: (argument: A) => unknown): (argument: A) => void {
    const failed = (error: unknown): void => {
      if (name !== ON_ERROR) this.report(callbackError(name, error));
    };
    return (argument) => {
      try {
        const result = callback(argument);
        if (result instanceof Promise) result.catch(failed);
      } catch (error) {
        failed(error);
      }
    };
  }

  #emitError(error: TandemError): void {
    this.#observers.tell('error', { space: this.#space, role: this.#role, code: error.code });
    this.#emit({ type: 'error', error } as EventObject);
  }
}

function isAlike(one: TandemError, other: TandemError | undefined): boolean {
  return OF_OUTAGES.has(one.code) && one.code === other?.code && one.message === other.message;
}

function callbackError(name: string, error: unknown): TandemError {
  const because = error instanceof Error ? error.message : String(error);
  return new TandemError('CALLBACK_FAILED', `a callback given to ${name} failed: ${because}`, {
    cause: error,
  });
}
