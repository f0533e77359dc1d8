/** Claiming a space: waits for a dead owner's lease to run out, and gives way to a living one. */
import { OwnedElsewhereError } from '../base/errors.ts';
import type { Claim, Head, Store } from '../ports/store.ts';
import type { Time } from '../base/time.ts';
import { pause } from '../base/time.ts';

const POLL_MS = 100;
/** A lease without an end, set by hand for example, looks as if it ended at once, again and again. */
const MIN_POLL_MS = 10;
/** A dead owner's last command may still be on its way; the second renewal shows that the owner lives. */
const RENEWALS_OF_THE_LIVING = 2;

/**
 * Returns the head once the space is claimed; `head.fence` is the new epoch.
 * @throws OwnedElsewhereError where another renews the lease
 */
export async function claimSpace(
  store: Store,
  space: string,
  claim: Claim,
  time: Time,
  signal: AbortSignal,
): Promise<Head> {
  let expiresAt = Infinity;
  let renewals = 0;
  for (;;) {
    signal.throwIfAborted();
    const { outcome, head } = await store.claim(space, claim);
    // Also where the claim was called off meanwhile: the caller has to give it back.
    if (outcome === 'claimed') return head;
    signal.throwIfAborted();
    // Both are the server's time, in whole milliseconds: a lease that ends later than before was renewed.
    if (head.now + head.leaseMs > expiresAt + 2) renewals += 1;
    if (renewals >= RENEWALS_OF_THE_LIVING) throw new OwnedElsewhereError(space, head.ownerName);
    expiresAt = head.now + head.leaseMs;
    await pause(time, Math.min(POLL_MS, Math.max(MIN_POLL_MS, head.leaseMs + 1)), signal);
    signal.throwIfAborted();
  }
}
