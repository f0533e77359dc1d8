/**
 * A process: `Tandem` runs the participants of its spaces under one root actor.
 */
import type { Actor, ActorLogic, ActorOptions, EventObject, Snapshot } from 'xstate';
import { createActor } from 'xstate';
import type { ParticipantLogic } from './actor/logic.ts';
import type { AnyParticipant } from './actor/participant.ts';
import type { Uncommitted } from './actor/stopped.ts';
import type { Load } from './base/load.ts';
import { LoadMeter } from './base/load.ts';
import { hostname } from './base/node.ts';
import { between, requireSignal } from './base/options.ts';
import { inRoot } from './base/root.ts';
import { finish, Slices } from './base/slices.ts';
import type { Time } from './base/time.ts';
import { machineClock, randomId } from './base/time.ts';
import { VERSION } from './base/version.ts';
import type { Fleet } from './fleet/fleet.ts';
import { judge } from './fleet/judge.ts';
import type { FleetRole, ProcessFacts } from './fleet/record.ts';
import type { RegistrationState } from './fleet/registration.ts';
import { Registration } from './fleet/registration.ts';
import { readFleet } from './fleet/roster-reader.ts';
import type { DiscoverOptions } from './follower/discovery.ts';
import { Discovery } from './follower/discovery.ts';
import type { FollowerEmitted, FollowOptions } from './follower/follower.ts';
import { checkedFollowOptions, Follower, followerLogic } from './follower/follower.ts';
import { noRedis } from './follower/no-store.ts';
import type { ProcessLog } from './log/process-log.ts';
import type { OwnerEmitted, OwnOptions } from './owner/owner.ts';
import { Owner, ownerLogic } from './owner/owner.ts';
import { removeSpace } from './owner/removal.ts';
import { Participants, stopped } from './participants.ts';
import type { Finder } from './ports/finder.ts';
import type { Observer as Listener, Role } from './ports/observer.ts';
import { Observers } from './ports/observer.ts';
import type { Roster } from './ports/roster.ts';
import type { Runtime } from './ports/runtime.ts';
import type { Channels } from './ports/store.ts';
import type { Tracer } from './ports/tracer.ts';
import { noTracer } from './ports/tracer.ts';
import type { Served } from './relays.ts';
import { Relays } from './relays.ts';
import type { Definition } from './state/definition.ts';
import type { AnySpace, Space } from './state/space.ts';
import { defineSpace, requireSpace } from './state/space.ts';

/** The result of `tandem.stop()`. */
export interface TandemStopped {
  /**
   * The changes that Redis never confirmed, by space, each space's oldest first; empty when there is none.
   */
  readonly uncommitted: readonly (Uncommitted & { readonly space: string })[];
}

/** A discovery of any definition. */
export type AnyDiscovery = Discovery<any>;

/** For a store that cannot be searched. */
const NO_FINDER: Finder = {
  names: async () => ({ names: [] }),
  present: async () => [],
  subscribe: async () => {},
  unsubscribe: async () => {},
};

/** The parent of all actors, since XState lets only a parent stop an actor. It has no state of its own. */
const rootLogic: ActorLogic<Snapshot<undefined>, EventObject> = {
  getInitialSnapshot: () => ({ status: 'active', output: undefined, error: undefined }),
  transition: (snapshot) => snapshot,
  getPersistedSnapshot: (snapshot) => snapshot,
};

type TandemOptions = Pick<ActorOptions<typeof rootLogic>, 'inspect'> & {
  /** Called with the first participant: begins to measure, and returns a function that ends it. */
  readonly measure?: (participants: Iterable<AnyParticipant>, load: () => Load) => (() => void) | undefined;
  /** Finds the spaces of a discovery. Default: there are none to be found. */
  readonly finder?: Finder;
  /** What processes say of themselves. Default: it cannot be asked. */
  readonly roster?: Roster;
  /** Whether this process writes there, too. Default false. */
  readonly registers?: boolean;
  /** The store of a space, and the clock of its server. Default: those of the runtime, for all spaces. */
  readonly sideOf?: (space: string) => Pick<Runtime, 'store' | 'clock'>;
  /** Default: none. */
  readonly log?: ProcessLog;
};

/** A connected process, as `connect` returns it: it owns some spaces and follows others. */
export class Tandem implements AsyncDisposable {
  /** The name of this process, as others see it in "owned by". */
  readonly name: string;
  readonly #runtime: Runtime;
  readonly #close: () => void;
  readonly #root: Actor<typeof rootLogic>;
  readonly #participants: Participants;
  readonly #finder: Finder;
  readonly #sideOf: TandemOptions['sideOf'];
  readonly #relays: Relays;
  readonly #discoveries = new Set<AnyDiscovery>();
  /**
   * The load of this process: routes add what they hold for clients.
   * @internal
   */
  readonly loadMeter: LoadMeter;
  readonly #measure: TandemOptions['measure'];
  readonly #log: ProcessLog | undefined;
  readonly #roster: Roster | undefined;
  readonly #registration: Registration;
  #stopMeasuring: (() => void) | undefined;
  /** Aborted with the stop. */
  readonly #ended = new AbortController();
  #stopping: Promise<TandemStopped> | undefined;

  /** For `connect()`, and for simulations, which bring their own store and time. */
  constructor(
    runtime: Omit<Runtime, 'registry' | 'observers' | 'tracer' | 'slices'> &
      Partial<Pick<Runtime, 'observers' | 'tracer' | 'slices'>>,
    close: () => void,
    { measure, finder = NO_FINDER, sideOf, roster, registers = false, log, ...options }: TandemOptions = {},
  ) {
    this.name = runtime.name;
    this.#measure = measure;
    this.#finder = finder;
    this.#sideOf = sideOf;
    this.#log = log;
    const slices = runtime.slices ?? new Slices(runtime.time);
    this.#participants = new Participants(slices, (participant) => this.#entered(participant));
    const own = { observers: new Observers(), tracer: noTracer, slices, registry: this.#participants };
    this.#runtime = { ...own, ...runtime, slices };
    this.#roster = roster;
    this.#registration = new Registration({
      facts: factsOf(runtime.name, roster === undefined ? '' : randomId(runtime.time)),
      roster: registers ? roster : undefined,
      link: roster?.link ?? runtime.store.commands,
      time: runtime.time,
      slices,
      participants: this.#participants,
      roleOf,
      refused: (error) => log?.unregistered(error),
    });
    this.loadMeter = new LoadMeter(this.#runtime.slices);
    this.#close = close;
    this.#root = createActor(rootLogic, { ...options, clock: machineClock(runtime.time), id: 'tandem' });
    this.#root.start();
    this.#relays = new Relays((space) => this.#runtimeOf(space), this.#root);
  }

  /**
   * Owns a space: this process's memory holds the state that all others follow. It returns at once; `ready()` of
   * the owner waits until the space is claimed.
   * @throws TandemError `ALREADY_OWNED`, `INVALID_OPTION`, `INVALID_SPACE` or `STOPPED`
   */
  own<D extends Definition>(space: AnySpace<D>, options: OwnOptions = {}): Owner<D> {
    return this.#start('owner', space, this.ownerLogic(space, options));
  }

  /**
   * Follows a space: keeps a copy of its state in this process, with a proof of how current the copy is. It
   * returns at once; `ready()` of the follower waits for the state.
   * @throws TandemError `INVALID_OPTION`, `INVALID_SPACE` or `STOPPED`
   */
  follow<D extends Definition>(space: AnySpace<D>, options: FollowOptions = {}): Follower<D> {
    return this.#start('follower', space, this.followerLogic(space, options));
  }

  /**
   * Follows each space whose name begins in a certain way: those that exist, and those that appear later. One
   * subscription brings the messages of all of them. A follower whose space is removed ends with `REMOVED`; where
   * the space appears again, the callback is given another follower. These spaces do not count for `/readyz`,
   * unless `requires` names them.
   *
   * The names of those that exist are found by `SCAN`, in small steps over all keys of the Redis server.
   * @param pattern the beginning of the names and a `*`, such as `bot:*`
   * @param definition keys and families of keys, with their schemas: as for `defineSpace`
   * @param callback is given each follower as it starts. What it throws becomes an `error` event of the follower
   * @param options of the followers; and a `signal`, which ends the discovery
   * @throws TandemError `INVALID_OPTION`, `INVALID_SPACE` or `STOPPED`
   */
  discover<const D extends Definition>(
    pattern: string,
    definition: D,
    callback: (participant: Follower<D>) => unknown,
    { signal, ...options }: DiscoverOptions = {},
  ): Discovery<D> {
    requireSignal(signal);
    checkedFollowOptions(options);
    this.#requireRedis('discover');
    this.#participants.requireOpen();
    const { store, time, slices, observers } = this.#runtime;
    const discovery: Discovery<D> = new Discovery(pattern, definition, callback, {
      finder: this.#finder,
      links: this.#finder.links ?? store,
      time,
      slices,
      observers,
      follow: (space, channels) => this.#followFound(space, channels, options),
      stopped: () => {
        this.#discoveries.delete(discovery);
        signal?.removeEventListener('abort', end);
      },
    });
    const end = (): void => void discovery.stop();
    this.#discoveries.add(discovery);
    signal?.addEventListener('abort', end);
    if (signal?.aborted) end();
    return discovery;
  }

  /** In a Cluster each space has a store and a clock of its own. */
  #runtimeOf({ name }: Pick<AnySpace<Definition>, 'name'>): Runtime {
    const sideOf = this.#sideOf;
    return sideOf === undefined ? this.#runtime : { ...this.#runtime, ...inRoot(() => sideOf(name)) };
  }

  #followFound<D extends Definition>(
    space: Space<D>,
    channels: Channels,
    options: FollowOptions,
  ): Follower<D> {
    const own = this.#finder.bringsFrames === false ? {} : { channels };
    const runtime: Runtime = { ...this.#runtimeOf(space), ...own, onRemoval: 'end' };
    const logic = followerLogic(space, runtime, options);
    return this.#start('follower', space, logic, (follower) => {
      this.#participants.foundOnly(follower as AnyParticipant);
    });
  }

  /**
   * Removes a space for good: its state, and all that Redis knows of it. Its followers end with `REMOVED`; one that
   * is away finds out when it comes back, within a day. A space that nobody owns any more can be removed: where a
   * dead owner's lease still runs, this waits for its end. An owner or a standby that comes later has the space
   * again.
   * @param options.timeoutMs ms; default 10,000
   * @returns whether there was such a space
   * @throws OwnedElsewhereError where a living owner renews its lease
   * @throws TandemError `ALREADY_OWNED` where this process owns it, `INVALID_SPACE`, `INVALID_OPTION`, `TIMEOUT`,
   *   `STOPPED`, `REDIS_UNAVAILABLE`, `REDIS_NOT_READY` or `REDIS_REFUSED`
   */
  async remove(
    space: AnySpace<Definition> | string,
    { timeoutMs = 10_000 }: { timeoutMs?: number } = {},
  ): Promise<boolean> {
    between('timeoutMs', timeoutMs, 0, 3_600_000);
    this.#requireRedis('remove');
    const name = typeof space === 'string' ? defineSpace(space, {}).name : requireSpace(space).name;
    this.#participants.requireRoom(true, name);
    const { store, time } = this.#runtimeOf({ name });
    return inRoot(() => removeSpace(store, name, { time, timeoutMs, ended: this.#ended.signal }));
  }

  /**
   * The logic of the actor that `own` starts, to invoke or spawn in your own machine. Its snapshot has the
   * `owner`.
   */
  ownerLogic<D extends Definition>(
    space: AnySpace<D>,
    options: OwnOptions = {},
  ): ParticipantLogic<'owner', Owner<D>, OwnerEmitted> {
    this.#requireRedis('own');
    return ownerLogic(requireSpace(space), this.#runtimeOf(space), options);
  }

  /**
   * The logic of the actor that `follow` starts, to invoke or spawn in your own machine. Its snapshot has the
   * `follower`.
   */
  followerLogic<D extends Definition>(
    space: AnySpace<D>,
    options: FollowOptions = {},
  ): ParticipantLogic<'follower', Follower<D>, FollowerEmitted> {
    return followerLogic(requireSpace(space), this.#runtimeOf(space), options);
  }

  /**
   * Calls an observer for each event of this process. Events hold names, numbers and codes, never a value.
   * The observer runs in the actors' own turn, so it must be quick; its errors are dropped.
   * @returns a function that removes the observer
   */
  observe(observer: Listener): () => void {
    return this.#runtime.observers.add(listenerInRoot(observer));
  }

  /**
   * Whether there is an observer.
   * @internal
   */
  get isObserved(): boolean {
    return !this.#runtime.observers.isEmpty;
  }

  /**
   * The tracer of all actors of this process.
   * @internal
   */
  get tracer(): Tracer {
    return this.#runtime.tracer;
  }

  /**
   * The time of all actors of this process.
   * @internal
   */
  get time(): Time {
    return this.#runtime.time;
  }

  /**
   * Where the store of this process is, for people, without any secret.
   * @internal
   */
  get place(): string | undefined {
    return this.#runtime.store.place;
  }

  /**
   * Tells this process from all others.
   * @internal
   */
  get id(): string {
    return this.#runtime.id ?? this.name;
  }

  /**
   * What this process serves of a space: the owner's own frames, or those that a follower passes on. `undefined`
   * where it does neither.
   * @internal
   */
  served(space: string): Served | undefined {
    const participant = this.get(space);
    if (participant === undefined || this.isStopping) return undefined;
    // A standby has no frames of its own.
    if (participant instanceof Owner && participant.ownership !== 'standby')
      return participant.feed.isEnded ? undefined : { feed: participant.feed, via: [] };
    if (participant.mode === 'stopped') return undefined;
    return this.#relays.of(participant, participant instanceof Follower ? participant.options : {});
  }

  /** Whether `stop` was called. */
  get isStopping(): boolean {
    return this.#stopping !== undefined;
  }

  /**
   * The queue of this process for all work that grows with a state.
   * @internal
   */
  get slices(): Slices {
    return this.#runtime.slices;
  }

  /** The load that this package puts on the process, as of now. */
  get load(): Load {
    return this.loadMeter.now();
  }

  /** The names of the spaces that are owned or followed here. */
  get spaces(): string[] {
    return this.#participants.spaces;
  }

  /** The participant of each space, as `get` has it. */
  get participants(): readonly AnyParticipant[] {
    return this.#participants.ofEachSpace;
  }

  /** The names of those that are owned, or followed by name: not of those that a discovery alone follows. */
  get spacesByName(): string[] {
    return this.#participants.spacesByName;
  }

  /**
   * All owners, standbys and followers of all processes that have registered under this prefix, worst first: who is
   * gone, silent, stale or behind, and what happened to each last. A process that is gone is there for an hour, and
   * one that has stopped for 15 minutes. Those of this process are there in any case, as they are now.
   * @throws TandemError `REDIS_UNAVAILABLE`, `REDIS_NOT_READY`, or `REDIS_REFUSED` where this user may not read it
   */
  async fleet(): Promise<Fleet> {
    const roster = this.#roster;
    return roster === undefined
      ? this.ownFleet
      : inRoot(() => readFleet(roster, this.slices, this.#registration.record));
  }

  /**
   * As `fleet`, of this process alone: nobody is asked. Its times are by the wall clock.
   * @internal
   */
  get ownFleet(): Fleet {
    return finish(judge([{ record: this.#registration.record, ageMs: 0 }], this.time.wall()));
  }

  /**
   * Whether this process is registered in Redis. `unregistered`: its user may not write there. `pending`: it has not
   * written yet. `off`: it was told not to.
   */
  get registration(): RegistrationState {
    return this.#registration.state;
  }

  /** The discoveries that go on. */
  get discoveries(): readonly AnyDiscovery[] {
    return [...this.#discoveries];
  }

  /**
   * The participant of a space: the owner where this process owns it, else the follower; `undefined` without
   * one.
   * @param space what `defineSpace` returned, or its name
   */
  get(space: string | Pick<AnySpace<Definition>, 'name'>): AnyParticipant | undefined {
    return this.#participants.of(typeof space === 'string' ? space : space.name);
  }

  /**
   * Commits and releases every owned space, stops following, closes the connections. It always resolves in
   * time. Work that is not done by then is reported as `error` events of the participants.
   * @param options.timeoutMs ms, 0 to 3,600,000; default 2,000
   * @returns the changes that Redis never confirmed, of all spaces that are owned here, and of those that
   *   were lost to another owner; the same with each call
   * @throws TandemError `INVALID_OPTION`
   */
  async stop({ timeoutMs = 2_000 }: { timeoutMs?: number } = {}): Promise<TandemStopped> {
    between('timeoutMs', timeoutMs, 0, 3_600_000);
    this.#stopping ??= inRoot(() => this.#stopNow(timeoutMs));
    return await this.#stopping;
  }

  /** Stops, as `await using` does at the end of its block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #stopNow(timeoutMs: number): Promise<TandemStopped> {
    this.#participants.close();
    this.#registration.end();
    this.#ended.abort(stopped());
    this.#relays.stop();
    await Promise.all([...this.#discoveries].map((discovery) => discovery.stop()));
    const uncommitted = await this.#participants.stop(timeoutMs);
    await this.#registration.sayGoodbye(timeoutMs);
    this.#root.stop();
    this.#close();
    this.#log?.end();
    this.#stopMeasuring?.();
    return { uncommitted };
  }

  #start<R extends Role, T, E extends EventObject>(
    role: R,
    space: AnySpace<Definition>,
    logic: ParticipantLogic<R, T, E>,
    starts: (participant: T) => void = () => {},
  ): T {
    this.#participants.requireRoom(role === 'owner', space.name);
    const actor = createActor(logic, { parent: this.#root, id: `${role}:${space.name}` });
    const snapshot = actor.getSnapshot();
    // XState keeps an error of the participant's constructor, such as an invalid option, in the snapshot.
    if (snapshot.status === 'error') throw snapshot.error;
    starts(snapshot[role]);
    actor.start();
    return snapshot[role];
  }

  /** @throws TandemError `NO_REDIS` */
  #requireRedis(what: string): void {
    if (this.#runtime.upstream) throw noRedis(what);
  }

  #entered(participant: AnyParticipant): void {
    this.#log?.attach(participant);
    this.#registration.attach(participant);
    this.#stopMeasuring ??= this.#measure?.(this.#participants, () => this.load);
  }
}

/** A standby has its own role until it leads. */
function roleOf(participant: AnyParticipant): FleetRole {
  if (!(participant instanceof Owner)) return 'follower';
  return participant.ownership === 'standby' ? 'standby' : 'owner';
}

function factsOf(name: string, id: string): ProcessFacts {
  return { id, name, host: hostname(), pid: process.pid, version: VERSION };
}

/** Actors call an observer in the async context of whoever sets something. */
function listenerInRoot(listener: Listener): Listener {
  return new Proxy(listener, {
    get(target, kind) {
      const method: unknown = Reflect.get(target, kind);
      if (typeof method !== 'function') return method;
      return (event: unknown) => inRoot(() => Reflect.apply(method, target, [event]) as unknown);
    },
  });
}
