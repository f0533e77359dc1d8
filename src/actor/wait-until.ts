/**
 * Waits until a reading of one key is as a caller wants it. The predicate is asked at once, and whenever the
 * key changes, or its freshness, its owner or the mode: what a reading says by time alone counts as well.
 */
import type { Obstacle } from '../base/errors.ts';
import { TandemError, timeoutError } from '../base/errors.ts';
import { between, requireFunction, requireObject, requireSignal } from '../base/options.ts';
import type { Time } from '../base/time.ts';
import type { Reading } from '../state/reading.ts';

/** Options of `waitUntil`. */
export interface WaitUntilOptions {
  /** For how long to wait, ms; Infinity for as long as it takes. Default 10,000. */
  readonly timeoutMs?: number | undefined;
  /** Ends the wait: the promise rejects with its reason. Default: none. */
  readonly signal?: AbortSignal | undefined;
}

/** The participant, as a wait sees it. */
export interface Awaited<R> {
  readonly time: Time;
  readonly space: string;
  readonly key: string;
  /** Aborted once the participant has ended, with the error of that. */
  readonly ended: AbortSignal;
  /** What stands in the way now, where it is known. */
  readonly obstacle: Obstacle | undefined;
  read(): R;
  /** Calls back whenever the reading may say something else. Returns a function that ends the calls. */
  watch(look: () => void): () => void;
}

/**
 * @returns the first reading for which the predicate holds
 * @throws TandemError `INVALID_OPTION`, `TIMEOUT`, or the error with which the participant ended; the reason of
 *   the signal; and what the predicate throws
 */
export function waitUntil<R extends Reading>(
  state: Awaited<R>,
  predicate: (reading: R) => boolean,
  options: WaitUntilOptions,
): Promise<R> {
  return new Promise((resolve, reject) => {
    requireFunction('waitUntil', predicate);
    requireObject('waitUntil', options);
    const { timeoutMs = 10_000, signal } = options;
    between('timeoutMs', timeoutMs, 0, Infinity);
    requireSignal(signal);
    if (signal?.aborted) throw signal.reason;
    if (state.ended.aborted) throw state.ended.reason;
    const first = state.read();
    if (holds(predicate, first)) return resolve(first);
    const unwatch = state.watch(() => {
      try {
        const reading = state.read();
        if (holds(predicate, reading)) settle(() => resolve(reading));
      } catch (error) {
        settle(() => reject(error));
      }
    });
    const aborted = (): void => settle(() => reject(signal!.reason as Error));
    const ended = (): void => settle(() => reject(state.ended.reason as Error));
    const cancel =
      timeoutMs === Infinity
        ? () => {}
        : state.time.after(timeoutMs, () => settle(() => reject(late(state, timeoutMs))));
    const settle = (how: () => void): void => {
      unwatch();
      cancel();
      signal?.removeEventListener('abort', aborted);
      state.ended.removeEventListener('abort', ended);
      how();
    };
    signal?.addEventListener('abort', aborted);
    state.ended.addEventListener('abort', ended);
  });
}

function holds<R>(predicate: (reading: R) => boolean, reading: R): boolean {
  const answer: unknown = predicate(reading);
  if (answer instanceof Promise) {
    answer.catch(() => {});
    throw new TandemError('INVALID_OPTION', 'waitUntil: expected a synchronous predicate, got a promise');
  }
  return Boolean(answer);
}

/** Says how the key reads now, but for its value, and what stands in the way. */
function late<R extends Reading>(state: Awaited<R>, timeoutMs: number): TandemError {
  const what = `what was awaited of "${state.key}" in space "${state.space}" did not come`;
  const { text = '', cause } = state.obstacle ?? {};
  try {
    const { value, position, freshness, owner } = state.read();
    const held = value === undefined ? 'it holds nothing' : `it holds a value of ${position}`;
    const now = `now ${held}, is ${freshness}, and its owner is ${owner}`;
    return timeoutError(what, timeoutMs, { text: `${now}${text && `; ${text}`}`, cause });
  } catch (error) {
    return timeoutError(what, timeoutMs, {
      text: error instanceof Error ? error.message : text,
      cause: error,
    });
  }
}
