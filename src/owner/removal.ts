/** The removal of a space that nobody owns. */
import { asTandemError, timeoutError } from '../base/errors.ts';
import type { Time } from '../base/time.ts';
import { backoffMs, pause, withDeadline } from '../base/time.ts';
import type { Link, Store } from '../ports/store.ts';
import { LeaseWatch } from '../state/lease-watch.ts';
import type { Watched } from './claim.ts';
import { oncePastLease } from './claim.ts';

export interface RemovalOptions {
  readonly time: Time;
  readonly timeoutMs: number;
  /** Aborted once the process stops, with the error for that. */
  readonly ended: AbortSignal;
}

/**
 * Removes a space, once Redis is up and no owner holds the space. A try that failed since Redis is out is repeated:
 * to remove a space twice does no harm.
 * @returns whether there was such a space
 * @throws OwnedElsewhereError where an owner renews its lease
 * @throws TandemError `TIMEOUT`, the error of `ended`, or what Redis refuses
 */
export function removeSpace(
  store: Store,
  space: string,
  { time, timeoutMs, ended }: RemovalOptions,
): Promise<boolean> {
  const late = new AbortController();
  const signal = AbortSignal.any([late.signal, ended]);
  let holder = '';
  const held = (ownerName: string, leaseMs: number): void => {
    holder = `the lease of "${ownerName}" still runs for ${Math.ceil(leaseMs)} ms`;
  };
  const watched = { space, time, signal, watch: new LeaseWatch(), listener: { held } };
  const tooLate = (): Error => {
    late.abort();
    const { error } = store.commands;
    const text = error?.message ?? (holder || 'Redis has not answered');
    return timeoutError(`space "${space}" was not removed`, timeoutMs, { text, cause: error });
  };
  return withDeadline(time, timeoutMs, orEnded(remove(store, watched), ended), tooLate);
}

async function remove(store: Store, watched: Watched): Promise<boolean> {
  const { space, time, signal } = watched;
  for (let failures = 0; ; failures += 1) {
    if (failures > 0) await pause(time, backoffMs(time, failures), signal);
    await untilUp(store.commands, signal);
    signal.throwIfAborted();
    try {
      const { outcome } = await oncePastLease((outwaited) => store.remove(space, outwaited), watched);
      return outcome === 'removed';
    } catch (error) {
      if (!asTandemError(error, 'CALLBACK_FAILED', 'unexpected').retryable) throw error;
    }
  }
}

/** Rejects once the process stops. */
function orEnded<T>(work: Promise<T>, ended: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const end = (): void => reject(ended.reason as Error);
    ended.addEventListener('abort', end, { once: true });
    if (ended.aborted) end();
    work.then(resolve, reject).finally(() => ended.removeEventListener('abort', end));
  });
}

function untilUp(link: Link, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const unwatch = link.watch(look);
    signal.addEventListener('abort', done, { once: true });
    look();
    function look(): void {
      if (link.up) done();
    }
    function done(): void {
      unwatch();
      signal.removeEventListener('abort', done);
      resolve();
    }
  });
}
