/**
 * Follows a space over HTTP, in a browser or in anything else that has `fetch`. Readings come from a copy in memory,
 * and each says how old its proof is when it is read.
 */
import type { Definition } from '../state/definition.ts';
import type { Mode } from '../state/mode.ts';
import type { Reading } from '../state/reading.ts';
import type { AnyKey, Client, WaitOptions } from './client.ts';
import { ClientError } from './client-error.ts';
import { systemTime } from './client-time.ts';
import { compare, isUnclaimed, newCopy } from './copy.ts';
import { iterate } from './iteration.ts';
import type { ClientOptions } from './options.ts';
import { askingOf, nameOf } from './options.ts';
import type { Proven } from './proof.ts';
import { NOTHING, proofOf, provenBy } from './proof.ts';
import { schemaOf } from './schemas.ts';
import { openStream } from './stream.ts';

/**
 * Follows a space over the routes that `statusRouter` serves. The client begins at once, and goes on until it is
 * closed, or until the server refuses its credentials.
 * @throws ClientError `INVALID_OPTION`
 */
export function follow<const D extends Definition = AnyKey>(options: ClientOptions<D>): Client<D> {
  const { maxStaleMs = 2_500, time = systemTime(), signal: life, onError } = options;
  const space = nameOf(options);
  const definition =
    options.schema ?? (typeof options.space === 'string' ? undefined : options.space.definition);
  const copy = newCopy(definition, report);
  const end = new AbortController();
  const watches = new Set<(key: string) => void>();
  const subscribers = new Set<() => void>();
  /** The keys that changed, and of which nobody was told yet. */
  let changed = new Set<string>();
  let mode: Mode = 'recovering';
  let error: ClientError | undefined;
  let proven = NOTHING;
  let proof = proofOf(proven, time, maxStaleMs);
  /** What subscribers were told last. */
  let told = '';
  let cancelLook = (): void => {};

  const client: Client<D> = {
    space,
    get head() {
      return copy.head;
    },
    get size() {
      return copy.entries.size;
    },
    get freshness() {
      return copy.refusals.size === 0 ? proof.freshness : 'stale';
    },
    get staleMs() {
      return proof.staleMs;
    },
    get owner() {
      return proof.owner;
    },
    get ownerAlive() {
      return proof.owner === 'alive';
    },
    get source() {
      return proof.source;
    },
    get mode() {
      return mode;
    },
    get error() {
      return error;
    },
    get(key) {
      if (!schemaOf(definition, key)) throw errorOf('UNKNOWN_KEY', `defines no key "${key}"`);
      return read(key) as never;
    },
    *entries(prefix) {
      for (const key of copy.entries.keys()) if (key.startsWith(prefix ?? '')) yield read(key) as never;
    },
    watch(pattern, callback, { initial, signal } = {}) {
      const prefix = pattern.slice(0, -1);
      const isMeant = (key: string): boolean =>
        pattern.endsWith('*') ? key.startsWith(prefix) && key !== prefix : key === pattern;
      const watch = (key: string): void => {
        if (isMeant(key) && watches.has(watch)) call(() => callback(read(key) as never));
      };
      const unwatch = (): void => {
        watches.delete(watch);
        signal?.removeEventListener('abort', unwatch);
      };
      watches.add(watch);
      signal?.addEventListener('abort', unwatch);
      if (signal?.aborted) unwatch();
      if (initial) [...copy.entries.keys()].forEach(watch);
      return unwatch;
    },
    changes(pattern, { signal } = {}) {
      return iterate((callback) => client.watch(pattern, callback), read, [signal, end.signal]) as never;
    },
    subscribe(callback) {
      // The same function may come twice.
      const subscriber = (): void => callback();
      subscribers.add(subscriber);
      return () => void subscribers.delete(subscriber);
    },
    ready: (waiting) => wait(() => copy.isWhole, 'was not read', waiting),
    waitFor: (position, waiting) =>
      wait(() => compare(copy.head, position) >= 0, `did not come to ${position}`, waiting),
    close: () => stop(),
  };

  told = statusNow();
  const closeStream = openStream(
    {
      from: () => (isUnclaimed(copy.head) ? '' : copy.head),
      take(type, data, clock) {
        if (type === 'change') copy.apply(data, changed);
        if (type === 'state') copy.replace(data, changed);
        if (type !== 'state' && type !== 'status') return;
        copy.moveTo(data.head);
        prove(provenBy(data, clock, time));
        mode = 'connected';
        error = undefined;
      },
      settled() {
        const keys = changed;
        changed = new Set();
        for (const key of keys) for (const watch of watches) watch(key);
        look(keys.size > 0);
      },
      lost(failure) {
        fall(mode === 'connected' ? 'degraded' : mode, failure, error?.code);
      },
      ended: stop,
    },
    time,
    2 * maxStaleMs,
    askingOf(options),
  );
  life?.addEventListener('abort', () => stop(), { signal: end.signal });
  if (life?.aborted) stop();
  return client;

  function stop(failure?: ClientError): void {
    if (mode === 'stopped') return;
    closeStream();
    end.abort();
    fall('stopped', failure);
  }

  /** There is no stream: nothing keeps the copy current. An error that is known already is not reported again. */
  function fall(next: Mode, failure: ClientError | undefined, known?: string): void {
    mode = next;
    error = failure;
    prove({ ...proven, source: 'memory' });
    look();
    if (failure && failure.code !== known) report(failure);
  }

  function prove(next: Proven): void {
    proven = next;
    proof = proofOf(next, time, maxStaleMs);
  }

  function read(key: string): Reading {
    return copy.read(key, proof);
  }

  function statusNow(): string {
    return [copy.head, client.freshness, proof.owner, proof.source, mode, error?.message].join('|');
  }

  /** Tells subscribers where something is different, and looks again when time alone makes it so. */
  function look(isChanged = false): void {
    cancelLook();
    const status = statusNow();
    const isNews = isChanged || status !== told;
    told = status;
    if (isNews) subscribers.forEach(call);
    // A client that has ended leaves no timer.
    if (mode !== 'stopped' && proof.restMs < Infinity) cancelLook = time.after(proof.restMs, look);
  }

  /** @param what completes "space … within 500 ms" */
  function wait(isDone: () => boolean, what: string, { timeoutMs = 10_000, signal }: WaitOptions = {}) {
    return new Promise<void>((resolve, reject) => {
      const check = (): void => {
        if (signal?.aborted) settle(() => reject(signal.reason as Error));
        else if (isDone()) settle(resolve);
        else if (mode === 'stopped') settle(() => reject(error ?? errorOf('STOPPED', 'is closed')));
      };
      const unsubscribe = client.subscribe(check);
      const cancel = time.after(timeoutMs, () => {
        const why = `${what} within ${timeoutMs} ms: ${error?.message}`;
        settle(() => reject(errorOf('TIMEOUT', why, { retryable: true, cause: error })));
      });
      const settle = (act: () => void): void => {
        cancel();
        unsubscribe();
        signal?.removeEventListener('abort', check);
        act();
      };
      signal?.addEventListener('abort', check);
      check();
    });
  }

  /** What a callback throws disturbs nobody else. */
  function call(run: () => unknown): void {
    try {
      run();
    } catch (cause) {
      report(errorOf('CALLBACK_FAILED', 'had a callback that threw', { cause }));
    }
  }

  function report(failure: ClientError): void {
    try {
      onError?.(failure);
    } catch {
      // Who throws when told of errors is not told of this one.
    }
  }

  function errorOf(
    code: ClientError['code'],
    what: string,
    details?: ConstructorParameters<typeof ClientError>[2],
  ) {
    return new ClientError(code, `space "${space}" ${what}`, details);
  }
}
