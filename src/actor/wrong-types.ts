/** Reports the keys at which somebody else has put another type: once, until they are right again. */
import { TandemError } from '../base/errors.ts';
import type { Head } from '../ports/store.ts';
import type { Reporter } from './reporter.ts';

type Shown = Pick<Head, 'wrongTypes'>;

export class WrongTypes {
  readonly #space: string;
  readonly #reporter: Reporter;
  /** The message that was reported; empty while all types are right. */
  #reported = '';

  constructor(space: string, reporter: Reporter) {
    this.#space = space;
    this.#reporter = reporter;
  }

  /** The store has shown this head. */
  seen(head: Shown): void {
    const error = wrongTypeError(this.#space, head);
    const message = error?.message ?? '';
    if (error !== undefined && message !== this.#reported) this.#reporter.report(error);
    this.#reported = message;
  }
}

/** The error that names the keys of another type; `undefined` where there are none. */
export function wrongTypeError(space: string, { wrongTypes }: Shown): TandemError | undefined {
  if (wrongTypes.length === 0) return undefined;
  const list = wrongTypes.map(({ key, found, expected }) => `${key} is a ${found}, expected a ${expected}`);
  const what = `someone else has changed types of keys of space "${space}" in Redis: ${list.join('; ')}`;
  return new TandemError('WRONG_TYPE', what);
}
