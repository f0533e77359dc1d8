/** The removal of a space that nobody owns. */
import { timeoutError } from '../base/errors.ts';
import type { Time } from '../base/time.ts';
import { withDeadline } from '../base/time.ts';
import type { Link, Store } from '../ports/store.ts';
import { LeaseWatch } from '../state/lease-watch.ts';
import { oncePastLease } from './claim.ts';

/**
 * Removes a space, once Redis is up and no owner holds the space.
 * @returns whether there was such a space
 * @throws OwnedElsewhereError where an owner renews its lease
 * @throws TandemError `TIMEOUT`, or what the store throws
 */
export function removeSpace(store: Store, space: string, time: Time, timeoutMs: number): Promise<boolean> {
  const over = new AbortController();
  const { signal } = over;
  let holder = '';
  const held = (ownerName: string, leaseMs: number): void => {
    holder = `the lease of "${ownerName}" still runs for ${Math.ceil(leaseMs)} ms`;
  };
  const remove = async (): Promise<boolean> => {
    await untilUp(store.commands, signal);
    const watched = { space, time, signal, watch: new LeaseWatch(), listener: { held } };
    const { outcome } = await oncePastLease((outwaited) => store.remove(space, outwaited), watched);
    return outcome === 'removed';
  };
  const late = (): Error => {
    over.abort();
    const { error } = store.commands;
    const text = error?.message ?? (holder || 'Redis has not answered');
    return timeoutError(`space "${space}" was not removed`, timeoutMs, { text, cause: error });
  };
  return withDeadline(time, timeoutMs, remove(), late);
}

function untilUp(link: Link, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const unwatch = link.watch(look);
    signal.addEventListener('abort', () => unwatch(), { once: true });
    look();
    function look(): void {
      if (!link.up) return;
      unwatch();
      resolve();
    }
  });
}
