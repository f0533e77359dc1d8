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
import type { Freshness, Proof, Source } from '../state/reading.ts';
import type { Time } from '../base/time.ts';

/**
 * The result of holding the copy against its owner's digest: `unknown` where a frame has none, or is of
 * another position.
 */
export type Content = 'same' | 'different' | 'unknown';

/** The fields of a frame that prove something. `leaseMs` is 0 with a goodbye. */
type OwnerProof = Pick<Frame, 'cutAt' | 'epoch' | 'leaseMs' | 'publishedAt'>;

export class FreshnessTracker {
  readonly #time: Time;
  readonly #boundMs: number;
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
  #isRedisConnected = false;
  #isDirectUp = false;
  #hasSynced = false;
  #proof: ProofNow;

  /** @param boundMs the age from which on a proof is stale, ms */
  constructor(time: Time, boundMs: number) {
    this.#time = time;
    this.#boundMs = boundMs;
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
    this.#renew();
  }

  /** The state is no longer proven: it is stale until the next proof. */
  disprove(): void {
    this.#provenAt = Math.min(this.#provenAt, this.#time.now() - this.#boundMs - 1);
    this.#renew();
  }

  /**
   * Notes the lease of the owner.
   * @param leaseMs the rest of the lease at `at`, ms; 0 for none
   * @param at on `clock`, ms
   */
  lease(leaseMs: number, at: number, clock: ServerClock): void {
    this.#alive(this.#here(at, clock), leaseMs);
    this.#renew();
  }

  /**
   * Takes proof and lease from a frame. From a mismatch on, nothing is proven until the next match, and the
   * state is as old as the last match before. This runs with every update, so it reads the clock once.
   */
  heard({ cutAt, epoch, leaseMs, publishedAt }: OwnerProof, clock: ServerClock, content: Content): void {
    if (epoch === 0) return;
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
    this.#alive(here(publishedAt, now, latest), leaseMs);
    this.#renew();
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
  #alive(at: number, leaseMs: number): void {
    if (at === -Infinity && leaseMs > 0) return;
    this.#aliveAt = at;
    this.#leaseMs = leaseMs;
  }

  get #source(): Source {
    if (this.#isDirectUp) return 'direct';
    return this.#isRedisConnected ? 'redis' : 'memory';
  }

  #sourceChanged(): void {
    this.#hasSynced ||= this.#isRedisConnected || this.#isDirectUp;
    this.#renew();
  }

  #renew(): void {
    this.#proof = this.#proofNow();
  }

  #proofNow(): ProofNow {
    const aliveUntil = this.#leaseMs > 0 ? this.#aliveAt + this.#leaseMs : -Infinity;
    return new ProofNow(
      this.#time,
      this.#source,
      this.#provenAt,
      this.#boundMs,
      this.#mismatchedAt,
      this.#aliveAt,
      aliveUntil,
    );
  }
}

/** The times of a frame are rounded to µs, and the clock's bounds are sums of doubles near 2e12, ms. */
const ROUNDING_MS = 1;

/**
 * A time `at` of another clock, on `Time`, ms. That clock is at `latest` at most, and the result is never
 * after `now`. A time after `latest` cannot have come yet: one of the clocks was set, so it proves nothing,
 * and the result is -Infinity.
 */
function here(at: number, now: number, latest: number): number {
  if (at > latest + ROUNDING_MS) return -Infinity;
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

  constructor(
    time: Time,
    source: Source,
    provenAt: number,
    boundMs: number,
    voidFrom: number,
    aliveAt: number,
    aliveUntil: number,
  ) {
    this.#time = time;
    this.source = source;
    this.#provenAt = provenAt;
    this.#boundMs = boundMs;
    this.#voidFrom = voidFrom;
    this.#aliveAt = aliveAt;
    this.#aliveUntil = aliveUntil;
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
