/**
 * How an owner stops by itself. The order matters:
 *
 *   1. Nothing more can be set, so that a flush takes everything.
 *   2. The current call ends. If it is a batch that called `stop`, its changes are still set.
 *   3. The flush commits everything that was set. It may take three quarters of the time.
 *   4. Nothing more begins: a heartbeat after the goodbye, or a claim, would take the lease back.
 *   5. Where Redis is up, calls on their way settle. Then the lease is given up, with a goodbye to followers.
 *   6. The space is released, or lost where something is not committed, and the owner closed.
 *
 * A failure on the way is reported, and the next step follows. All of it ends within the time.
 */
import type { OwnershipDriver } from '../actor/ownership-driver.ts';
import type { Context } from '../actor/context.ts';
import type { Stopped } from '../actor/stopped.ts';
import { TandemError, timeoutError } from '../base/errors.ts';
import { withDeadline } from '../base/time.ts';
import type { Books } from './books.ts';
import type { CommitScheduler } from './commit-scheduler.ts';
import type { Leadership, Led } from './leadership.ts';

/** The share of the time that the flush may take. */
const FLUSH_SHARE = 0.75;

export interface ShutDownParts {
  readonly books: Books;
  readonly scheduler: CommitScheduler;
  readonly leadership: Leadership;
  readonly ownership: OwnershipDriver;
}

/** @param timeoutMs for all of it, ms */
export async function shutDown(
  context: Context,
  parts: ShutDownParts,
  owner: Pick<Led, 'close'>,
  timeoutMs: number,
): Promise<Stopped> {
  const { scheduler, leadership, ownership } = parts;
  if (leadership.ended) return { uncommitted: await leadership.uncommitted() };
  const { time } = context.runtime;
  const deadline = time.now() + timeoutMs;
  leadership.end(stoppedError(context.space));
  await Promise.resolve();
  await flush(context, parts, timeoutMs * FLUSH_SHARE).catch((error: unknown) =>
    context.reporter.report(error),
  );
  scheduler.stop();
  leadership.abort();
  const isGivenUp = await release(context, leadership, Math.max(0, deadline - time.now()), timeoutMs);
  leadership.over(isGivenUp);
  ownership.send('released');
  owner.close();
  return { uncommitted: await leadership.uncommitted() };
}

export function stoppedError(space: string): TandemError {
  return new TandemError('STOPPED', `the owner of space "${space}" is stopped`);
}

async function flush(
  context: Context,
  { books, leadership }: ShutDownParts,
  timeoutMs: number,
): Promise<void> {
  const { space, waiters, connection } = context;
  const isCommitted = (): boolean => {
    // While a catch-up runs, Redis may have lost what was committed before.
    const isRecovering = leadership.hasLed && connection.mode === 'recovering';
    return !books.progress.lacks(books.ledger.head) && !isRecovering;
  };
  await waiters.wait(isCommitted, `what was set in space "${space}" was not committed`, timeoutMs);
}

/** @returns whether the lease was given up */
async function release(
  { space, runtime, reporter }: Context,
  leadership: Leadership,
  leftMs: number,
  timeoutMs: number,
): Promise<boolean> {
  if (!runtime.store.commands.up) return false;
  const late = (): Error => timeoutError(`the lease of space "${space}" was not given up`, timeoutMs);
  try {
    await withDeadline(runtime.time, leftMs, leadership.release(), late);
    return true;
  } catch (error) {
    reporter.report(error);
    return false;
  }
}
