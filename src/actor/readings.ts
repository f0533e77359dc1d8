/**
 * The readings of one participant, and the ways to hear of new ones: `watch`, `changes` and `waitUntil`. They are
 * the same on an owner, a standby and a follower.
 */
import { requireFunction } from '../base/options.ts';
import type { AnyReading, ReadingOf, WatchedBy } from '../state/any-reading.ts';
import type { Definition, KeyOf, PatternOf, ValueOf } from '../state/definition.ts';
import type { Position } from '../state/position.ts';
import type { Reading, Row } from '../state/reading.ts';
import type { Space } from '../state/space.ts';
import { Changes } from './changes.ts';
import type { Context } from './context.ts';
import type { WaitUntilOptions } from './wait-until.ts';
import { waitUntil } from './wait-until.ts';
import type { Watchable, WatchOptions } from './watch.ts';
import { beginWatch, checkedWatch } from './watch.ts';

/** The events after which a reading may say something else although its key has not changed. */
const LOOK_AGAIN = ['freshness', 'ownerChanged', 'mode'] as const;

export abstract class Readings<D extends Definition> {
  abstract readonly space: Space<D>;
  protected abstract readonly context: Context;
  /** The number of keys that hold a value. */
  abstract readonly size: number;
  /**
   * The reading of a key. The value is `undefined` for a key that holds nothing.
   * @throws TandemError `UNKNOWN_KEY`
   */
  abstract get<K extends KeyOf<D>>(key: K): ReadingOf<D, K>;
  /**
   * Like `entries`, but with rows, which cost a tenth of readings.
   * @internal
   */
  abstract rows(prefix?: string): Iterable<Row<KeyOf<D>, ValueOf<D, KeyOf<D>>>>;
  /**
   * The rows that `rowsSince` has, as they are at the first step, for a walk in slices: the state may change
   * meanwhile. An entry that has no row gives `undefined`, so that the walk can rest there, too. A walk that
   * is not ended has to be closed.
   * @param from a position at which `canContinue` holds; default: all rows
   * @internal
   */
  abstract snapshotRows(from?: Position): Generator<Row | undefined, void, void>;
  /**
   * Begins to call back with the reading of each key of a pattern that changes: `undefined` where its value
   * cannot be read. Returns a function that ends the calls.
   */
  protected abstract addWatcher(
    pattern: string,
    callback: (reading: AnyReading<D> | undefined) => void,
  ): () => void;
  /** Calls back with each event of a type. */
  protected abstract onEvent(type: string, callback: () => void): { unsubscribe(): void };

  /**
   * The readings of the keys that hold a value.
   * @param prefix only of keys that begin with it; default all
   */
  *entries<Prefix extends string = ''>(prefix?: Prefix): Iterable<AnyReading<D, Prefix>> {
    for (const row of this.rows(prefix)) yield row.reading as AnyReading<D, Prefix>;
  }

  /**
   * Calls back with the reading of each key that has changed: on a follower once the whole frame is in, on an
   * owner at the end of the turn. The value is `undefined` for a deleted key. On a follower that has read nothing
   * yet, each key of its first state counts as changed. An error that the callback throws becomes an `error`
   * event.
   * @param pattern a key, `'*'` for all keys, or a prefix that ends in `/*`: a family (`'strategy/*'`), or what
   *   is below one (`'strategy/eu/*'`)
   * @param options.initial whether to call back with what is there first; default false
   * @param options.signal ends the watch
   * @returns a function that ends the calls
   * @throws TandemError `UNKNOWN_KEY`, or `INVALID_OPTION` for a callback that is no function
   */
  watch<P extends PatternOf<D>>(
    pattern: P,
    callback: (reading: WatchedBy<D, P>) => unknown,
    options: WatchOptions = {},
  ): () => void {
    this.space.requirePattern(pattern);
    const name = `watch('${pattern}')`;
    requireFunction(name, callback);
    const guarded = this.context.reporter.guard(name, callback as (reading: Reading) => unknown);
    return beginWatch(this.#watchable(), pattern, guarded, checkedWatch(name, options));
  }

  /**
   * The changes of keys from now on, to be iterated: the latest reading of each key that has changed since it was
   * taken last. A slow consumer gets each changed key once, and nothing queues. The iteration ends once the
   * participant has stopped, after what had changed before; at once with `signal` or `break`.
   * @param pattern as for `watch`
   * @param options.signal ends the iteration at once
   * @throws TandemError `UNKNOWN_KEY` or `INVALID_OPTION`
   */
  changes<P extends PatternOf<D>>(
    pattern: P,
    options: Pick<WatchOptions, 'signal'> = {},
  ): AsyncIterableIterator<WatchedBy<D, P>> {
    this.space.requirePattern(pattern);
    const { signal } = checkedWatch(`changes('${pattern}')`, options);
    const state = this.#watchable();
    const changes = new Changes<Reading>({
      watch: (callback) => state.add(pattern, callback),
      read: (key) => state.read(key),
      ended: this.context.ended.signal,
      signal,
    });
    return changes as unknown as AsyncIterableIterator<WatchedBy<D, P>>;
  }

  /**
   * Resolves once a reading of a key is as the predicate wants it, also at once. It is asked again whenever the
   * key changes, or its freshness, its owner or the mode.
   * @param predicate synchronous
   * @param options.timeoutMs ms, or Infinity; default 10,000
   * @param options.signal ends the wait: the promise rejects with its reason
   * @returns the first reading for which the predicate holds
   * @throws TandemError `UNKNOWN_KEY`, `INVALID_OPTION`, `TIMEOUT` (which says how the key reads, without its
   *   value) or `STOPPED`; an owner's also `FENCED` or `OWNED_ELSEWHERE`
   * @throws the reason of the signal, and what the predicate throws
   */
  async waitUntil<K extends KeyOf<D>>(
    key: K,
    predicate: (reading: ReadingOf<D, K>) => boolean,
    options: WaitUntilOptions = {},
  ): Promise<ReadingOf<D, K>> {
    this.space.requireSchema(key);
    const { runtime, ended, waiters } = this.context;
    const awaited = {
      time: runtime.time,
      space: this.space.name,
      key,
      ended: ended.signal,
      get obstacle() {
        return waiters.obstacle;
      },
      read: (): Reading => this.get(key),
      watch: (look: () => void) => this.#watchReading(key, look),
    };
    const asked = predicate as (reading: Reading) => boolean;
    return (await waitUntil<Reading>(awaited, asked, options)) as ReadingOf<D, K>;
  }

  #watchReading(key: string, look: () => void): () => void {
    const unwatch = this.addWatcher(key, look);
    const subscriptions = LOOK_AGAIN.map((type) => this.onEvent(type, look));
    return () => {
      unwatch();
      for (const subscription of subscriptions) subscription.unsubscribe();
    };
  }

  #watchable(): Watchable<Reading> {
    const size = (): number => this.size;
    return {
      slices: this.context.runtime.slices,
      get size() {
        return size();
      },
      add: (pattern, callback) =>
        this.addWatcher(pattern, (reading) => reading !== undefined && callback(reading)),
      read: (key) => this.readable(key),
      rows: () => this.snapshotRows(),
    };
  }

  /** The reading of a key; `undefined` where the key or its value cannot be read here. */
  protected readable(key: string): AnyReading<D> | undefined {
    try {
      return this.get(key as KeyOf<D>) as AnyReading<D>;
    } catch {
      return undefined;
    }
  }
}
