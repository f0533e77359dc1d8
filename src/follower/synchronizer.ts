/**
 * The synchronizer: keeps the copy in step with Redis. It is live, or syncing with a backlog.
 *
 * A catch-up goes in this order: subscribe, keeping arriving frames in the backlog; read from the keys what
 * changed since the copy's position, aside; put that in place in one step; apply the backlog; be live.
 *
 * Published frames are the fast path, and the keys are the truth. So where a frame does not follow, or has
 * a value that cannot be read, the keys are read again.
 */
import type { Context } from '../actor/context.ts';
import { TandemError } from '../base/errors.ts';
import type { Sliced } from '../base/slices.ts';
import { finish } from '../base/slices.ts';
import { pause } from '../base/time.ts';
import type { Channels } from '../ports/store.ts';
import type { Part } from '../state/part.ts';
import type { Position } from '../state/position.ts';
import { compare, continues, isSame, printPosition } from '../state/position.ts';
import { implausibleError } from './admission.ts';
import type { Applier, Outcome } from './applier.ts';
import type { Arrival } from './arrival.ts';
import { Backlog } from './backlog.ts';
import { Doubt } from './doubt.ts';
import type { SyncEvent } from './events.ts';
import type { KeysRead, KeysReader } from './keys-reader.ts';
import { Messages } from './messages.ts';
import type { Parts } from './parts.ts';
import type { Settled } from './settling.ts';
import { TurnParts } from './turn-parts.ts';
import type { Watchdog } from './watchdog.ts';

/**
 * The greatest number of reads in one sync that bring no progress: the state may be replaced again and
 * again.
 */
const MAX_TRIES = 10;
/**
 * After so many reads in a row of a head behind the copy, the copy is at a position that no owner ever had.
 * The reads take 15 ms, and by then a living owner has committed every announcement.
 */
const TRIES_BEHIND = 5;
/** An announcement is committed within a few ms. A sync that lacks frames reads again after 1, 2, 3… ms. */
const RETRY_MS = 1;
/** A frame that was announced before the subscription may be missing for this long after a catch-up, ms. */
const OWED_MS = 100;

/** So many frames are applied in one stretch. */
const FEW_FRAMES = 20;

/** What became of the backlog. */
type Applied = 'done' | 'gap' | 'unreadable';
type Phase = { readonly is: 'live' } | { readonly is: 'syncing'; readonly backlog: Backlog };
const LIVE: Phase = { is: 'live' };

/** The parts that a synchronizer works with. */
export interface SynchronizerParts extends Parts {
  readonly applier: Applier<any>;
  readonly watchdog: Watchdog;
  readonly keys: KeysReader;
}

interface PutOptions {
  /** The time at which the reading began, on `Time`, ms. */
  readonly askedAt: number;
  /** Put it in place also where the copy is further, at a position that its owner may never have had. */
  readonly mayGoBack: boolean;
  readonly signal: AbortSignal;
}

export class Synchronizer {
  readonly #context: Context;
  readonly #parts: SynchronizerParts;
  readonly #isDirectUp: () => boolean;
  readonly #messages: Messages;
  readonly #turnParts: TurnParts;
  readonly #doubt = new Doubt();
  readonly #deliver = (message: string): void =>
    this.#context.runtime.slices.stretches.during(() => this.#arrived(message));
  #phase: Phase = { is: 'syncing', backlog: new Backlog() };
  #isStopped = false;
  /** Aborts the last sync that ran beside the connection machine. */
  #resyncing: AbortController | undefined;
  /** The time at which the last catch-up was applied, on `Time`, ms. */
  #caughtUpAt = 0;
  /** Server's time of the last cut that was published or read, ms. */
  #lastCutAt = 0;
  /** The last epoch whose frames have ended a degraded mode. */
  #wokenBy = 0;
  /** @param isDirectUp returns whether the direct path delivers frames */
  constructor(context: Context, parts: SynchronizerParts, isDirectUp: () => boolean) {
    this.#context = context;
    this.#parts = parts;
    this.#isDirectUp = isDirectUp;
    this.#messages = new Messages(context, parts.meter, {
      fenced: (epoch) => this.#fenced(epoch),
      // Anybody can publish that: the keys say whether it is so.
      removed: () => void parts.keys.askHead().catch(() => {}),
      part: (part, length) => this.#partCame(part, length),
    });
    const { slices } = context.runtime;
    this.#turnParts = new TurnParts(slices, (line) => parts.applier.gathering(line));
  }

  get caughtUpAt(): number {
    return this.#caughtUpAt;
  }

  get lastCutAt(): number {
    return this.#lastCutAt;
  }

  get isSuspect(): boolean {
    return this.#doubt.isSuspect;
  }

  /** The error of a version of the wire that cannot be read, while nothing else comes. */
  get unknownVersion(): TandemError | undefined {
    return this.#messages.unknownVersion;
  }

  /** Memory differs from Redis: the next sync reads the whole state. */
  distrust(): void {
    this.#doubt.isSuspect = true;
    this.#parts.keys.forget();
  }

  /** Subscribes, and syncs. Rejects when the keys cannot be read, or the sync makes no progress. */
  async catchUp(signal: AbortSignal): Promise<void> {
    this.pause();
    this.#beginBacklog();
    // planted: subscribe
    await this.#channels.subscribe(this.#context.space, this.#deliver);
    await this.#sync(signal);
    // What the keys say now grows old without frames.
    if (this.unknownVersion) throw this.unknownVersion;
  }

  /** Whether frames are applied as they arrive. */
  get isLive(): boolean {
    return this.#phase.is === 'live';
  }

  /** Syncs beside the connection machine: the mode stays as it is, unless the sync fails. */
  resync(): void {
    this.pause();
    if (this.#isStopped) return;
    const resyncing = new AbortController();
    this.#resyncing = resyncing;
    this.#sync(resyncing.signal).catch(
      () => resyncing.signal.aborted || this.#context.connection.send(UNREADABLE),
    );
  }

  /** Calls off a sync that runs beside the connection machine. */
  pause(): void {
    this.#resyncing?.abort();
    this.#resyncing = undefined;
  }

  /** Ends the subscription for good. */
  stop(): void {
    this.#isStopped = true;
    this.pause();
    this.#channels.unsubscribe(this.#context.space, this.#deliver).catch(() => {});
  }

  /** Reads the keys and puts them in place, then the backlog; and again, until the copy is live. */
  async #sync(signal: AbortSignal): Promise<void> {
    const { time } = this.#context.runtime;
    const { keys } = this.#parts;
    for (let tries = 0; ;) {
      if (tries > 0) await pause(time, tries * RETRY_MS, signal);
      // The pause ends at once when the sync is called off.
      signal.throwIfAborted();
      this.#beginBacklog();
      const askedAt = time.now();
      const read = await keys.read(this.#doubt, signal);
      signal.throwIfAborted();
      const from = this.#position;
      const mayGoBack = this.#parts.admission.isMisplaced && tries >= TRIES_BEHIND;
      const isIn = await this.#put(read, { askedAt, mayGoBack, signal });
      if (this.#isStopped) return;
      const synced = isIn ? await this.#applyBacklog(signal) : 'gap';
      this.#context.waiters.check();
      if (synced === 'done') return;
      // A frame with values that cannot be read is dropped once the keys are past it.
      if (synced === 'gap' || isSame(from, this.#position)) tries += 1;
      if (tries < MAX_TRIES) continue;
      // A frame that will never follow must not be in the way of the next catch-up.
      this.#beginBacklog().clear();
      throw new TandemError('HEAD_MOVED', 'frames were missing after the catch-up');
    }
  }

  /**
   * Puts in place what was read, where it fits the copy.
   * @returns whether the backlog may follow
   */
  async #put(read: KeysRead, { askedAt, mayGoBack, signal }: PutOptions): Promise<boolean> {
    const { admission, applier, keys } = this.#parts;
    const { gathering, head, isFull, from } = read;
    const isFurther = (): boolean => !mayGoBack && compare(head, this.#position) < 0;
    const put = (settled?: Settled): boolean => {
      if (this.#isStopped) return false;
      // What is behind by a commit, which is on its way, cannot replace a copy that was found wrong.
      const isLate = isFurther() && (this.#isOwnerAhead || admission.isMisplaced);
      if (isFull && !isLate) this.#doubt.isSuspect = false;
      // Meanwhile the direct path may have brought a frame that the line of the keys never had.
      const fits = isFull || (continues(this.#position, head) && this.#position.revision >= from);
      if (fits) this.#putKeys(read, settled, { askedAt, mayGoBack });
      // The rest of a state that is late is read on top of it.
      if (!(isFull && isLate)) keys.forget();
      return fits && !this.#doubt.isSuspect;
    };
    return isFurther() ? put() : applier.settle(gathering, { to: head, isFull }, put, signal);
  }

  /** Whether this copy may be ahead of Redis by an announcement of a living owner. */
  get #isOwnerAhead(): boolean {
    return this.#parts.applier.proof.ownerAlive() && !this.#isDirectUp();
  }

  #putKeys(
    { gathering, head, isFull }: KeysRead,
    settled: Settled | undefined,
    { askedAt, mayGoBack }: Omit<PutOptions, 'signal'>,
  ): void {
    const { runtime, reporter } = this.#context;
    const { applier, meter, watchdog } = this.#parts;
    const from = this.#position;
    const now = (this.#caughtUpAt = runtime.time.now());
    this.#lastCutAt = head.cutAt;
    if (isFull) this.#doubt.reread(now, now - askedAt);
    watchdog.heard(now);
    const read = { isFull, path: 'redis', from, line: head } as const;
    const told = (keys: number, position: Position, at: number): void => {
      meter.synced({ ...read, keys, tookMs: at - askedAt, position, at });
      const event = { type: 'sync', head: printPosition(this.#position), changed: keys } as const;
      reporter.emit(event satisfies SyncEvent);
    };
    const isIn =
      settled !== undefined && applier.putKeys(settled, head, { clock: runtime.clock, mayGoBack, told });
    meter.caughtUp(from.revision, this.#position, now);
    const { keys } = gathering.draft;
    const came = { ...read, keys, tookMs: now - askedAt, position: this.#position, at: now };
    if (!(isIn && isFull)) meter.synced(came);
  }

  /** Applies the backlog in order. The first frame that does not go in stays, and the keys are read again. */
  async #applyBacklog(signal: AbortSignal): Promise<Applied> {
    const { slices } = this.#context.runtime;
    for (;;) {
      const backlog = this.#beginBacklog();
      const work = this.#applyAll(backlog);
      const came = backlog.size <= FEW_FRAMES ? finish(work) : await slices.run(work, signal);
      if (came !== 'parts') return came;
      const first = backlog.first!;
      const outcome = await this.#applyTurn(first, signal);
      if (outcome === 'gap' || outcome === 'unreadable' || outcome === 'parts') return 'gap';
      backlog.shift();
      if (this.#isOff(first, outcome)) return 'gap';
    }
  }

  *#applyAll(backlog: Backlog): Sliced<Applied | 'parts'> {
    for (let { first } = backlog; first !== undefined; first = backlog.first) {
      const outcome = this.#applyFrame(first);
      if (outcome === 'gap' || outcome === 'unreadable' || outcome === 'parts') return outcome;
      backlog.shift();
      if (this.#isOff(first, outcome)) return 'gap';
      yield;
    }
    this.#phase = LIVE;
    return 'done';
  }

  /** Whether a frame of the backlog shows that the whole state has to be read. */
  #isOff({ frame }: Arrival, outcome: Outcome): boolean {
    // The keys were read after this frame came, and show no claim of its epoch.
    if (outcome === 'unclaimed') this.#refuse(frame);
    return outcome === 'mismatch' && this.#mayReread();
  }

  /** Applies a large turn. Where parts of it are missing, there is a gap. */
  async #applyTurn(arrival: Arrival, signal: AbortSignal): Promise<Outcome> {
    const { frame } = arrival;
    const gathering = frame.turn && (await this.#turnParts.gathered(frame, frame.turn));
    signal.throwIfAborted();
    if (gathering === undefined) return 'gap';
    const outcome = await this.#parts.applier.applyTurn(gathering, arrival, signal);
    return this.#note(arrival, outcome);
  }

  /** Applies the large turn that has come, once its parts are read, and what comes meanwhile behind it. */
  #finishTurn(): void {
    this.pause();
    const finishing = new AbortController();
    const { signal } = finishing;
    this.#resyncing = finishing;
    this.#applyBacklog(signal).then(
      (applied) => signal.aborted || applied === 'done' || this.resync(),
      () => signal.aborted || this.resync(),
    );
  }

  // ---- frames ----

  /** A message was published. */
  #arrived(message: string): void {
    if (this.#isStopped) return;
    const { time, clock } = this.#context.runtime;
    const receivedAt = time.now();
    const frame = this.#messages.frameOf(message);
    if (frame === undefined) return;
    const arrival: Arrival = { frame, path: 'redis', clock, receivedAt };
    // Its owner sends nothing else between the parts of a turn.
    if (frame.turn === undefined) this.#turnParts.forget();
    if (this.#phase.is === 'syncing') return this.#addToBacklog(arrival, message.length);
    const outcome = this.#applyFrame(arrival);
    if (outcome === 'mismatch') return void (this.#mayReread() && this.resync());
    if (outcome === 'implausible') return this.#refuse(frame);
    if (outcome === 'parts') {
      this.#addToBacklog(arrival, message.length);
      return this.#finishTurn();
    }
    if (outcome !== 'gap' && outcome !== 'unreadable' && outcome !== 'unclaimed') return;
    // It may follow once the keys are read: they may be behind it by a commit.
    this.#addToBacklog(arrival, message.length);
    const isOwed = receivedAt - this.#caughtUpAt < OWED_MS;
    if (outcome === 'gap' && !isOwed) {
      const from = printPosition({ epoch: frame.epoch, revision: frame.prev });
      return this.#context.connection.gap(
        `a frame from ${from} does not follow ${printPosition(this.#position)}`,
      );
    }
    // A frame goes in whole or not at all, so the keys are read. The mode stays as it is.
    this.resync();
  }

  /**
   * A claim was heard of: nothing of a lower epoch is taken from now on. The keys are asked whether it was
   * made, before its owner's first frame comes.
   */
  #fenced(epoch: number): void {
    const { admission, applier } = this.#parts;
    if (!admission.claimed(epoch, applier.latestMs)) return this.#refuse({ epoch, revision: 0 });
    // Where Redis does not answer, the owner's first frame leads to the keys.
    this.#parts.keys.askHead().catch(() => {});
  }

  /** A part of a large turn: its owner lives, and has nothing else to send meanwhile. */
  #partCame(part: Part, length: number): void {
    const { admission, meter, watchdog } = this.#parts;
    if (part.epoch < admission.fence) meter.rejected('fenced');
    else if (this.#turnParts.add(part, length)) watchdog.heard(this.#context.runtime.time.now());
  }

  /** Counts a frame that no owner can have sent, and reports it. */
  #refuse(position: Position): void {
    this.#parts.meter.rejected('epoch');
    this.#context.reporter.reportRarely(implausibleError(position));
  }

  /**
   * The copy differs from its owner's state: the next sync reads all of it.
   * @returns whether a sync is due; false where the last whole state was read a moment ago
   */
  #mayReread(): boolean {
    const mayReread = this.#doubt.mismatch(this.#context.runtime.time.now());
    if (mayReread) this.#parts.keys.forget();
    return mayReread;
  }

  #applyFrame(arrival: Arrival): Outcome {
    const { applier, meter } = this.#parts;
    const isLate = meter.isLate(arrival.frame);
    const outcome = applier.apply(arrival);
    if (isLate && outcome !== 'fenced') meter.late(arrival);
    return this.#note(arrival, outcome);
  }

  /** Notes what a frame has shown. */
  #note(arrival: Arrival, outcome: Outcome): Outcome {
    const { frame, receivedAt } = arrival;
    const { admission, watchdog } = this.#parts;
    if (outcome === 'applied' || outcome === 'known' || outcome === 'mismatch') {
      watchdog.heard(receivedAt);
      // A forged time in the future would hide that nothing comes.
      if (!frame.bye) this.#lastCutAt = Math.min(frame.cutAt, arrival.clock.latest(receivedAt));
      if (!frame.isAhead && outcome !== 'mismatch') admission.storedUpTo(frame);
    }
    if (!this.#parts.freshness.isMismatched) this.#doubt.matches();
    this.#context.waiters.check();
    return outcome;
  }

  /** The backlog. In the live phase, this begins a new one. */
  #beginBacklog(): Backlog {
    if (this.#phase.is === 'syncing') return this.#phase.backlog;
    const backlog = new Backlog();
    this.#phase = { is: 'syncing', backlog };
    return backlog;
  }

  #addToBacklog(arrival: Arrival, length: number): void {
    this.#beginBacklog().add(arrival, length);
    const { connection } = this.#context;
    const { epoch } = arrival.frame;
    // A new epoch while degraded: the owner has mended the data that made the catch-up fail.
    if (connection.mode !== 'degraded' || epoch === this.#wokenBy || epoch <= this.#position.epoch) return;
    this.#wokenBy = epoch;
    connection.send({ type: 'link.up' });
  }

  get #channels(): Channels {
    const { channels, store } = this.#context.runtime;
    return channels ?? store;
  }

  get #position(): Position {
    return this.#parts.replica.position;
  }
}

const UNREADABLE = { type: 'gap', reason: 'the keys could not be read' } as const;
