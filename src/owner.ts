/**
 * The owner actor: its memory is the truth, and Redis is brought to it.
 *
 * `set` writes into the ledger and returns. At the end of the turn one cut of all that Redis lacks goes out;
 * while it is under way changes gather, and the next cut carries the latest of each. Whatever goes wrong, the
 * answer is the same: ask the store for its head, and bring it from there to here.
 *
 * Invariant: `#committed` is a position that the store has held, and everything up to it is durable there.
 */
import type { Actor } from 'xstate';
import { createActor } from 'xstate';
import type { Mode } from '../machines/connection.ts';
import type { Ownership } from '../machines/ownership.ts';
import { ownershipMachine } from '../machines/ownership.ts';
import { claimSpace } from './claim.ts';
import type { DeskEvent, DeskLogic, DeskScope, ErrorEvent, ModeEvent, Surroundings } from './desk.ts';
import { Desk, deskLogic } from './desk.ts';
import { asTandemError, OwnedElsewhereError, TandemError, timeoutError } from './errors.ts';
import type { Change } from './frame.ts';
import { MAX_FRAME_CHANGES, MAX_FRAME_LENGTH } from './frame.ts';
import type { Captured } from './ledger.ts';
import { Ledger } from './ledger.ts';
import { between, requireOneOf } from './options.ts';
import type { Position } from './position.ts';
import { compare, continues, isSame, parsePosition, printPosition, ZERO } from './position.ts';
import type { Proof } from './reading.ts';
import { Reading } from './reading.ts';
import type { Entry } from './revision-map.ts';
import type { Definition, InputOf, KeyOf, Space, ValueOf } from './space.ts';
import type { Head, Link } from './store.ts';
import type { Cancel } from './time.ts';
import { randomId, withDeadline } from './time.ts';

export interface OwnOptions {
  /** `'resume'` goes on from what Redis has; `'reset'` empties it. Default `'resume'`. */
  readonly start?: 'resume' | 'reset';
  /** For how long the space stays this owner's without a sign of life, ms. Default 3,000. */
  readonly leaseMs?: number;
  /** How often to give a sign of life when nothing changes, ms. Default 250. */
  readonly beaconMs?: number;
}

/** What an owner had not committed when it lost its space. */
export interface Uncommitted {
  readonly key: string;
  /** `undefined` is a delete. */
  readonly value: unknown;
  readonly position: string;
}

export type FencedEvent = {
  readonly type: 'fenced';
  /** Oldest change first. What was under way when the space was lost is among them. */
  readonly uncommitted: readonly Uncommitted[];
  readonly error: TandemError;
};
export type OwnershipChangedEvent = { readonly type: 'ownership'; readonly ownership: Ownership };
export type OwnerEmitted = ModeEvent | ErrorEvent | FencedEvent | OwnershipChangedEvent;

/** Tombstones that one commit makes the store forget, at most. */
const MAX_DROPPED = 1_000;
const PAGE_LIMIT = 1_000;

export class Owner<D extends Definition = Definition> extends Desk<D, OwnerEmitted> {
  override readonly isOwner = true;
  protected readonly links: readonly Link[];
  readonly #options: Required<OwnOptions>;
  readonly #id: string;
  readonly #ledger = new Ledger();
  readonly #ownership: Actor<typeof ownershipMachine>;
  #committed: Position = ZERO;
  /** The highest revision that was sent to the store under this epoch; the outcome may be unknown. */
  #attempted = 0;
  #led = false;
  #scheduled = false;
  #committing = false;
  #lastCommitAt = -Infinity;
  #cancelBeacon: Cancel | undefined;
  #ended: TandemError | undefined;

  constructor(space: Space<D>, around: Surroundings, scope: DeskScope, options: OwnOptions = {}) {
    super(space, around, scope);
    const leaseMs = between('leaseMs', options.leaseMs ?? 3_000, 50, 3_600_000);
    this.#options = {
      start: requireOneOf('start', options.start ?? 'resume', ['resume', 'reset']),
      leaseMs,
      beaconMs: between('beaconMs', options.beaconMs ?? Math.min(250, leaseMs / 2), 10, leaseMs / 2),
    };
    this.links = [around.store.commands];
    this.#id = `${around.name.replaceAll(' ', '_')}/${randomId(around.time)}`;
    this.#ownership = createActor(ownershipMachine, {
      parent: scope.self,
      id: 'ownership',
      input: { standby: false },
    });
  }

  /** Whether this owner has the space, wants it, or has lost it. */
  get ownership(): Ownership {
    return this.#ownership.getSnapshot().value as Ownership;
  }

  override start(): void {
    super.start();
    this.#ownership.subscribe(({ value }) => this.emit({ type: 'ownership', ownership: value as Ownership }));
    this.#ownership.start();
  }

  // ---- state ----

  /**
   * Sets a key: in memory, at once. The value is captured; changing the object afterwards changes nothing.
   * @throws TandemError `UNKNOWN_KEY`, `FENCED`, `OWNED_ELSEWHERE` or `STOPPED`
   * @throws InvalidValueError `INVALID_VALUE`, `NOT_JSON` or `TOO_LARGE`. Nothing is set then.
   */
  set<K extends KeyOf<D>>(key: K, value: InputOf<D, K>): void {
    this.#requireWritable();
    this.#ledger.set(key, this.space.capture(key, value));
    this.#schedule();
  }

  /**
   * Deletes a key. Returns whether it held a value.
   * @throws TandemError `UNKNOWN_KEY`, `FENCED`, `OWNED_ELSEWHERE` or `STOPPED`
   */
  delete<K extends KeyOf<D>>(key: K): boolean {
    this.#requireWritable();
    this.space.requireSchema(key);
    const existed = this.#ledger.delete(key);
    this.#schedule();
    return existed;
  }

  /**
   * Runs a synchronous function whose changes go out in one frame: all of them, or, when it throws, none.
   * @throws TandemError `INVALID_BATCH` for a function that returns a promise; and what the function throws
   */
  batch<T>(run: () => T): T {
    this.#requireWritable();
    try {
      return this.#ledger.batch(run);
    } finally {
      this.#schedule();
    }
  }

  override get<K extends KeyOf<D>>(key: K): Reading<K, ValueOf<D, K>> {
    const entry = this.#ledger.get(key);
    if (entry === undefined) this.space.requireSchema(key);
    return this.#reading(key, entry);
  }

  override *entries(prefix = ''): Iterable<Reading<KeyOf<D>, ValueOf<D, KeyOf<D>>>> {
    for (const entry of this.#ledger.entries()) {
      if (entry.key.startsWith(prefix)) yield this.#reading(entry.key as KeyOf<D>, entry);
    }
  }

  #reading<K extends KeyOf<D>>(key: K, entry: Entry<Captured> | undefined): Reading<K, ValueOf<D, K>> {
    const captured = entry?.value;
    if (captured !== undefined && captured.value === undefined)
      captured.value = this.space.read(key, captured.json);
    return new Reading(key, entry, captured?.value as ValueOf<D, K> | undefined, this.proof);
  }

  /** An owner's memory is the truth, for as long as it owns. */
  readonly proof: Proof = {
    source: 'memory',
    staleMs: () => (this.#ended ? Infinity : 0),
    freshness: () => (this.#ended ? 'stale' : 'live'),
    ownerAlive: () => this.#ended === undefined,
  };

  protected get position(): Position {
    return this.#ledger.head;
  }

  // ---- waiting ----

  /**
   * Resolves when this owner leads: the space is claimed, and Redis is where this process is.
   * @param options timeoutMs default 10,000
   * @throws OwnedElsewhereError `OWNED_ELSEWHERE` where a living owner renews the lease
   * @throws TandemError `TIMEOUT`, `FENCED` or `STOPPED`
   */
  ready({ timeoutMs = 10_000 }: { timeoutMs?: number } = {}): Promise<void> {
    const why = (): unknown => this.around.store.commands.error ?? this.lastError;
    return this.waiters.wait(
      () => this.#led && !this.#ended,
      `space "${this.space.name}" was not owned`,
      timeoutMs,
      why,
    );
  }

  /**
   * Resolves when everything set before is committed in Redis, with the position that was reached.
   * @param options timeoutMs default 1,000
   * @throws TandemError `TIMEOUT`, `FENCED`, `OWNED_ELSEWHERE` or `STOPPED`
   */
  async flush({ timeoutMs = 1_000 }: { timeoutMs?: number } = {}): Promise<string> {
    const what = `what was set in space "${this.space.name}" was not committed`;
    const why = (): unknown => this.around.store.commands.error ?? this.lastError;
    const started = this.around.time.now();
    // Revisions are final only once the space is owned.
    await this.waiters.wait(() => this.#led, what, timeoutMs, why);
    const { revision } = this.#ledger.head;
    const leftMs = timeoutMs - (this.around.time.now() - started);
    await this.waiters.wait(() => this.#committed.revision >= revision, what, leftMs, why);
    return printPosition(this.#committed);
  }

  override async waitFor(
    position: string,
    { timeoutMs = 1_000 }: { timeoutMs?: number } = {},
  ): Promise<void> {
    const awaited = parsePosition(position);
    const isThere = (): boolean => compare(this.#ledger.head, awaited) >= 0;
    await this.waiters.wait(isThere, `space "${this.space.name}" did not come to ${position}`, timeoutMs);
  }

  /**
   * Flushes, gives up the lease, says goodbye.
   * @param options timeoutMs for all of it; default 2,000
   */
  override async stop({ timeoutMs = 2_000 }: { timeoutMs?: number } = {}): Promise<void> {
    if (this.#ended) return;
    // From now on nothing is set, so that what is flushed is everything.
    this.#ended = new TandemError('STOPPED', `the owner of space "${this.space.name}" is stopped`);
    const { time } = this.around;
    const deadline = time.now() + timeoutMs;
    const late = (): Error =>
      timeoutError(`the lease of space "${this.space.name}" was not given up`, timeoutMs);
    try {
      if (this.#isDirty()) await this.flush({ timeoutMs });
      if (this.mode === 'connected') await withDeadline(time, deadline - time.now(), this.#release(), late);
    } catch (error) {
      this.report(error);
    }
    this.#ownership.send({ type: 'released' });
    this.close();
  }

  override close(): void {
    this.#ended ??= new TandemError('STOPPED', `the owner of space "${this.space.name}" is stopped`);
    this.#cancelBeacon?.();
    super.close();
  }

  async #release(): Promise<void> {
    const { epoch, base } = this.#ledger.line;
    const { revision } = this.#committed;
    const farewell = {
      epoch,
      base,
      prev: revision,
      revision,
      cutAt: Math.max(0, this.around.clock.earliest()),
      leaseMs: 0,
      bye: true,
    };
    await this.around.store.release(this.space.name, this.#id, farewell);
  }

  // ---- the machine's work ----

  protected override entered(mode: Mode): void {
    if (mode === 'connected') {
      this.#led = true;
      this.waiters.check();
      this.#scheduleBeacon();
      this.#schedule();
    } else {
      this.#cancelBeacon?.();
    }
  }

  override receive(event: DeskEvent): void {
    const { type, key, value } = event as { type: string; key: KeyOf<D>; value: InputOf<D, KeyOf<D>> };
    if (type === 'set') this.set(key, value);
    else if (type === 'delete') this.delete(key);
    else if (type === 'stop') void this.stop();
  }

  /** Start, reconnect and repair are one path: claim where there is no claim, then bring Redis to here. */
  protected override async catchUp(signal: AbortSignal): Promise<void> {
    try {
      const head = (await this.#ownHead()) ?? (await this.#claim(signal));
      signal.throwIfAborted();
      await this.#bring(head);
    } catch (error) {
      if (error instanceof OwnedElsewhereError) this.#lose(error);
      throw error;
    }
  }

  /** The head in the store, when it is one that this owner made; `undefined` when it has to claim (again). */
  async #ownHead(): Promise<Head | undefined> {
    if (this.ownership !== 'leading') return undefined;
    const { head } = await this.around.store.since(this.space.name, this.#committed, 0);
    const { epoch } = this.#ledger.line;
    if (head.fence > epoch) throw this.#lose(this.#fencedBy(head));
    const isOurs =
      head.epoch === epoch && head.revision >= this.#committed.revision && head.revision <= this.#attempted;
    if (!head.damaged && head.fence === epoch && (isOurs || isSame(head, this.#committed))) return head;
    this.#ownership.send({ type: 'lost' });
    return undefined;
  }

  async #claim(signal: AbortSignal): Promise<Head> {
    const { store, time, name } = this.around;
    const claim = {
      owner: this.#id,
      ownerName: name,
      known: this.#ledger.line.epoch,
      leaseMs: this.#options.leaseMs,
    };
    const head = await claimSpace(store, this.space.name, claim, time, signal);
    const epoch = head.fence;
    if (this.#ledger.isLoaded) this.#ledger.continueIn({ epoch, base: this.#ledger.head });
    else if (this.#options.start === 'reset') this.#ledger.startOver({ epoch, base: ZERO }, head.revision);
    else await this.#load(epoch, head);
    this.#attempted = 0;
    this.#ownership.send({ type: 'claimed' });
    return head;
  }

  /** Reads the state that the last owner left. Nobody else can write meanwhile. */
  async #load(epoch: number, { revision, epoch: last, horizon }: Head): Promise<void> {
    const changes: Change[] = [];
    let page;
    let position = ZERO;
    do {
      page = await this.around.store.since(this.space.name, position, PAGE_LIMIT, horizon);
      changes.push(...page.changes);
      position = { epoch: page.head.epoch, revision: page.changes.at(-1)?.revision ?? position.revision };
    } while (page.more);
    const { head } = page;
    if (head.fence !== epoch)
      throw new TandemError('FENCED', `space "${this.space.name}" was claimed by another`, {
        retryable: true,
      });
    if (head.damaged)
      this.report(
        new TandemError(
          'DAMAGED',
          `Redis has lost keys of space "${this.space.name}"; going on without them`,
        ),
      );
    this.#ledger.resume({ epoch, base: { epoch: last, revision } }, horizon, changes);
    this.#dropUnreadable(changes);
  }

  /** What this owner's schemas refuse is not part of the state that it owns. Each is reported, then deleted. */
  #dropUnreadable(changes: readonly Change[]): void {
    for (const { key, json } of changes) {
      if (json === '') continue;
      if (this.#ledger.get(key)?.value?.json !== json) continue;
      try {
        this.space.read(key, json);
      } catch (error) {
        this.report(error);
        this.#ledger.delete(key);
      }
    }
  }

  // ---- the way to Redis ----

  /** Brings the store from its head to here: a first commit proves that it takes writes. */
  async #bring(head: Head): Promise<void> {
    const { outcome, head: found } = await this.#write(head, head.damaged);
    if (outcome === 'fenced') throw this.#lose(this.#fencedBy(found));
    if (outcome !== 'committed') {
      throw new TandemError('BEHIND', `space "${this.space.name}" changed in Redis while it was repaired`, {
        retryable: true,
      });
    }
  }

  /** One cut on top of `prev`; or, where that cannot be, the whole state in place of what is there. */
  async #write(prev: Position, isDamaged = false): Promise<{ outcome: string; head: Head }> {
    const { store, clock } = this.around;
    const { line, horizon, head } = this.#ledger;
    const changes =
      isDamaged || !continues(prev, line) ? undefined : this.#ledger.changesSince(prev.revision);
    const cut = {
      ...line,
      owner: this.#id,
      leaseMs: this.#options.leaseMs,
      revision: head.revision,
      horizon,
      cutAt: Math.max(0, clock.earliest()),
    };
    this.#attempted = head.revision;
    this.#lastCommitAt = this.around.time.now();
    const isPatch = changes !== undefined && isOneCall(changes);
    const droppedCount = isPatch
      ? Math.min(MAX_DROPPED, this.#ledger.droppedCount)
      : this.#ledger.droppedCount;
    const reply = isPatch
      ? await store.commit(this.space.name, {
          ...cut,
          prev,
          changes,
          dropped: this.#ledger.dropped(droppedCount),
        })
      : await store.swap(this.space.name, { ...cut, changes: this.#ledger.everything() });
    if (reply.outcome === 'committed') {
      this.#ledger.forgetDropped(droppedCount);
      this.#commitTo({ epoch: line.epoch, revision: head.revision });
    }
    return reply;
  }

  /** Never back: the reply of a call that was given up may still come in. */
  #commitTo(position: Position): void {
    if (compare(position, this.#committed) > 0) this.#committed = position;
    this.waiters.check();
  }

  #isDirty(): boolean {
    return this.#ledger.head.revision > this.#committed.revision || !this.#led;
  }

  /** At the end of this turn, so that all of the turn's changes go out as one. */
  #schedule(): void {
    if (this.#scheduled || this.#committing || this.mode !== 'connected' || !this.#isDirty()) return;
    this.#scheduled = true;
    this.around.time.endOfTurn(() => {
      this.#scheduled = false;
      void this.#commit();
    });
  }

  async #commit(): Promise<void> {
    if (this.#committing || this.mode !== 'connected') return;
    this.#committing = true;
    try {
      const { outcome, head } = await this.#write(this.#committed);
      if (outcome === 'fenced') this.#lose(this.#fencedBy(head));
      else if (outcome !== 'committed')
        this.tell({ type: 'gap', reason: `Redis has ${outcome} from this owner` });
    } catch (error) {
      const failure = asTandemError(error, 'REDIS_UNAVAILABLE', 'the commit failed');
      if (this.around.store.commands.up) this.report(failure);
      this.tell({ type: 'link.down', reason: failure.message });
    } finally {
      this.#committing = false;
    }
    this.#schedule();
  }

  /** A beacon when nothing else has gone out for so long. It proves that nothing is waiting. */
  #scheduleBeacon(): void {
    const { time } = this.around;
    this.#cancelBeacon?.();
    const dueMs = this.#lastCommitAt + this.#options.beaconMs - time.now();
    this.#cancelBeacon = time.after(Math.max(1, dueMs), () => {
      if (time.now() - this.#lastCommitAt >= this.#options.beaconMs - 1) void this.#commit();
      this.#scheduleBeacon();
    });
  }

  // ---- the end ----

  #fencedBy(head: Head): TandemError {
    return new TandemError(
      'FENCED',
      `space "${this.space.name}" was taken over by "${head.ownerName}" with epoch ${head.fence}`,
    );
  }

  #requireWritable(): void {
    if (this.#ended) throw this.#ended;
  }

  /** The space is another's. Says what could not be committed, and stops for good. */
  #lose(error: TandemError): TandemError {
    if (this.#ended?.code === error.code) return error;
    this.#ended = error;
    this.waiters.refuse(error);
    this.#ownership.send({ type: 'fenced' });
    const lost = this.#ledger.changesSince(this.#committed.revision) ?? this.#ledger.everything();
    this.emit({ type: 'fenced', uncommitted: lost.map((change) => this.#asUncommitted(change)), error });
    this.close();
    return error;
  }

  #asUncommitted({ key, revision, json }: Change): Uncommitted {
    const { epoch } = this.#ledger.get(key) ?? this.#ledger.line;
    return {
      key,
      value: json === '' ? undefined : JSON.parse(json),
      position: printPosition({ epoch, revision }),
    };
  }
}

function isOneCall(changes: readonly Change[]): boolean {
  if (changes.length > MAX_FRAME_CHANGES) return false;
  let length = 0;
  for (const { key, json } of changes) length += key.length + json.length;
  return length <= MAX_FRAME_LENGTH || changes.length === 1;
}

/** An owner as actor logic, to be invoked or spawned in a machine of the user's. */
export function ownerLogic<D extends Definition>(
  space: Space<D>,
  around: Surroundings,
  options?: OwnOptions,
): DeskLogic<Owner<D>, OwnerEmitted> {
  return deskLogic<Owner<D>, OwnerEmitted>((scope) => new Owner(space, around, scope, options));
}
