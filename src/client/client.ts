/** A client, as users see it: `follow` makes one. It has the same readings as a follower. */
import type { AnyReading, ReadingOf, WatchedBy } from '../state/any-reading.ts';
import type { Definition, KeyOf, PatternOf } from '../state/definition.ts';
import type { Mode } from '../state/mode.ts';
import type { Freshness, OwnerState, Source } from '../state/reading.ts';
import type { ClientError } from './client-error.ts';

/** A space of which a client knows no schema: any key, with any value. */
export type AnyKey = Readonly<Record<'*', Definition[string]>>;

/** How long a client waits. */
export interface WaitOptions {
  /** ms. Default 10,000. */
  readonly timeoutMs?: number | undefined;
  /** Ends the wait with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/** A space, as a client follows it. */
export interface Client<D extends Definition = AnyKey> {
  /** The name of the space. */
  readonly space: string;
  /** The position of the copy, as `epoch-revision`; `0-0` before the first state. */
  readonly head: string;
  /** The number of keys that hold a value. */
  readonly size: number;
  /** `live` where all of the copy is: as a reading says it, computed when it is read. */
  readonly freshness: Freshness;
  /** Time since the owner last proved the copy current, ms; Infinity when it never did. */
  readonly staleMs: number;
  /** How the owner stands, as far as it is known here. */
  readonly owner: OwnerState;
  /** Whether `owner` is `alive`. */
  readonly ownerAlive: boolean;
  /** The path by which the server is kept current; `memory` where there is none, or no stream. */
  readonly source: Source;
  /**
   * The state of the stream: `recovering` until the first events have come, `connected`, `degraded` while it is
   * lost, and `stopped` at the end.
   */
  readonly mode: Mode;
  /** Why the stream is lost, or why the client has ended; `undefined` where nothing is wrong. */
  readonly error: ClientError | undefined;
  /**
   * The reading of a key. The value is `undefined` for a key that holds nothing. It is the same object for as
   * long as neither the key nor its proof has changed.
   * @throws ClientError `UNKNOWN_KEY` where there is a schema, and it does not define the key
   */
  get<K extends KeyOf<D>>(key: K): ReadingOf<D, K>;
  /**
   * The readings of the keys that hold a value.
   * @param prefix only of keys that begin with it; default all
   */
  entries<Prefix extends string = ''>(prefix?: Prefix): Iterable<AnyReading<D, Prefix>>;
  /**
   * Calls back with the reading of each key that has changed, once all that came with it is in the copy. The
   * value is `undefined` for a deleted key. What the callback throws goes to `onError`.
   * @param pattern a key, `'*'` for all keys, or a prefix that ends in `/*`
   * @param options initial: whether to call back with what is there first; signal: ends the watch
   * @returns a function that ends the calls
   */
  watch<P extends PatternOf<D>>(
    pattern: P,
    callback: (reading: WatchedBy<D, P>) => unknown,
    options?: { readonly initial?: boolean | undefined; readonly signal?: AbortSignal | undefined },
  ): () => void;
  /**
   * The changes of keys from now on, to be iterated: the latest reading of each key that has changed since it was
   * taken last. Nothing queues. The iteration ends once the client has; at once with `signal` or `break`.
   * @param pattern as for `watch`
   */
  changes<P extends PatternOf<D>>(
    pattern: P,
    options?: { readonly signal?: AbortSignal | undefined },
  ): AsyncIterableIterator<WatchedBy<D, P>>;
  /**
   * Calls back whenever something has changed that a reading, or this client, shows without being asked: keys,
   * head, freshness, owner, source, mode or error. It is made for `useSyncExternalStore` and the like.
   * @returns a function that ends the calls
   */
  subscribe(callback: () => void): () => void;
  /**
   * Resolves once a whole state has come. It may be stale.
   * @throws ClientError `TIMEOUT`, `STOPPED`, or the error that ended the client; the reason of the signal
   */
  ready(options?: WaitOptions): Promise<void>;
  /**
   * Resolves once the copy is at `position` or past it.
   * @param position `epoch-revision`, as `head`, a reading or an answer gave it
   * @throws as `ready`
   */
  waitFor(position: string, options?: WaitOptions): Promise<void>;
  /** Ends the client, for good. Readings still come from memory, and grow stale. */
  close(): void;
}
