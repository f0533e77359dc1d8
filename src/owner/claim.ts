/**
 * Claiming a space, and removing one: waits for a dead owner's lease to run out, and gives way to a living one. A
 * lease that shows no sign of a living owner is over once it was watched for as long as it was asked for.
 */
import { OwnedElsewhereError } from '../base/errors.ts';
import type { Claim, Head, Outcome, Store } from '../ports/store.ts';
import type { Time } from '../base/time.ts';
import { pause } from '../base/time.ts';
import { LeaseWatch } from '../state/lease-watch.ts';
import { isOfThisProcess } from './own-process.ts';

/** The longest pause between two tries, ms. */
const POLL_MS = 100;
/** The shortest: a lease that is over by the watch may still be held, where it was renewed meanwhile. */
const MIN_POLL_MS = 10;
/**
 * One renewal may be a dead owner's last command, still on its way. The second shows that the owner lives.
 */
const RENEWALS_OF_THE_LIVING = 2;

/** Told while a claim waits for another owner's lease. */
export interface ClaimListener {
  /** @param leaseMs the time for which the lease may still run, ms */
  held(ownerName: string, leaseMs: number): void;
}

/**
 * Resolves with the store's head once the space is claimed; `head.fence` is the new epoch.
 * @param watch of the last owner's lease, where the claimant has followed the space
 * @param listener is told of a lease that holds the claim off
 * @throws OwnedElsewhereError where another owner renews its lease
 */
export async function claimSpace(
  store: Store,
  space: string,
  claim: Claim,
  time: Time,
  signal: AbortSignal,
  watch: LeaseWatch = new LeaseWatch(),
  listener?: ClaimListener,
): Promise<Head> {
  watch.assume(claim.leaseMs);
  const ask = (outwaited: number | undefined): Promise<Outcome<'claimed', 'held' | 'late'>> =>
    store.claim(space, { ...claim, outwaited });
  const { head } = await oncePastLease(ask, { space, time, signal, watch, listener });
  return head;
}

export interface Watched {
  readonly space: string;
  readonly time: Time;
  readonly signal: AbortSignal;
  readonly watch: LeaseWatch;
  readonly listener?: ClaimListener | undefined;
}

/**
 * Asks until the answer is neither `held` nor `late`.
 * @throws OwnedElsewhereError where another owner renews its lease
 */
export async function oncePastLease<O extends string>(
  ask: (
    outwaited: number | undefined,
  ) => Promise<{ readonly outcome: O | 'held' | 'late'; readonly head: Head }>,
  { space, time, signal, watch, listener }: Watched,
): Promise<{ readonly outcome: Exclude<O, 'held' | 'late'>; readonly head: Head }> {
  const { renewals } = watch;
  for (;;) {
    signal.throwIfAborted();
    const { outcome, head } = await ask(watch.outwaited(time.now()));
    // A claim that was called off meanwhile is returned too: the caller has to give up its lease.
    if (outcome !== 'held' && outcome !== 'late')
      return { outcome: outcome as Exclude<O, 'held' | 'late'>, head };
    signal.throwIfAborted();
    // The answer came, so the claim was in time: the server's clock was set. The answer has shown its new
    // time.
    if (outcome === 'late') continue;
    const leftMs = watch.look(head, time.now());
    if (watch.renewals - renewals >= RENEWALS_OF_THE_LIVING)
      throw new OwnedElsewhereError(space, head.ownerName, isOfThisProcess(head.owner));
    listener?.held(head.ownerName, leftMs);
    await pause(time, Math.min(POLL_MS, Math.max(MIN_POLL_MS, leftMs + 1)), signal);
    signal.throwIfAborted();
  }
}
