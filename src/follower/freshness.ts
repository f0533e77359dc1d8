/**
 * The freshness tracker: when the copy was last proven current, by which path, and how long its owner
 * counts as alive.
 *
 * All times in here are on this process's `Time`. A proof comes with the time of its cut on another clock.
 * The bounds of that clock turn it into a time of `Time`, never a later one than the true one. From then on
 * the proof only ages.
 *
 * A proof of a time before this machine last slept is void: stale, whatever its age, and its owner does not
 * count as alive. Its age counts the sleep.
 */
import type { ServerClock } from '../base/clock.ts';
import { SUSPEND_BOUND_MS } from '../base/elapsed.ts';
import type { Frame } from '../state/frame.ts';
import type { ProofListener } from '../actor/proof-watch.ts';
import type { Head } from '../ports/store.ts';
import type { Freshness, OwnerState, Proof, Source } from '../state/reading.ts';
import type { Time } from '../base/time.ts';

/**
 * The result of holding the copy against its owner's digest: `unknown` where a frame has none, or is of
 * another position.
 */
export type Content = 'same' | 'different' | 'unknown';

/** The fields of a frame that prove something. */
type OwnerProof = Pick<Frame, 'cutAt' | 'epoch' | 'leaseMs' | 'publishedAt' | 'bye'>;
/** The fields of a head that say how its owner stands. */
type OwnerHead = Pick<Head, 'leaseMs' | 'now' | 'fence' | 'owner' | 'removedAt'>;
/** How the owner stands when no lease of it runs. */
type OwnerEnd = Exclude<OwnerState, 'alive'>;

const NOBODY: ProofListener = { renewed: () => {}, changed: () => {} };

export class FreshnessTracker {
  readonly #time: Time;
  readonly #boundMs: number;
  readonly #listener: ProofListener;
  /** The copy was current at this time, on `Time`, ms. */
  #provenAt = -Infinity;
  /** As `#provenAt`, for the last proof that came with the digest of this very copy. */
  #matchedAt = -Infinity;
  /**
   * When the copy was found to differ from its owner's state, on `Time`, ms: nothing is proven until they
   * match again. Infinity where they match.
   */
  #mismatchedAt = Infinity;
  /** The epoch of the state that was proven. */
  #epoch = 0;
  /** The owner gave a sign of life at this time, on `Time`, ms, and counts as alive for a lease from then. */
  #aliveAt = -Infinity;
  #leaseMs = 0;
  /** How the owner stands once its lease is over. */
  #end: OwnerEnd = 'never';
  /**
   * The epoch of the owner that was heard of last, and the highest one that has ended: it never lives again.
   */
  #ownerEpoch = 0;
  #endedEpoch = 0;
  /** When its goodbye came, on `Time`, ms. */
  #endedAt = -Infinity;
  #isRedisConnected = false;
  #isDirectUp = false;
  #hasSynced = false;
  #proof: ProofNow;

  /**
   * @param boundMs the age from which on a proof is stale, ms
   * @param listener told of each change that is not the passing of time
   */
  constructor(time: Time, boundMs: number, listener = NOBODY) {
    this.#time = time;
    this.#boundMs = boundMs;
    this.#listener = listener;
    this.#proof = this.#proofNow();
  }

  /** The present proof. A reading keeps the one under which it was made. */
  get proof(): Proof {
    return this.#proof;
  }

  /**
   * The time from which on the present proof is stale, on `Time`, ms: to come, as long as it is live.
   * -Infinity before the first proof.
   */
  get staleFrom(): number {
    return this.#proof.staleFrom();
  }

  /** Whether the present proof is void, since this machine has slept after it. */
  get isVoid(): boolean {
    return this.#proof.isVoid();
  }

  /** Whether the copy was found to differ from its owner's state, and no match has come since. */
  get isMismatched(): boolean {
    return this.#mismatchedAt < Infinity;
  }

  /** The epoch of the owner of which the last sign was, of life or of its end. */
  get ownerEpoch(): number {
    return this.#ownerEpoch;
  }

  /** Whether the copy was current at least once, by either path. */
  get hasSynced(): boolean {
    return this.#hasSynced;
  }

  /** @param isConnected whether Redis keeps the copy current from now on */
  redis(isConnected: boolean): void {
    this.#isRedisConnected = isConnected;
    this.#sourceChanged();
  }

  /** @param isUp whether the direct path keeps the copy current from now on */
  direct(isUp: boolean): void {
    this.#isDirectUp = isUp;
    this.#sourceChanged();
  }

  /**
   * Proves the copy current: the owner of this epoch has cut its state at `cutAt`. A proof under another
   * epoch replaces the one before, be it older or newer. Epoch 0 proves nothing, since nobody has committed
   * under it.
   * @param cutAt on `clock`, ms
   */
  prove(cutAt: number, epoch: number, clock: ServerClock): void {
    if (epoch === 0 || this.isMismatched) return;
    this.#prove(this.#here(cutAt, clock), epoch);
    this.#changed();
  }

  /** The state is no longer proven: it is stale until the next proof. */
  disprove(): void {
    this.#provenAt = Math.min(this.#provenAt, this.#time.now() - this.#boundMs - 1);
    this.#changed();
  }

  /** Notes how the owner stands by a head that was read from the keys. */
  lease({ leaseMs, now, fence, owner, removedAt }: OwnerHead, clock: ServerClock): void {
    // Redis may have lost the claim, or the space was removed: that tells nothing of the owner but that no lease
    // of it is there.
    const end = fence === 0 || removedAt > 0 ? this.#end : owner === '' ? 'released' : 'lost';
    this.#alive(this.#here(now, clock), leaseMs, fence, end);
    this.#changed();
  }

  /**
   * The owner of an epoch has given up its lease.
   * @param isComplete whether all of its changes were committed
   */
  goodbye(epoch: number, isComplete: boolean): void {
    if (epoch < this.#ownerEpoch) return;
    this.#endedEpoch = epoch;
    this.#endedAt = this.#time.now();
    this.#alive(this.#endedAt, 0, epoch, isComplete ? 'released' : 'lost');
    this.#changed();
  }

  /**
   * Takes proof and lease from a frame. From a mismatch on, nothing is proven until the next match, and the
   * state is as old as the last match before. This runs with every update, so it reads the clock once.
   */
  heard({ cutAt, epoch, leaseMs, publishedAt, bye }: OwnerProof, clock: ServerClock, content: Content): void {
    if (epoch === 0) return;
    const isOther = epoch !== this.#ownerEpoch;
    const now = this.#time.now();
    const latest = clock.latest(now);
    // planted: mismatch-ends
    if (content !== 'unknown')
      this.#mismatchedAt = content === 'same' ? Infinity : Math.min(this.#mismatchedAt, now);
    if (this.isMismatched) this.#provenAt = this.#matchedAt;
    else this.#prove(here(cutAt, now, latest), epoch);
    // This machine's clocks stood still, as in a VM that was paused, or the other clock was set.
    if (cutAt - latest > SUSPEND_BOUND_MS) this.#provenAt = Math.min(this.#provenAt, now - this.#boundMs - 1);
    if (content === 'same') this.#matchedAt = this.#provenAt;
    if (bye) return this.goodbye(epoch, cutAt > 0);
    this.#alive(here(publishedAt, now, latest), leaseMs, epoch, 'lost');
    this.#renew();
    // A frame from before the machine slept, which comes after a newer sign of life, takes that one's place.
    const isVoid = this.#aliveAt < this.#time.wokeAt;
    if (isOther || isVoid) this.#listener.changed();
    else
      this.#listener.renewed(Math.min(this.#provenAt + this.#boundMs, this.#mismatchedAt, this.#aliveUntil));
  }

  /** The proof of a key whose newest value could not be read: it is stale, from `outdatedAt` on. */
  proofSince(outdatedAt: number): Proof {
    const time = this.#time;
    const proof = this.#proof;
    return {
      source: proof.source,
      staleMs: () => Math.max(proof.staleMs(), time.now() - outdatedAt),
      freshness: () => 'stale',
      ownerAlive: () => proof.ownerAlive(),
      owner: () => proof.owner(),
      staleFrom: () => outdatedAt,
      lostFrom: () => proof.lostFrom(),
      leaseMs: () => proof.leaseMs(),
    };
  }

  #here(at: number, clock: ServerClock): number {
    const now = this.#time.now();
    return here(at, now, clock.latest(now));
  }

  #prove(provenAt: number, epoch: number): void {
    this.#provenAt = epoch === this.#epoch ? Math.max(this.#provenAt, provenAt) : provenAt;
    this.#epoch = epoch;
  }

  /** A sign of life whose time is not known proves nothing: the one before it still does. */
  #alive(at: number, leaseMs: number, epoch: number, end: OwnerEnd): void {
    if (at === -Infinity && leaseMs > 0) return;
    if (epoch <= this.#endedEpoch && leaseMs > 0) {
      // After its goodbye, an answer or a direct frame from before it may still come. One that was published
      // after the goodbye had arrived shows that the goodbye was none of the owner's.
      if (at <= this.#endedAt + MAX_LATE_MS) return;
      this.#endedEpoch = epoch - 1;
    }
    this.#aliveAt = at;
    this.#leaseMs = leaseMs;
    this.#ownerEpoch = epoch;
    this.#end = end;
  }

  get #source(): Source {
    if (this.#isDirectUp) return 'direct';
    return this.#isRedisConnected ? 'redis' : 'memory';
  }

  #sourceChanged(): void {
    this.#hasSynced ||= this.#isRedisConnected || this.#isDirectUp;
    this.#changed();
  }

  #changed(): void {
    this.#renew();
    this.#listener.changed();
  }

  #renew(): void {
    this.#proof = this.#proofNow();
  }

  get #aliveUntil(): number {
    return this.#leaseMs > 0 ? this.#aliveAt + this.#leaseMs : -Infinity;
  }

  #proofNow(): ProofNow {
    return new ProofNow(
      this.#time,
      this.#source,
      this.#provenAt,
      this.#boundMs,
      this.#mismatchedAt,
      this.#aliveAt,
      this.#aliveUntil,
      this.#end,
    );
  }
}

/** How late another clock may seem here: a sleep of less than 100 ms goes unnoticed, and may repeat. */
export const MAX_LATE_MS = 1.5 * SUSPEND_BOUND_MS;
/**
 * A time `at` of another clock, on `Time`, ms. That clock is at `latest` at most, and the result is never
 * after `now`. A time a little after `latest` shows that this machine slept for less than goes noticed, or that a
 * clock was set: what came is of now at the latest, and its age is understated by no more than that. A time further
 * ahead proves nothing, and the result is -Infinity.
 */
function here(at: number, now: number, latest: number): number {
  if (at > latest + SUSPEND_BOUND_MS) return -Infinity;
  // planted: proof-time
  return now - Math.max(0, latest - at);
}

/** A proof that computes its age with each call. Every frame makes one, so it is a single object. */
class ProofNow implements Proof {
  readonly source: Source;
  readonly #time: Time;
  readonly #provenAt: number;
  readonly #boundMs: number;
  readonly #voidFrom: number;
  readonly #aliveAt: number;
  readonly #aliveUntil: number;
  readonly #end: OwnerEnd;

  constructor(
    time: Time,
    source: Source,
    provenAt: number,
    boundMs: number,
    voidFrom: number,
    aliveAt: number,
    aliveUntil: number,
    end: OwnerEnd,
  ) {
    this.#time = time;
    this.source = source;
    this.#provenAt = provenAt;
    this.#boundMs = boundMs;
    this.#voidFrom = voidFrom;
    this.#aliveAt = aliveAt;
    this.#aliveUntil = aliveUntil;
    this.#end = end;
  }

  staleMs(): number {
    return this.#time.now() - this.#provenAt;
  }

  freshness(): Freshness {
    // planted: staleness
    const isRecent = this.staleMs() <= this.#boundMs;
    // The age was read first: that notices a sleep.
    const isVoid = this.#provenAt < this.#time.wokeAt || this.#voidFrom < Infinity;
    return isRecent && !isVoid ? 'live' : 'stale';
  }

  ownerAlive(): boolean {
    return this.leaseMs() > 0;
  }

  owner(): OwnerState {
    return this.ownerAlive() ? 'alive' : this.#end;
  }

  lostFrom(): number {
    this.#time.now();
    const { wokeAt } = this.#time;
    return this.#aliveAt < wokeAt ? Math.min(this.#aliveUntil, wokeAt) : this.#aliveUntil;
  }

  leaseMs(): number {
    const leftMs = this.#aliveUntil - this.#time.now();
    return leftMs > 0 && this.#aliveAt >= this.#time.wokeAt ? leftMs : 0;
  }

  staleFrom(): number {
    this.#time.now();
    const { wokeAt } = this.#time;
    const agedAt = Math.min(this.#provenAt + this.#boundMs, this.#voidFrom);
    return this.#provenAt < wokeAt ? Math.min(agedAt, wokeAt) : agedAt;
  }

  isVoid(): boolean {
    this.#time.now();
    return this.#provenAt < this.#time.wokeAt;
  }
}
