/**
 * What one participant says to its user: events, and errors among them.
 *
 * A user's callback is guarded: what it throws, or rejects with, becomes an `error` event and goes no further.
 */
import type { EventObject } from 'xstate';
import { asTandemError, TandemError } from '../base/errors.ts';
import type { Observers, Role } from '../ports/observer.ts';

/** The one callback whose failure nobody can be told of. */
const ON_ERROR = "on('error')";

export class Reporter {
  readonly #space: string;
  readonly #role: Role;
  readonly #observers: Observers;
  readonly #emit: (event: EventObject) => void;
  readonly #warned = new WeakSet<TandemError>();
  #lastError: TandemError | undefined;

  /** @param emit hands an event to those who listen to the actor */
  constructor(space: string, role: Role, observers: Observers, emit: (event: EventObject) => void) {
    this.#space = space;
    this.#role = role;
    this.#observers = observers;
    this.#emit = emit;
  }

  /** The last error that was reported. A warning is not one: it does not say why something else was late. */
  get lastError(): TandemError | undefined {
    return this.#lastError;
  }

  emit<E extends EventObject>(event: E): void {
    this.#emit(event);
  }

  /** Reports anything that was thrown as an `error` event. */
  report(error: unknown): void {
    this.#lastError = asTandemError(error, 'CALLBACK_FAILED', 'unexpected');
    this.#announce(this.#lastError);
  }

  /** Reports a warning once. */
  warn(warning: TandemError): void {
    if (this.#warned.has(warning)) return;
    this.#warned.add(warning);
    this.#announce(warning);
  }

  /**
   * The callback, made harmless.
   * @param name of what the callback was given to, as in `watch('key')`
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

  #announce(error: TandemError): void {
    this.#observers.tell('error', { space: this.#space, role: this.#role, code: error.code });
    this.#emit({ type: 'error', error } as EventObject);
  }
}

function callbackError(name: string, error: unknown): TandemError {
  const because = error instanceof Error ? error.message : String(error);
  return new TandemError('CALLBACK_FAILED', `a callback given to ${name} failed: ${because}`, {
    cause: error,
  });
}
