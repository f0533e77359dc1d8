/**
 * The proof watch: emits `freshness` and `ownerChanged` when readings begin to say something else.
 *
 * A reading computes what it says when it is read, so nothing happens at the moment at which its proof runs
 * out. Four things make it say something else, and each leads to a look at the proof:
 *
 *   time passes           one timer for the moment at which the proof runs out. When it is due and the proof
 *                         was renewed meanwhile, it is set for the rest: a frame sets no timer
 *   a frame comes         only where it can be news: the proof had run out, or runs out sooner than expected
 *   something else does   the end of an owner, a key that cannot be read, a copy found wrong: `changed`
 *   the machine wakes up  `Time.onWake`
 *
 * Invariant: each event differs from the one before it, and what was said last is what is remembered here.
 */
import type { OwnerState, Freshness, Proof, Source } from '../state/reading.ts';
import type { Cancel, Time } from '../base/time.ts';
import type { FreshnessEvent, OwnerChangedEvent } from './events.ts';
import type { Reporter } from './reporter.ts';

/**
 * An event about an owner waits so long for its name, ms: frames do not have it, so Redis is asked. It must
 * be less than the 100 ms within which events come.
 */
const NAME_MS = 50;

/** Who owns the space, as events name it: two lives of a process under one name are the same owner. */
export interface OwnerIdentity {
  /** Its `connect({ name })`. */
  readonly name: string;
}

/** The participant, as its watch sees it. */
export interface Watched {
  readonly proof: Proof;
  /** The owner of the space; `'asked'` while Redis is asked for it, `undefined` where it cannot be known. */
  readonly ownerIdentity: OwnerIdentity | 'asked' | undefined;
  /** The longest time until the next look, ms: for a proof that may end without a moment for it. */
  readonly lookMs: number;
}

/** What readings say now, and since when, ms since 1970 by this machine's wall clock. */
export interface Status {
  /** As in a reading, of the whole state. */
  readonly freshness: Freshness;
  /** When it became so, ms since 1970. */
  readonly freshnessSince: number;
  /** As in a reading, ms. */
  readonly staleMs: number;
  /** As in a reading. */
  readonly source: Source;
  /** As in a reading. */
  readonly owner: OwnerState;
  /** When it became so, ms since 1970. */
  readonly ownerSince: number;
  /**
   * The owner's `connect({ name })`; of an owner that is gone, the last one's. `undefined` where it is not
   * known.
   */
  readonly ownerName: string | undefined;
}

/** Told by whatever renews or ends a proof. */
export interface ProofListener {
  /** A frame has renewed the proof: without another it runs out at `until`, on `Time`, ms. */
  renewed(until: number): void;
  /** Something besides the passing of time may have changed what readings say. */
  changed(): void;
}

export class ProofWatch implements ProofListener {
  readonly #time: Time;
  readonly #reporter: Reporter;
  readonly #watched: Watched;
  #endWake: Cancel = () => {};
  #freshness: Freshness = 'stale';
  #freshnessSince: number;
  #owner: OwnerState = 'never';
  #ownerSince: number;
  #identity: OwnerIdentity | undefined;
  /** Since when an event waits for the owner's name, on `Time`, ms; `undefined` where none does. */
  #namelessSince: number | undefined;
  /** When the timer is due, and when the last look was, on `Time`, ms. */
  #dueAt = Infinity;
  #lookedAt: number;
  #cancel: Cancel | undefined;
  #isLookDue = false;
  #isByTime = false;
  #mirrored: ProofWatch | undefined;
  #isStopped = false;

  constructor(time: Time, reporter: Reporter, watched: Watched) {
    this.#time = time;
    this.#reporter = reporter;
    this.#watched = watched;
    this.#lookedAt = time.now();
    this.#freshnessSince = this.#ownerSince = time.wall();
  }

  start(): void {
    this.#endWake = this.#time.onWake(() => this.look(true));
    this.changed();
  }

  renewed(until: number): void {
    // planted: proof-renewed
    if (this.#freshness === 'stale' || this.#owner !== 'alive' || until < this.#dueAt) this.changed();
  }

  /** Looks at the end of this turn: what happens until then is one change. */
  changed(): void {
    if (this.#isLookDue || this.#isStopped) return;
    this.#isLookDue = true;
    this.#time.endOfTurn(this.#lookNow);
  }

  readonly #lookNow = (): void => {
    this.#isLookDue = false;
    this.look();
  };

  /**
   * Looks at once, and emits what has changed.
   * @param isByTime whether nothing but time has passed since the last look, as far as is known
   */
  look(isByTime = false): void {
    if (this.#isStopped) return;
    this.#isByTime = isByTime;
    if (this.#mirrored !== undefined) return this.#copy(this.#mirrored);
    const { proof } = this.#watched;
    const now = this.#time.now();
    this.#noteOwner(proof, now);
    this.#noteFreshness(proof, now);
    this.#lookedAt = now;
    this.#arm(proof, now);
  }

  /**
   * Tells from now on what another watch tells, whenever it is made to look: a standby shows the state of its
   * follower. With `undefined`, it looks at its own participant again.
   */
  mirror(other: ProofWatch | undefined): void {
    this.#mirrored = other;
    this.#cancel?.();
    this.changed();
  }

  /** Ends the watch for good. */
  stop(): void {
    this.#isStopped = true;
    this.#endWake();
    this.#cancel?.();
    this.#cancel = undefined;
  }

  get status(): Status {
    const { proof } = this.#watched;
    const [freshness, owner, wall] = [proof.freshness(), proof.owner(), this.#time.wall()];
    return {
      freshness,
      freshnessSince: freshness === this.#freshness ? this.#freshnessSince : wall,
      staleMs: proof.staleMs(),
      source: proof.source,
      owner,
      ownerSince: owner === this.#owner ? this.#ownerSince : wall,
      ownerName: this.#ownerName,
    };
  }

  get #ownerName(): string | undefined {
    const identity = this.#watched.ownerIdentity;
    return (typeof identity === 'object' ? identity : this.#identity)?.name;
  }

  #noteFreshness(proof: Proof, now: number): void {
    const freshness = proof.freshness();
    if (freshness === this.#freshness) return;
    this.#tellFreshness(freshness, this.#wallAt(freshness === 'live' ? now : proof.staleFrom(), now));
  }

  #noteOwner(proof: Proof, now: number): void {
    const owner = proof.owner();
    const identity = this.#watched.ownerIdentity;
    if (owner === 'alive' && identity === 'asked' && this.#waitsForName(now)) return;
    const waitedMs = now - (this.#namelessSince ?? now);
    this.#namelessSince = undefined;
    const isKnown = typeof identity === 'object';
    // An owner that is alive and has no name is not known to be the one before.
    const known = isKnown
      ? identity
      : owner === 'alive' && owner !== this.#owner
        ? undefined
        : this.#identity;
    const at = owner === 'lost' ? proof.lostFrom() : now;
    const since = waitedMs > 0 ? this.#time.wall() - Math.floor(waitedMs) : this.#wallAt(at, now);
    this.#tellOwner(owner, known, since);
  }

  /** Takes over what another watch has told. */
  #copy(other: ProofWatch): void {
    this.#tellOwner(other.#owner, other.#identity, other.#ownerSince);
    if (other.#freshness !== this.#freshness) this.#tellFreshness(other.#freshness, other.#freshnessSince);
  }

  #tellFreshness(freshness: Freshness, since: number): void {
    this.#freshness = freshness;
    this.#freshnessSince = since;
    const staleMs = this.#watched.proof.staleMs();
    this.#reporter.emit({ type: 'freshness', freshness, since, staleMs } satisfies FreshnessEvent);
  }

  /** Emits where the owner stands otherwise now, or has another name. */
  #tellOwner(owner: OwnerState, identity: OwnerIdentity | undefined, since: number): void {
    const before = this.#identity;
    const isOther = identity !== undefined && before !== undefined && identity.name !== before.name;
    this.#identity = identity;
    if (owner === this.#owner && !(isOther && owner === 'alive')) return;
    this.#owner = owner;
    this.#ownerSince = since;
    const ownerName = identity?.name;
    this.#reporter.emit({ type: 'ownerChanged', owner, ownerName, since } satisfies OwnerChangedEvent);
  }

  #waitsForName(now: number): boolean {
    this.#namelessSince ??= now;
    return now - this.#namelessSince < NAME_MS;
  }

  /**
   * A moment on `Time`, by the wall clock, ms since 1970. The timer may be late: then readings say it since
   * `at`. Where something other than time has ended the proof, they say it since now.
   */
  #wallAt(at: number, now: number): number {
    const isAged = this.#isByTime && at >= this.#lookedAt && at <= now;
    return this.#time.wall() - (isAged ? Math.floor(now - at) : 0);
  }

  #arm(proof: Proof, now: number): void {
    this.#cancel?.();
    const staleAt = this.#freshness === 'live' ? proof.staleFrom() : Infinity;
    const lostAt = this.#owner === 'alive' ? proof.lostFrom() : Infinity;
    const namedAt = this.#namelessSince === undefined ? Infinity : this.#namelessSince + NAME_MS;
    this.#dueAt = Math.min(staleAt, lostAt, namedAt, now + this.#watched.lookMs);
    // planted: proof-timer
    this.#cancel = this.#isStopped ? undefined : this.#timer(now);
  }

  #timer(now: number): Cancel | undefined {
    if (this.#dueAt === Infinity) return undefined;
    const cancel = this.#time.after(this.#dueAt - now, () => {
      // After a blocked loop, the frames that have arrived by now count first.
      this.#time.nextTurn(() => this.#time.nextTurn(() => this.#cancel === cancel && this.look(true)));
    });
    return cancel;
  }
}
