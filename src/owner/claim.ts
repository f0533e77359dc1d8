/** Claiming a space: waits for a dead owner's lease to run out, and gives way to a living one. */
import { OwnedElsewhereError } from '../base/errors.ts';
import type { Claim, Head, Store } from '../ports/store.ts';
import type { Time } from '../base/time.ts';
import { pause } from '../base/time.ts';

/** The longest pause between two tries, ms. */
const POLL_MS = 100;
/** The shortest: a lease without an expiry, as somebody may set it by hand, always seems to end in 1 ms. */
const MIN_POLL_MS = 10;
/**
 * One renewal may be a dead owner's last command, still on its way. The second shows that the owner lives.
 */
const RENEWALS_OF_THE_LIVING = 2;

/**
 * Resolves with the store's head once the space is claimed; `head.fence` is the new epoch.
 * @throws OwnedElsewhereError where another owner renews its lease
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
    // A claim that was called off meanwhile is returned too: the caller has to give up its lease.
    if (outcome === 'claimed') return head;
    signal.throwIfAborted();
    // The answer came, so the claim was in time: the server's clock was set. The answer has shown its new time.
    if (outcome === 'late') continue;
    // Both times are the server's, and leaseMs is rounded. A lease that now ends clearly later was renewed.
    if (head.now + head.leaseMs > expiresAt + 2) renewals += 1;
    if (renewals >= RENEWALS_OF_THE_LIVING) throw new OwnedElsewhereError(space, head.ownerName);
    expiresAt = head.now + head.leaseMs;
    await pause(time, Math.min(POLL_MS, Math.max(MIN_POLL_MS, head.leaseMs + 1)), signal);
    signal.throwIfAborted();
  }
}
