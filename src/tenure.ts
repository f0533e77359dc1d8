/**
 * An owner's tenure of a space in the store: the claim, and how far the store has come.
 *
 * Whatever went wrong, the answer is the same: ask for the head, and bring the store from there to the ledger.
 *
 * Invariant: the store has held `committed`, and everything up to it was durable there then.
 */
import { readSince } from './catch-up.ts';
import { claimSpace } from './claim.ts';
import type { Surroundings } from './desk.ts';
import { OwnedElsewhereError, TandemError } from './errors.ts';
import type { Change } from './frame.ts';
import { MAX_FRAME_CHANGES, MAX_FRAME_LENGTH } from './frame.ts';
import type { Ledger } from './ledger.ts';
import type { Position } from './position.ts';
import { compare, continues, isSame, ZERO } from './position.ts';
import type { Head, Outcome } from './store.ts';
import type { Inheritance } from './standby.ts';
import { randomId } from './time.ts';

/** Tombstones that one commit makes the store forget, at most. */
const MAX_DROPPED = 1_000;

export interface TenureOptions {
  readonly space: string;
  readonly start: 'resume' | 'reset';
  readonly leaseMs: number;
  /** What a standby holds; it counts where the store has lost it. */
  readonly inheritance: () => Inheritance | undefined;
}

export class Tenure {
  readonly #around: Surroundings;
  readonly #ledger: Ledger;
  readonly #options: TenureOptions;
  readonly #id: string;
  #claimed = false;
  /** The store has lost keys: only the whole state will do. */
  #isDamaged = false;
  /** The store's head, as last known; the next cut stands on it. */
  #head: Position = ZERO;
  #committed: Position = ZERO;
  /** The highest revision that was sent under this epoch; the outcome may be unknown. */
  #attempted = 0;
  #lastCutAt = -Infinity;
  /** What the store held when it was found to be another's. */
  #takenOverAt: Head | undefined;

  constructor(around: Surroundings, ledger: Ledger, options: TenureOptions) {
    this.#around = around;
    this.#ledger = ledger;
    this.#options = options;
    // A space would end the id in the lease.
    this.#id = `${around.name.replaceAll(' ', '_')}/${randomId(around.time)}`;
  }

  /** Up to here the store has what was set. */
  get committed(): Position {
    return this.#committed;
  }

  /** When the last cut was made, local ms. */
  get lastCutAt(): number {
    return this.#lastCutAt;
  }

  /** What the store held when it was claimed was not whole. */
  get isDamaged(): boolean {
    return this.#isDamaged;
  }

  /**
   * Whether the claim still stands and the store holds what this owner put there. After a lost reply the head
   * may be ahead of what is known: anything up to the last attempt is this owner's own.
   * @throws TandemError `FENCED`
   */
  async holds(): Promise<boolean> {
    if (!this.#claimed) return false;
    const { head } = await this.#around.store.since(this.#options.space, this.#head, 0);
    const { epoch } = this.#ledger.line;
    // A fence that rose without another owner only asks for a new claim.
    if (head.fence > epoch && head.owner !== this.#id) throw this.#fencedBy(head);
    const isOwn =
      head.epoch === epoch && head.revision >= this.#committed.revision && head.revision <= this.#attempted;
    if (head.damaged || head.fence !== epoch || !(isOwn || isSame(head, this.#head))) {
      this.#claimed = false;
      return false;
    }
    this.#moveTo(head, head.epoch === epoch);
    return true;
  }

  /**
   * Claims the space under a new epoch. The first time takes over what the store holds, or starts over; later
   * the ledger goes on from where it is, and is what the store will be repaired from.
   * @throws OwnedElsewhereError where another renews the lease
   */
  async claim(signal: AbortSignal): Promise<void> {
    const { store, time, name } = this.#around;
    const { space, start, leaseMs } = this.#options;
    const known = Math.max(this.#ledger.line.epoch, this.#options.inheritance()?.position.epoch ?? 0);
    const claim = { owner: this.#id, ownerName: name, known, leaseMs };
    const head = await claimSpace(store, space, claim, time, signal).catch(async (error: unknown) => {
      if (error instanceof OwnedElsewhereError)
        this.#takenOverAt = (await store.since(space, this.#head, 0)).head;
      throw error;
    });
    signal.throwIfAborted();
    const epoch = head.fence;
    this.#isDamaged = head.damaged;
    if (this.#ledger.isLoaded) this.#ledger.continueIn({ epoch, base: this.#ledger.head });
    else if (start === 'reset') this.#ledger.startOver({ epoch, base: ZERO }, head.revision);
    else await this.#load(epoch, head, signal);
    this.#attempted = 0;
    this.#claimed = true;
    this.#moveTo(head, false);
  }

  /** One cut of what the store lacks, on top of its head; where that cannot be, the whole state instead. */
  async commit(): Promise<Outcome<'committed', 'fenced' | 'diverged' | 'damaged'>> {
    const { store, time } = this.#around;
    const { space, leaseMs } = this.#options;
    const { line, horizon, head } = this.#ledger;
    const prev = this.#head;
    const changes =
      !this.#isDamaged && continues(prev, line) ? this.#ledger.changesSince(prev.revision) : undefined;
    const cutAt = this.#cutAt();
    const cut = { ...line, owner: this.#id, leaseMs, revision: head.revision, horizon, cutAt };
    this.#attempted = head.revision;
    this.#lastCutAt = time.now();
    const isPatch = changes !== undefined && isOneCall(changes);
    const count = isPatch ? Math.min(MAX_DROPPED, this.#ledger.droppedCount) : this.#ledger.droppedCount;
    const reply = isPatch
      ? await store.commit(space, { ...cut, prev, changes, dropped: this.#ledger.dropped(count) })
      : await store.swap(space, { ...cut, changes: this.#ledger.everything() });
    if (reply.outcome === 'committed') {
      this.#isDamaged = false;
      this.#ledger.forgetDropped(count, !isPatch);
      this.#moveTo({ epoch: line.epoch, revision: head.revision }, true);
    }
    if (reply.outcome === 'fenced') this.#takenOverAt = reply.head;
    return reply;
  }

  /** Gives up the lease and says goodbye. */
  async release(): Promise<void> {
    const { epoch, base } = this.#ledger.line;
    const { revision } = this.#committed;
    const cutAt = this.#cutAt();
    const farewell = { epoch, base, prev: revision, revision, cutAt, leaseMs: 0, bye: true };
    await this.#around.store.release(this.#options.space, this.#id, farewell);
  }

  /** What the store is not known to have; after another has taken over, what its line did not take over. */
  uncommitted(): Change[] {
    const { epoch } = this.#ledger.line;
    const taken = this.#takenOverAt;
    let { revision } = this.#committed;
    if (taken && taken.epoch !== epoch) revision = taken.base.epoch === epoch ? taken.base.revision : 0;
    else if (taken) revision = Math.min(revision, taken.revision);
    return this.#ledger.changesSince(revision) ?? this.#ledger.everything();
  }

  /** Now, on the server's clock, in whole microseconds: may claim less than is true, never more. */
  #cutAt(): number {
    return Math.max(0, Math.floor(this.#around.clock.earliest() * 1000) / 1000);
  }

  #fencedBy(head: Head): TandemError {
    const { ownerName, fence } = head;
    this.#takenOverAt = head;
    return fencedError(this.#options.space, ownerName, fence);
  }

  /** Never back: the reply of a call that was given up may still come in. */
  #moveTo(head: Position, isOwn: boolean): void {
    if (!isOwn) this.#head = head;
    else if (compare(head, this.#committed) >= 0) this.#committed = this.#head = head;
  }

  /** Reads the state that the last owner left. Nobody else can write meanwhile. */
  async #load(epoch: number, { revision, epoch: last, horizon }: Head, signal: AbortSignal): Promise<void> {
    const { store, time } = this.#around;
    const { space, leaseMs } = this.#options;
    let renewedAt = time.now();
    const onPage = async (): Promise<void> => {
      signal.throwIfAborted();
      if (time.now() - renewedAt < leaseMs / 4) return;
      renewedAt = time.now();
      await store.renew(space, this.#id, epoch, leaseMs);
    };
    const { head, changes } = await readSince(store, space, ZERO, { onPage });
    if (head.fence !== epoch) throw this.#fencedBy(head);
    this.#isDamaged = head.damaged;
    const inherited = this.#options.inheritance();
    if (inherited && (head.damaged || compare({ epoch: last, revision }, inherited.position) < 0)) {
      // Deletes are not inherited: who is not exactly there takes a full sync.
      const { position } = inherited;
      const { revision: at } = position;
      return this.#ledger.resume({ epoch, base: position }, at, at, inherited.changes());
    }
    // What was lost, followers may still have: then nobody may carry on from the last line. A head that was
    // lost may lie before its own keys.
    const base = head.damaged ? ZERO : { epoch: last, revision };
    this.#ledger.resume({ epoch, base }, Math.max(revision, changes.at(-1)?.revision ?? 0), horizon, changes);
  }
}

export function fencedError(space: string, owner: string, epoch: number): TandemError {
  return new TandemError('FENCED', `space "${space}" was taken over by "${owner}" with epoch ${epoch}`);
}

function isOneCall(changes: readonly Change[]): boolean {
  if (changes.length > MAX_FRAME_CHANGES) return false;
  let length = 0;
  for (const { key, json } of changes) length += key.length + json.length;
  return length <= MAX_FRAME_LENGTH || changes.length === 1;
}
