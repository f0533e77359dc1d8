/**
 * The follower: keeps a copy of a space current, and proves how current it is.
 *
 * Where to read on. `Synchronizer` keeps the copy in step with Redis. `DirectSource` brings frames from the
 * owner's own process. Both hand frames to the `Applier`, and `Admission` decides which of them are applied.
 * `FreshnessTracker` holds the proof. `Watchdog` and `HeadCheck` act when nothing comes.
 */
import type { ConnectionWork } from '../actor/connection-driver.ts';
import type { ErrorEvent, FreshnessEvent, ModeEvent, OwnerChangedEvent } from '../actor/events.ts';
import type { ParticipantEvent, ParticipantLogic, ParticipantScope } from '../actor/logic.ts';
import { participantLogic } from '../actor/logic.ts';
import { ownerWords } from '../actor/obstacle.ts';
import type { Stopped } from '../actor/stopped.ts';
import { Participant } from '../actor/participant.ts';
import type { OwnerIdentity, ProofListener } from '../actor/proof-watch.ts';
import { TandemError } from '../base/errors.ts';
import { inRoot } from '../base/root.ts';
import { between, requireBoolean, requireObject, requireOneOf } from '../base/options.ts';
import type { DirectOptions, PathTarget, UpstreamOptions } from '../ports/path.ts';
import type { Runtime } from '../ports/runtime.ts';
import type { Link } from '../ports/store.ts';
import type { Mode } from '../state/mode.ts';
import type { Position } from '../state/position.ts';
import { printPosition } from '../state/position.ts';
import { LeaseWatch } from '../state/lease-watch.ts';
import type { AnyReading, ReadingOf } from '../state/any-reading.ts';
import type { Proof, Row } from '../state/reading.ts';
import { Replica } from '../state/replica.ts';
import type { Snapshot } from '../state/snapshot.ts';
import type { ChangeTimes } from '../state/change-times.ts';
import type { Definition, KeyOf, ValueOf } from '../state/definition.ts';
import type { Space } from '../state/space.ts';
import { Admission } from './admission.ts';
import { Applier } from './applier.ts';
import { differing } from './differing.ts';
import { OWNER } from './direct-path.ts';
import { DirectSource } from './direct-source.ts';
import type { SyncEvent } from './events.ts';
import { FreshnessTracker } from './freshness.ts';
import { HeadCheck } from './head-check.ts';
import { KeysReader } from './keys-reader.ts';
import { Meter } from './meter.ts';
import { OwnerRecord } from './owner-record.ts';
import { noRedis } from './no-store.ts';
import { PathLink } from './path-link.ts';
import type { SpaceListener } from './keys-reader.ts';
import type { Parts } from './parts.ts';
import { Synchronizer } from './synchronizer.ts';
import { Watchdog } from './watchdog.ts';

/** Options of `follow`. */
export interface FollowOptions {
  /** The direct path to the owner's own process. Default: none. */
  readonly direct?: DirectOptions | undefined;
  /** The staleness bound: a reading is `stale` once its proof is older, ms. 10 to 3,600,000; default 750. */
  readonly maxStaleMs?: number | undefined;
}

/** Options of a follower's `ready`. */
export interface ReadyOptions {
  /** For how long to wait, ms. Default 10,000. */
  readonly timeoutMs?: number | undefined;
  /** Whether to wait until a living owner is heard as well. Default false. */
  readonly owner?: boolean | undefined;
}

/** The events of a follower: `on` takes their types. */
export type FollowerEmitted = ModeEvent | ErrorEvent | FreshnessEvent | OwnerChangedEvent | SyncEvent;

/** The result of `refresh`. */
export interface Refreshed {
  /** The position after it, `epoch-revision`. */
  readonly head: string;
  /** The number of keys that differed from memory. If it is not 0, something was wrong. */
  readonly differed: number;
}

/** A follower of a space: a copy of the owner's state in this process, with a proof of how current it is. */
export class Follower<D extends Definition = Definition>
  extends Participant<D, FollowerEmitted>
  implements ConnectionWork, SpaceListener
{
  /** @internal */
  readonly links: readonly Link[];
  /** @internal */
  readonly parts: Parts;
  /** @internal */
  readonly options: FollowOptions;
  readonly #upstream: UpstreamOptions | undefined;
  readonly #applier: Applier<D>;
  readonly #watchdog: Watchdog;
  readonly #keys: KeysReader;
  readonly #synchronizer: Synchronizer;
  readonly #headCheck: HeadCheck;
  readonly #direct: DirectSource | undefined;
  readonly #isAlwaysDirect: boolean;
  #onProof = (): void => {};
  /** Why this follower has ended; `undefined` while it follows. */
  #ended: TandemError | undefined;

  constructor(space: Space<D>, runtime: Runtime, scope: ParticipantScope, options: FollowOptions = {}) {
    super('follower', space, runtime, scope);
    const { direct, maxStaleMs, isAlwaysDirect } = checkedFollowOptions(options);
    const { context } = this;
    const { upstream } = runtime;
    this.options = options;
    this.#upstream = upstream;
    const replica = new Replica(runtime.tombstoneLimit);
    this.parts = {
      replica,
      admission: new Admission(replica),
      freshness: new FreshnessTracker(runtime.time, maxStaleMs, this.#proofListener()),
      owner: new OwnerRecord(() => (upstream ? undefined : this.#headCheck.askOwner())),
      meter: new Meter(space.name, runtime, replica),
      leaseWatch: new LeaseWatch(),
    };
    this.#applier = new Applier(space, context, this.parts, maxStaleMs);
    const target = targetOf(direct, upstream);
    const link = upstream && new PathLink();
    const path = target && runtime.path(space.name, target, maxStaleMs);
    this.#direct = path && new DirectSource(context, path, this.parts, this.#applier, link);
    this.#isAlwaysDirect = isAlwaysDirect || upstream !== undefined;
    const hasDetour = direct !== undefined && !isAlwaysDirect;
    this.#watchdog = new Watchdog(
      runtime.time,
      { maxStaleMs, hasDetour },
      {
        openDetour: () => this.#direct?.open(),
        closeDetour: () => this.#direct?.close(),
        askHead: () => this.#headCheck.onSilence(),
      },
    );
    const isDirectUp = (): boolean => this.isDirectLive;
    const [applier, watchdog] = [this.#applier, this.#watchdog];
    this.#keys = new KeysReader(context, { ...this.parts, applier }, this);
    const parts = { ...this.parts, applier, watchdog, keys: this.#keys };
    this.#synchronizer = new Synchronizer(context, parts, isDirectUp);
    this.#headCheck = new HeadCheck(context, parts, this.#synchronizer, isDirectUp);
    this.links = link ? [link] : [runtime.store.commands, runtime.store.subscriber];
    context.connection.employ(this);
  }

  /** The reason of the mode, for people. Where the direct path is tried and fails, its failure is named too. */
  override get reason(): string {
    const { reason } = this.context.connection;
    const failure = this.directFailure;
    return failure === undefined ? reason : `${reason}; ${failure.message}`;
  }

  /**
   * Why the direct path delivers nothing; `undefined` while it does, or is not tried.
   * @internal
   */
  get directFailure(): TandemError | undefined {
    return this.#upstream ? undefined : this.#direct?.failure;
  }

  // ---- for those that follow this one ----

  /**
   * The ids of the processes through which frames come here, the nearest last; empty where they come from Redis.
   * @internal
   */
  get via(): readonly string[] {
    return this.isDirectLive ? this.#direct!.via : NO_WAY;
  }

  /** The number of processes that frames come through: 0 by Redis, 1 directly from the owner, or more by relays. */
  get hops(): number {
    return this.via.length;
  }

  /** @internal */
  get isFollowing(): boolean {
    return this.mode === 'connected' || this.isDirectLive;
  }

  /**
   * Calls back with each proof of the copy.
   * @internal
   */
  onProof(proven: () => void): void {
    this.#onProof = proven;
  }

  /**
   * Calls back when frames begin to come another way.
   * @internal
   */
  onWay(changed: () => void): void {
    this.#direct?.onWay(changed);
  }

  #proofListener(): ProofListener {
    const { proofWatch } = this.context;
    return {
      renewed: (until) => {
        proofWatch.renewed(until);
        this.#onProof();
      },
      changed: () => {
        proofWatch.changed();
        this.#onProof();
      },
    };
  }

  // ---- readings ----

  /** @internal */
  get proof(): Proof {
    return this.#applier.proof;
  }

  /** @internal */
  get ownerIdentity(): OwnerIdentity | 'asked' | undefined {
    const { owner, freshness } = this.parts;
    return owner.of(freshness.ownerEpoch);
  }

  get size(): number {
    return this.parts.replica.size;
  }

  protected override timeOf(revision: number): number | undefined {
    return this.parts.replica.times.at(revision);
  }

  /**
   * When the keys were set, on the server's clock.
   * @internal
   */
  get times(): ChangeTimes {
    return this.parts.replica.times;
  }

  override get<K extends KeyOf<D>>(key: K): ReadingOf<D, K> {
    return this.#applier.get(key);
  }

  /** @internal */
  override *rows(prefix = ''): Iterable<Row<KeyOf<D>, ValueOf<D, KeyOf<D>>>> {
    for (const entry of this.parts.replica.entries()) {
      if (entry.key.startsWith(prefix)) yield this.#applier.row(entry);
    }
  }

  /** @internal */
  override rowsSince(from: Position): Row<KeyOf<D>, ValueOf<D, KeyOf<D>>>[] | undefined {
    return this.parts.replica.entriesSince(from)?.map((entry) => this.#applier.row(entry));
  }

  /** @internal */
  override canContinue(from: Position): boolean {
    return this.parts.replica.canContinue(from);
  }

  /** @internal */
  override *snapshotRows(from?: Position): Generator<Row | undefined, void, void> {
    for (const entry of this.parts.replica.snapshot(from?.revision)) yield this.#applier.row(entry);
  }

  /**
   * The entries that changed after `revision`, tombstones too, for a walk in slices: see `RevisionMap`.
   * @internal
   */
  snapshot(revision = 0): Snapshot<unknown> {
    return this.parts.replica.snapshot(revision);
  }

  /** @internal */
  get correctedAt(): Position | undefined {
    return this.parts.replica.correctedAt;
  }

  /**
   * What this follower has seen of the owner's lease in Redis.
   * @internal
   */
  get leaseWatch(): LeaseWatch {
    return this.parts.leaseWatch;
  }

  protected get position(): Position {
    return this.parts.replica.position;
  }

  protected get obstacles(): readonly string[] {
    const { owner, ownerName } = this.status;
    const { hasSynced } = this.parts.freshness;
    return [hasSynced ? `this follower is at ${this.head}` : '', ownerWords(owner, ownerName)];
  }

  /**
   * Whether watchers are being called in slices: some of them do not know yet what the copy holds.
   * @internal
   */
  get isTelling(): boolean {
    return this.#applier.telling.isRunning;
  }

  protected override addWatcher(pattern: string, callback: (reading: AnyReading<D>) => void): () => void {
    return this.#applier.telling.watchers.add(pattern, callback);
  }

  // ---- waiting ----

  /**
   * Resolves once this follower has caught up for the first time, with Redis or directly with its owner.
   *
   * It promises that the readings are of a state that the space had, and no more. The space may be empty, its
   * owner may be dead or never have lived, and what was read may be stale by now: a reading says it. With
   * `owner: true` it resolves once, besides, a living owner is heard.
   * @param options.timeoutMs ms; default 10,000
   * @param options.owner whether to wait for a living owner; default false
   * @throws TandemError `INVALID_OPTION`, `TIMEOUT` or `STOPPED`
   */
  async ready({ timeoutMs = 10_000, owner = false }: ReadyOptions = {}): Promise<void> {
    const { waiters } = this.context;
    const isAwaited = requireBoolean('owner', owner);
    const isRead = (): boolean => this.#ended === undefined && this.parts.freshness.hasSynced;
    const isReady = (): boolean => isRead() && (!isAwaited || this.proof.ownerAlive());
    const what = (): string =>
      isRead()
        ? `no living owner of space "${this.space.name}" was heard`
        : `space "${this.space.name}" was not read`;
    const heard = isAwaited ? this.on('ownerChanged', () => waiters.check()) : undefined;
    await waiters.wait(isReady, what, timeoutMs).finally(() => heard?.unsubscribe());
  }

  /**
   * Reads everything again from Redis, and compares it with memory. Where keys differ, Redis's state replaces
   * memory's, and an `error` event has the code `CONTENT_MISMATCH`.
   * @returns the number of keys that differed, and the position
   * @throws TandemError `REDIS_UNAVAILABLE`, `REDIS_NOT_READY`, `REDIS_REFUSED`, `ROLLED_BACK`, `HEAD_MOVED`,
   *   `KEYS_LOST`, `TIMEOUT` or `STOPPED`
   */
  refresh(): Promise<Refreshed> {
    return inRoot(() => this.#refresh());
  }

  async #refresh(): Promise<Refreshed> {
    const { name } = this.space;
    if (this.#ended !== undefined) throw this.#ended;
    if (this.#upstream) throw noRedis('refresh');
    const { signal } = this.context.ended;
    const read = await this.#keys.readWhole(signal);
    // The keys may be ahead of memory, by frames on their way, or behind it, by frames not committed yet.
    await this.waitFor(printPosition(read.head)).catch(() => {});
    const compared = differing(this.parts.replica, this.#applier, read);
    const { keys, some } = await this.context.runtime.slices.run(compared, signal);
    if (keys > 0) {
      this.report(mismatchError(name, keys, some));
      this.#synchronizer.distrust();
      this.context.connection.send({ type: 'gap', reason: 'memory differed from Redis' });
      const isTrusted = (): boolean => !this.#synchronizer.isSuspect;
      await this.context.waiters.wait(isTrusted, `space "${name}" was not read again`, 1_000);
    }
    return { head: this.head, differed: keys };
  }

  // ---- beginning and end ----

  /** @internal */
  override start(): void {
    super.start();
    this.context.connection.start();
    if (this.#isAlwaysDirect) this.#direct?.open();
  }

  /** Stops following, for good. Readings still come from memory, and grow stale. */
  override async stop(): Promise<Stopped> {
    this.close();
    await Promise.resolve();
    return { uncommitted: [] };
  }

  /**
   * Like `stop`, without a promise. Idempotent.
   * @internal
   */
  close(): void {
    this.#end(new TandemError('STOPPED', `the follower of space "${this.space.name}" is stopped`));
  }

  /** Whether this follower has ended since its space was removed: see `tandem.remove`. */
  get isRemoved(): boolean {
    return this.#ended?.code === 'REMOVED';
  }

  /** @internal */
  spaceRemoved(): void {
    if (this.#ended !== undefined) return;
    const removed = new TandemError('REMOVED', `space "${this.space.name}" was removed`);
    this.parts.freshness.disprove();
    this.report(removed);
    this.#end(removed);
  }

  #end(why: TandemError): void {
    if (this.#ended !== undefined) return;
    this.#ended = why;
    inRoot(() => this.#close(why));
  }

  #close(why: TandemError): void {
    this.context.proofWatch.stop();
    const { waiters, connection, runtime, ended } = this.context;
    this.#endChecks();
    this.#direct?.close();
    this.#synchronizer.stop();
    this.#applier.telling.stop();
    this.parts.freshness.redis(false);
    waiters.refuse(why);
    ended.abort(why);
    connection.stop(why.code === 'REMOVED' ? why.message : undefined);
    runtime.registry.leave(this);
  }

  /**
   * Handles the events `refresh` and `stop`.
   * @internal
   */
  override receive(event: ParticipantEvent): void {
    if (event.type === 'refresh') this.refresh().catch((error: unknown) => this.report(error));
    else if (event.type === 'stop') this.close();
  }

  // ---- what the connection calls ----

  /** @internal */
  get isDirectLive(): boolean {
    return this.#direct?.isUp ?? false;
  }

  /** @internal */
  get heldBackBy(): TandemError | undefined {
    return this.#synchronizer.unknownVersion;
  }

  /** @internal */
  catchUp(signal: AbortSignal): Promise<void> {
    // The link is up: frames come, and each of them follows the one before.
    if (this.#upstream) return Promise.resolve();
    return this.#synchronizer.catchUp(signal);
  }

  /** @internal */
  entered(mode: Mode): void {
    this.#endChecks();
    if (mode === 'degraded') this.#direct?.open();
    if (mode === 'connected' && !this.#isAlwaysDirect && !this.#watchdog.isOnDetour) this.#direct?.close();
    if (this.#upstream) return this.context.waiters.check();
    this.parts.freshness.redis(mode === 'connected');
    if (mode !== 'connected') return;
    this.context.waiters.check();
    this.#watchdog.watch();
    this.#headCheck.start();
  }

  #endChecks(): void {
    this.#watchdog.end();
    this.#headCheck.end();
    this.#synchronizer.pause();
  }
}

const NO_WAY: readonly string[] = [];

/** @throws TandemError `INVALID_OPTION` where both are given */
function targetOf(
  direct: DirectOptions | undefined,
  upstream: UpstreamOptions | undefined,
): PathTarget | undefined {
  if (upstream === undefined)
    return direct && { peer: OWNER, option: 'direct.url', urls: [direct.url], token: direct.token };
  if (direct === undefined) return { peer: 'the process upstream', option: 'upstream.urls', ...upstream };
  throw new TandemError(
    'INVALID_OPTION',
    'direct: this process follows all spaces upstream, and has no Redis',
  );
}

/** @throws TandemError `INVALID_OPTION` */
export function checkedFollowOptions(options: FollowOptions) {
  requireObject('follow', options);
  const { direct, maxStaleMs = 750 } = options;
  if (direct !== undefined) requireObject('direct', direct);
  const path = requireOneOf('direct.mode', direct?.mode ?? 'fallback', ['fallback', 'always']);
  return {
    direct,
    maxStaleMs: between('maxStaleMs', maxStaleMs, 10, 3_600_000),
    isAlwaysDirect: path === 'always',
  };
}

function mismatchError(space: string, keys: number, some: readonly string[]): TandemError {
  const what = `${keys} keys of space "${space}" differed from Redis: ${some.join(', ')}`;
  return new TandemError('CONTENT_MISMATCH', what);
}

/** The logic of a follower's actor, to invoke or spawn in a machine of the user's. */
export function followerLogic<D extends Definition>(
  space: Space<D>,
  runtime: Runtime,
  options?: FollowOptions,
): ParticipantLogic<'follower', Follower<D>, FollowerEmitted> {
  return participantLogic<'follower', Follower<D>, FollowerEmitted>(
    'follower',
    (scope) => new Follower(space, runtime, scope, options),
  );
}
