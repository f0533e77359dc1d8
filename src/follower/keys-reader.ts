/**
 * The keys reader: reads the keys of a space in Redis, and judges what their head says.
 *
 * What was read when a reading fails is kept, and the next one goes on from there. So a large state comes in
 * over a poor connection, too.
 */
import type { Context } from '../actor/context.ts';
import { keysError } from '../actor/keys-error.ts';
import { wrongTypeError } from '../actor/wrong-types.ts';
import { TandemError } from '../base/errors.ts';
import { backoffMs, pause } from '../base/time.ts';
import type { Head } from '../ports/store.ts';
import type { Position } from '../state/position.ts';
import type { Timed } from '../state/replica.ts';
import { printPosition, ZERO } from '../state/position.ts';
import type { Floor } from './admission.ts';
import { isRolledBack } from './admission.ts';
import type { Applier } from './applier.ts';
import { Bookmark } from './bookmark.ts';
import { gatherSince } from './catch-up.ts';
import type { Doubt } from './doubt.ts';
import type { Gathering } from './gathering.ts';
import type { Parts } from './parts.ts';

/** What was read, up to a head. */
export interface KeysRead {
  readonly gathering: Gathering;
  readonly head: Head & Timed;
  /** Whether it is the whole state. */
  readonly isFull: boolean;
  /** Everything is in it that changed after this revision. */
  readonly from: number;
}

/** Told what the keys say of the space itself. */
export interface SpaceListener {
  /** The space was removed, after this follower had heard of an owner of it. */
  spaceRemoved(): void;
}

/** A reading that has begun. */
interface Begun {
  readonly bookmark: Bookmark;
  readonly gathering: Gathering;
  readonly from: number;
}

export class KeysReader {
  readonly #context: Context;
  readonly #parts: Parts & { readonly applier: Applier<any> };
  readonly #listener: SpaceListener;
  #begun: Begun | undefined;

  constructor(context: Context, parts: Parts & { readonly applier: Applier<any> }, listener: SpaceListener) {
    this.#context = context;
    this.#parts = parts;
    this.#listener = listener;
  }

  /**
   * Reads what changed since the copy's position, or the whole state where the copy is suspect; or goes on
   * with a reading that is not at its end.
   * @throws TandemError `ROLLED_BACK`, `KEYS_LOST` or `WRONG_TYPE` where Redis has lost data: its owner will
   *   mend that. And the errors of `gatherSince`
   */
  async read(doubt: Doubt, signal: AbortSignal): Promise<KeysRead> {
    this.#begun ??= this.#begin(doubt.isSuspect ? ZERO : this.#parts.replica.position);
    return this.#read(this.#begun, doubt.tellOfKeys(), signal);
  }

  /**
   * Reads the whole state for the caller alone.
   * @throws TandemError as `read`
   */
  readWhole(signal: AbortSignal): Promise<KeysRead> {
    return this.#read(this.#begin(ZERO), false, signal);
  }

  /** What was read has served, or is void. */
  forget(): void {
    this.#begun = undefined;
  }

  /** Reads the head alone. */
  async askHead(): Promise<Head> {
    const { space, runtime } = this.#context;
    const { head } = await runtime.store.since(space, this.#parts.replica.position, 0);
    this.#noteSpace(head);
    return head;
  }

  /**
   * Notes how the owner stands, by a head that was read from the keys. Who it is comes first: what is told of it has
   * its name then.
   */
  noteLease(head: Head): void {
    const { time, clock } = this.#context.runtime;
    const { freshness, leaseWatch, owner } = this.#parts;
    if (head.removedAt === 0) owner.note(head);
    freshness.lease({ ...head, leaseMs: leaseWatch.look(head, time.now()) }, clock);
  }

  #begin(from: Position): Begun {
    const bookmark = new Bookmark(from);
    // No changes come before their page's head.
    const gathering = this.#parts.applier.gathering(() => bookmark.head!);
    return { bookmark, gathering, from: from.revision };
  }

  async #read(
    { bookmark, gathering, from }: Begun,
    isDoubted: boolean,
    signal: AbortSignal,
  ): Promise<KeysRead> {
    const { space, runtime } = this.#context;
    const { floor } = this.#parts.admission;
    // A large state takes longer to read than a lease may last.
    const heard = (head: Head): void => this.noteLease(head);
    const { store, slices, time } = runtime;
    const rest = (failures: number): Promise<void> => pause(time, backoffMs(time, failures), signal);
    const options = { seen: 0, isDoubted, withTimes: true, heard, rest, signal };
    const { head, isFull, times } = await gatherSince(store, slices, space, bookmark, gathering, options);
    try {
      this.#judge(head, floor);
    } catch (error) {
      if (this.#begun?.bookmark === bookmark) this.forget();
      throw error;
    }
    return { gathering, head: { ...head, allTimes: times ?? '' }, isFull, from };
  }

  #judge(head: Head, floor: Floor): void {
    const { space } = this.#context;
    const wrongType = wrongTypeError(space, head);
    this.#noteSpace(head, wrongType === undefined || !head.keysLost);
    if (wrongType !== undefined && head.keysLost) throw wrongType;
    if (isRolledBack(head, floor)) {
      const known = floor.seen > floor.stored.epoch ? { epoch: floor.seen, revision: 0 } : floor.stored;
      const what = `Redis is at ${printPosition(head)}, before ${printPosition(known)}, which was seen here`;
      throw new TandemError('ROLLED_BACK', what);
    }
    // planted: keys-lost
    if (head.keysLost) throw keysError(space, head.keysAdded === true);
    this.#parts.admission.storedUpTo(head);
  }

  /**
   * A space that was removed before anybody was heard of here is as one that nobody has owned yet. Where a higher
   * epoch was heard of, Redis has lost what came after the removal.
   */
  #noteSpace(head: Head, isSound = true): void {
    const { owner } = this.#parts;
    if (head.removedAt > 0) {
      if (this.#isOver(head)) this.#listener.spaceRemoved();
      return;
    }
    owner.note(head);
    if (isSound) this.#showFence(head);
  }

  /** An epoch is the server's time at its claim, or later: a removal after that time ends it, too. */
  #isOver({ fence, removedAt }: Head): boolean {
    const { onRemoval = 'endIfKnown' } = this.#context.runtime;
    const known = this.#parts.admission.fence;
    if (onRemoval === 'goOn') return false;
    return (known > 0 || onRemoval === 'end') && Math.max(fence, removedAt) >= known;
  }

  /**
   * The fence shows what nobody may write under any more. The epoch of the head shows who has: a fence may
   * have been raised, and shows no claim. Where a higher epoch was heard of, Redis has lost the claim, or
   * nobody ever made it. Nothing below it is taken here, so the fence in Redis rises, and the owner claims
   * above it.
   */
  #showFence({ fence, epoch }: Head): void {
    const { space, runtime } = this.#context;
    const { admission, applier, replica } = this.#parts;
    admission.claimed(fence, applier.latestMs);
    // Before the first commit of all, no fence was raised: a raise needs an owner that has seen more.
    admission.granted(epoch === 0 ? fence : epoch);
    const seen = admission.fence;
    if (fence < seen) runtime.store.since(space, replica.position, 0, { seen }).catch(() => {});
  }
}
