/**
 * The claimant: claims the space, and enters the claim in the books.
 *
 * The first claim takes over the state that the last owner left, or starts over. After each later one the
 * ledger goes on from where it is, and the next commit repairs the store.
 */
import type { Context } from '../actor/context.ts';
import type { HeldBy } from '../actor/obstacle.ts';
import type { OwnershipDriver } from '../actor/ownership-driver.ts';
import { OwnedElsewhereError, TandemError } from '../base/errors.ts';
import type { Head } from '../ports/store.ts';
import { ZERO } from '../state/position.ts';
import type { Space } from '../state/space.ts';
import type { Cadence } from './cadence.ts';
import type { Books } from './books.ts';
import type { ClaimListener } from './claim.ts';
import { claimSpace } from './claim.ts';
import { Loader } from './loader.ts';
import type { Standby } from './standby.ts';
import type { Start } from './takeover.ts';
import { startOver, takeOver } from './takeover.ts';

export interface ClaimantParts {
  readonly context: Context;
  readonly books: Books;
  readonly cadence: Cadence;
  readonly ownership: OwnershipDriver;
  /** Whether the first claim goes on from the state in the store, or from nothing. */
  readonly start: 'resume' | 'reset';
  /** Whether the first claim that is granted may be one against a living owner. */
  readonly takesOver: boolean;
}

export interface Claimed {
  /** Where the store's count of keys was wrong: whether it holds more than was set, and has lost nothing. */
  readonly areAdded: boolean;
}

export class Claimant implements ClaimListener {
  readonly #space: Space;
  readonly #parts: ClaimantParts;
  /** What a first claim that failed has read so far. */
  #loader: Loader | undefined;
  /** The owner that a claim waits for, and when its lease runs out, on `Time`, ms. */
  #holder: { readonly ownerName: string; readonly until: number } | undefined;

  constructor(space: Space, parts: ClaimantParts) {
    this.#space = space;
    this.#parts = parts;
  }

  /** The owner that a claim waits for at this moment; `undefined` where none does. */
  get heldBy(): HeldBy | undefined {
    if (this.#holder === undefined) return undefined;
    const { ownerName, until } = this.#holder;
    return { ownerName, leaseMs: Math.max(0, until - this.#parts.context.runtime.time.now()) };
  }

  held(ownerName: string, leaseMs: number): void {
    const isNews = this.#holder?.ownerName !== ownerName;
    this.#holder = { ownerName, until: this.#parts.context.runtime.time.now() + leaseMs };
    if (isNews) this.#parts.ownership.heldBy({ ownerName, leaseMs });
  }

  /**
   * Whether the claim still stands, and the store's head is one that this owner has put there. If so, the
   * progress is where that head is; if not, the claim is loosened. Call it when nothing is on its way.
   * @throws TandemError `FENCED` where another owner has claimed
   */
  async holds(): Promise<boolean> {
    const { context, books, cadence } = this.#parts;
    const { ledger, progress, lease } = books;
    progress.forgetAnnouncements();
    if (!lease.isHeld) return false;
    const { head } = await context.runtime.store.since(context.space, progress.head, 0);
    const { epoch } = ledger.line;
    context.wrongTypes.seen(head);
    lease.requireNotTakenOver(context.space, head, epoch);
    // planted: still-holds
    if (head.keysLost || !lease.isShownIn(head, epoch) || !progress.isOwn(head, epoch)) {
      lease.loosen();
      return false;
    }
    progress.foundAt(head, epoch);
    progress.foundUnsettled(head.unsettled);
    cadence.verifyNext();
    ledger.sentUpTo(progress.sent.revision);
    return true;
  }

  /**
   * Claims the space under a new epoch. The first time, the ledger takes over the state that the store or the
   * standby has, or starts over. Later it goes on from where it is.
   * @throws OwnedElsewhereError where another owner renews its lease
   * @throws TandemError `FENCED` or `HEAD_MOVED` where the claim was lost while the state was read
   */
  async claim(signal: AbortSignal, standby: Standby | undefined): Promise<Claimed> {
    const { context, books, cadence } = this.#parts;
    const { ledger, progress, lease } = books;
    const { observers, time } = context.runtime;
    const startedAt = time.now();
    const head = await this.#ask(signal, standby);
    const epoch = head.fence;
    lease.granted(epoch);
    signal.throwIfAborted();
    const isForeign = progress.contents === 'foreign';
    let keysLost = head.keysLost || isForeign;
    if (ledger.isLoaded) ledger.continueIn({ epoch, base: isForeign ? ZERO : ledger.head });
    else keysLost = await this.#load(head, signal, standby);
    progress.claimedAt(head, keysLost ? 'incomplete' : 'whole');
    progress.foundUnsettled(head.unsettled);
    cadence.verifyNext();
    lease.hold();
    ledger.sentUpTo(progress.sent.revision);
    observers.tell('claimed', { space: context.space, epoch, tookMs: time.now() - startedAt });
    return { areAdded: isForeign || head.keysAdded === true };
  }

  /** Asks the store for the space. Where another owner has it, the lease records the store's head. */
  async #ask(signal: AbortSignal, standby: Standby | undefined): Promise<Head> {
    const { context, books } = this.#parts;
    const { ledger, progress, lease } = books;
    const { store, time, name } = context.runtime;
    const known = Math.max(ledger.line.epoch, standby?.position.epoch ?? 0);
    const hasLed = ledger.isLoaded;
    // Once granted, it is over: two owners that take over would fence each other again and again.
    const takesOver = this.#parts.takesOver && lease.epoch === 0;
    const claim = { owner: lease.id, ownerName: name, known, leaseMs: lease.ms, hasLed, takesOver };
    try {
      const head = await claimSpace(store, context.space, claim, time, signal, standby?.leaseWatch, this);
      context.wrongTypes.seen(head);
      return head;
    } catch (error) {
      if (error instanceof OwnedElsewhereError)
        lease.lost((await store.since(context.space, progress.head, 0)).head);
      throw error;
    } finally {
      this.#holder = undefined;
    }
  }

  /**
   * Loads the state that the last owner left, with what the standby adds; or begins with nothing.
   * @param claimed the store's head under the new claim
   * @returns whether the store has lost keys of the state
   */
  async #load(claimed: Head, signal: AbortSignal, standby: Standby | undefined): Promise<boolean> {
    const { context, books, start } = this.#parts;
    const { fence: epoch, keysLost } = claimed;
    const line = { epoch, base: keysLost ? ZERO : claimed };
    const loader = this.#loader ?? new Loader(this.#space, context, line);
    const head = start === 'reset' ? claimed : await this.#read(loader, epoch, signal);
    const decide = (): Start =>
      start === 'reset' ? startOver(epoch, head) : takeOver(epoch, { ...head, top: loader.top }, standby);
    const finished = loader.finish(books.ledger, decide, standby);
    books.ledger.adopt(await context.runtime.slices.run(finished, signal));
    return head.keysLost;
  }

  /**
   * Reads the state that the store has.
   * @throws TandemError `FENCED` or `HEAD_MOVED` where the claim was lost meanwhile
   */
  async #read(loader: Loader, epoch: number, signal: AbortSignal): Promise<Head> {
    const { context, books } = this.#parts;
    this.#loader = loader;
    const head = await loader.read(signal);
    // Once all is read, the loader has served: after a failure from here on, the next claim reads anew.
    this.#loader = undefined;
    books.lease.requireNotTakenOver(context.space, head, epoch);
    if (head.fence !== epoch) throw lostClaim(context.space);
    return head;
  }
}

function lostClaim(space: string): TandemError {
  const what = `Redis has lost the claim of space "${space}" while its state was read`;
  return new TandemError('HEAD_MOVED', what);
}
