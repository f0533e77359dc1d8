/**
 * A watch of keys, as users begin one: it calls back with each change from now on. Where it is asked to, it
 * first calls back with what is there.
 *
 * What is there is told by a walk over the state as it is at the beginning, in slices where the state is
 * large. A key that changes before the walk has come to it is left to the calls for changes, which have its
 * newer reading. So no watcher goes back.
 */
import { requireBoolean, requireObject, requireSignal } from '../base/options.ts';
import { inRoot } from '../base/root.ts';
import type { Sliced, Slices } from '../base/slices.ts';
import { finish } from '../base/slices.ts';
import { outside } from '../base/stretches.ts';
import type { Reading, Row } from '../state/reading.ts';

/** Options of `watch`. */
export interface WatchOptions {
  /**
   * Whether to call back with each key that holds a value now, before anything later: before `watch` returns,
   * or in slices after it where the state has more than 1,000 keys. Default false.
   */
  readonly initial?: boolean | undefined;
  /** Ends the watch once it is aborted. One that is aborted already watches nothing. Default: none. */
  readonly signal?: AbortSignal | undefined;
}

/** What a watch needs of its participant. */
export interface Watchable<R> {
  readonly slices: Slices;
  /** The number of keys that hold a value. */
  readonly size: number;
  /** Calls back with each change of a key that the pattern has. Returns a function that ends the calls. */
  add(pattern: string, callback: (reading: R) => void): () => void;
  /** The reading of a key; `undefined` where its value cannot be read. */
  read(key: string): R | undefined;
  /** The rows as they are at the first step: see `Participant.snapshotRows`. */
  rows(): Generator<Row | undefined, void, void>;
}

/** @throws TandemError `INVALID_OPTION` */
export function checkedWatch(name: string, options: WatchOptions): WatchOptions {
  requireObject(name, options);
  if (options.initial !== undefined) requireBoolean('initial', options.initial);
  requireSignal(options.signal);
  return options;
}

/**
 * Begins a watch.
 * @param callback must not throw
 * @returns a function that ends it
 */
export function beginWatch<R extends Reading>(
  state: Watchable<R>,
  pattern: string,
  callback: (reading: R) => void,
  { initial = false, signal }: WatchOptions,
): () => void {
  if (signal?.aborted) return () => {};
  const ended = new AbortController();
  const remove = state.add(pattern, callback);
  const end = (): void => {
    remove();
    ended.abort();
    signal?.removeEventListener('abort', end);
  };
  signal?.addEventListener('abort', end);
  if (initial) tellPresent(state, pattern, callback, ended.signal);
  return end;
}

function tellPresent<R extends Reading>(
  state: Watchable<R>,
  pattern: string,
  callback: (reading: R) => void,
  ended: AbortSignal,
): void {
  const tell = (reading: R | undefined): void => {
    if (reading?.value !== undefined) inRoot(() => outside(() => callback(reading)));
  };
  if (!pattern.endsWith('*')) return tell(state.read(pattern));
  const work = present(state, pattern.slice(0, -1), tell, ended);
  if (state.size <= state.slices.fewSteps) finish(work);
  else state.slices.run(work, ended).catch(() => {});
}

function* present<R extends Reading>(
  state: Watchable<R>,
  prefix: string,
  tell: (reading: R | undefined) => void,
  ended: AbortSignal,
): Sliced<void> {
  for (const row of state.rows()) {
    if (row?.key.startsWith(prefix) && row.key !== prefix) {
      const reading = state.read(row.key);
      if (reading?.position === row.position) tell(reading);
    }
    if (ended.aborted) return;
    yield;
  }
}
