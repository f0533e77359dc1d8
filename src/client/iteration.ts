/**
 * The changes of keys, to be iterated: as `Changes` of the core, with less code. Each key that has changed since
 * it was last taken has one place, so nothing queues.
 */
import type { Reading } from '../state/reading.ts';

/**
 * @param watch begins to call back with the reading of each key that changes, and returns a function that ends it
 * @param read the reading of a key now
 * @param signals what ends the iteration: at once by the first, after what waits by the second
 */
export function iterate(
  watch: (callback: (reading: Reading) => void) => () => void,
  read: (key: string) => Reading,
  [abort, end]: readonly [AbortSignal | undefined, AbortSignal],
): AsyncIterableIterator<Reading> {
  type Result = IteratorResult<Reading, undefined>;
  const keys = new Set<string>();
  const takers: ((result: Result) => void)[] = [];
  let isOver = false;
  const unwatch = watch((reading) => {
    const taker = takers.shift();
    if (taker) taker({ done: false, value: reading });
    else keys.add(reading.key);
  });
  const finish = (): void => {
    isOver = true;
    unwatch();
    abort?.removeEventListener('abort', drop);
    end.removeEventListener('abort', finish);
    for (const taker of takers.splice(0)) taker({ done: true, value: undefined });
  };
  const drop = (): void => {
    keys.clear();
    finish();
  };
  abort?.addEventListener('abort', drop);
  end.addEventListener('abort', finish);
  if (abort?.aborted || end.aborted) finish();
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    next: () =>
      new Promise((resolve) => {
        for (const key of keys) {
          keys.delete(key);
          return resolve({ done: false, value: read(key) });
        }
        if (isOver) resolve({ done: true, value: undefined });
        else takers.push(resolve);
      }),
    return() {
      drop();
      return this.next();
    },
  };
}
