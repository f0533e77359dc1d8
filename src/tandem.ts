/**
 * A process: `connect` composes it, and `Tandem` runs the participants of its spaces under one root actor.
 *
 * No other file knows the actors, Redis and telemetry together. Invariant: a process has at most one running
 * owner of a space.
 */
import type {
  Actor,
  ActorLogic,
  ActorOptions,
  EventObject,
  InspectionEvent,
  Observer,
  Snapshot,
} from 'xstate';
import { createActor } from 'xstate';
import { ServerClock } from './base/clock.ts';
import type { ParticipantLogic } from './actor/logic.ts';
import type { Uncommitted } from './actor/stopped.ts';
import type { AnyParticipant } from './actor/participant.ts';
import type { Runtime } from './ports/runtime.ts';
import { TandemError } from './base/errors.ts';
import { kindOf } from './base/kind.ts';
import type { DiscoverOptions } from './follower/discovery.ts';
import { Discovery } from './follower/discovery.ts';
import type { Follower, FollowerEmitted, FollowOptions } from './follower/follower.ts';
import { checkedFollowOptions, followerLogic } from './follower/follower.ts';
import { DirectPath } from './follower/direct-path.ts';
import { between, requireBoolean, requireObject, requireSignal } from './base/options.ts';
import type { Observer as Listener, Role } from './ports/observer.ts';
import { Observers } from './ports/observer.ts';
import type { Finder } from './ports/finder.ts';
import type { DirectOptions, Path } from './ports/path.ts';
import type { Channels } from './ports/store.ts';
import type { Owner, OwnerEmitted, OwnOptions } from './owner/owner.ts';
import { removeSpace } from './owner/removal.ts';
import { ownerLogic } from './owner/owner.ts';
import type { CredentialsSource } from './redis/credentials.ts';
import { requireSource } from './redis/credentials.ts';
import { LEAST_CONNECT_MS, MOST_CONNECT_MS } from './redis/client.ts';
import { DEFAULT_PREFIX, requirePrefix } from './redis/prefix.ts';
import type { RedisStoreOptions } from './redis/store.ts';
import { RedisStore } from './redis/store.ts';
import type { RedisTarget } from './redis/target.ts';
import type { AnySpace, Space } from './state/space.ts';
import { defineSpace, requireSpace } from './state/space.ts';
import type { Definition } from './state/definition.ts';
import type { Joined, Joining, StoreServer } from './ports/store-server.ts';
import { JOIN, requireStoreServer } from './ports/store-server.ts';
import type { Logger } from './log/logger.ts';
import { requireLog } from './log/logger.ts';
import { ProcessLog } from './log/process-log.ts';
import { measure } from './telemetry/meters.ts';
import { Spans } from './telemetry/spans.ts';
import { openTelemetry } from './telemetry/open-telemetry.ts';
import type { Load } from './base/load.ts';
import { LoadMeter } from './base/load.ts';
import { inRoot } from './base/root.ts';
import type { Sliced } from './base/slices.ts';
import { Slices } from './base/slices.ts';
import type { Time } from './base/time.ts';
import { machineClock, requireTime, systemTime } from './base/time.ts';
import type { Tracer } from './ports/tracer.ts';
import { noTracer } from './ports/tracer.ts';

/** Options of a process that meets others in Redis. */
export interface ConnectOptions extends ProcessOptions {
  /**
   * A URL, ioredis options that name a place, or a function that makes a new client of ioredis or iovalkey each
   * time (TLS, Sentinel, Cluster). All else is refused with `INVALID_OPTION`, also what ioredis would take for
   * localhost. A `password` may be a function: it is asked for each connection.
   */
  readonly redis: RedisTarget;
  /**
   * Asked before each connection for a user and a password, such as a token of IAM: 10 s at most. Where it
   * fails, `CREDENTIALS_FAILED` is reported, and it is asked again after the usual pause. A client that a
   * function makes has to be made with `lazyConnect: true` then; a Cluster's later connections to its nodes have
   * what was given for the first. Default: what `redis` says.
   */
  readonly credentials?: CredentialsSource;
  /** @internal */
  readonly store?: undefined;
  /** @internal */
  readonly time?: undefined;
}

/** Options of a process that joins a simulated Redis, in the tests of an application. */
export interface MemoryConnectOptions extends ProcessOptions {
  /** A `memoryServer()` of `tandem-sync/testing`, in place of Redis: many processes in one, for tests. */
  readonly store: StoreServer;
  /**
   * A `fakeTime()` of `tandem-sync/testing`, the same for all processes on the server. Default: the real
   * clock, or the fake timers of a test runner.
   */
  readonly time?: Time | undefined;
  /** @internal */
  readonly redis?: undefined;
}

/** Options of any process, in Redis or in memory. */
export interface ProcessOptions {
  /** The name of this process, as others see it in "owned by". Default `process-` and the process's id. */
  readonly name?: string;
  /**
   * What all keys and channels of this process begin with: 1 to 128 characters, without braces, blanks,
   * quotes, control characters or those of a pattern. Owner and followers need the same. Default `tandem`.
   */
  readonly prefix?: string;
  /**
   * The time for one answer of Redis, ms. After it Redis counts as down, unless bytes still move on the
   * connection. 10 to 60,000; default 500.
   */
  readonly commandTimeoutMs?: number;
  /**
   * The time for one try to connect, from its beginning to the first answer, ms: three round trips, four or
   * five with TLS. 50 to 60,000. Default: ioredis's `connectTimeout` where the target has one, else 700. A
   * client that a function makes has 10,000 unless its user says otherwise, so there that number counts as
   * none.
   */
  readonly connectTimeoutMs?: number | undefined;
  /**
   * Whether to make traces and metrics, where the application has `@opentelemetry/api` and an SDK. The SDK
   * must be started before the first `own` or `follow`. Default true.
   */
  readonly telemetry?: boolean;
  /**
   * Takes a line for each change of state of a participant: `(record, message)`, as loggers of pino do. An error
   * that it throws is dropped. With `false` nothing is logged. Default: a line on stderr, for those
   * participants whose `error` events nobody listens for; there, what goes well from the beginning has none.
   */
  readonly log?: Logger | false | undefined;
  /** An XState inspector for all actors and machines. Default none. */
  readonly inspect?: Observer<InspectionEvent> | ((event: InspectionEvent) => void);
}

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
  names: async () => [],
  subscribe: async () => {},
  unsubscribe: async () => {},
};

type OfSpace = Uncommitted & { readonly space: string };

function* addTo(list: OfSpace[], space: string, changes: readonly Uncommitted[]): Sliced<void> {
  for (const change of changes) {
    list.push({ space, ...change });
    yield;
  }
}

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
  readonly #participants = new Set<AnyParticipant>();
  readonly #finder: Finder | undefined;
  readonly #discoveries = new Set<AnyDiscovery>();
  /** The participants that a discovery has started. */
  readonly #discovered = new WeakSet<AnyParticipant>();
  /**
   * The load of this process: routes add what they hold for clients.
   * @internal
   */
  readonly loadMeter: LoadMeter;
  readonly #measure: TandemOptions['measure'];
  readonly #log: ProcessLog | undefined;
  #stopMeasuring: (() => void) | undefined;
  /** What participants that stopped before could not commit. */
  readonly #uncommitted: OfSpace[] = [];
  /** Participants that have stopped before, while their part of that list is made. */
  readonly #leaving = new Set<Promise<void>>();
  #stopping: Promise<TandemStopped> | undefined;

  /** For `connect()`, and for simulations, which bring their own store and time. */
  constructor(
    runtime: Omit<Runtime, 'registry' | 'observers' | 'tracer' | 'slices'> &
      Partial<Pick<Runtime, 'observers' | 'tracer' | 'slices'>>,
    close: () => void,
    { measure, finder, log, ...options }: TandemOptions = {},
  ) {
    this.name = runtime.name;
    this.#measure = measure;
    this.#finder = finder;
    this.#log = log;
    const participants = this.#participants;
    this.#runtime = {
      observers: new Observers(),
      tracer: noTracer,
      slices: new Slices(runtime.time),
      ...runtime,
      registry: {
        enter: (participant) => this.#enter(participant as AnyParticipant),
        leave: (participant) => this.#leave(participant as AnyParticipant),
        get size() {
          return participants.size;
        },
      },
    };
    this.loadMeter = new LoadMeter(this.#runtime.slices);
    this.#close = close;
    this.#root = createActor(rootLogic, { ...options, clock: machineClock(runtime.time), id: 'tandem' });
    this.#root.start();
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
    this.#requireRunning();
    const { store, time, slices, observers } = this.#runtime;
    const discovery: Discovery<D> = new Discovery(pattern, definition, callback, {
      finder: this.#finder ?? NO_FINDER,
      links: store,
      time,
      slices,
      observers,
      follow: (space, channels) => this.#followFound(space, channels, options),
      stopped: () => void this.#discoveries.delete(discovery),
    });
    this.#discoveries.add(discovery);
    if (signal?.aborted) void discovery.stop();
    else signal?.addEventListener('abort', () => void discovery.stop(), { once: true });
    return discovery;
  }

  #followFound<D extends Definition>(
    space: Space<D>,
    channels: Channels,
    options: FollowOptions,
  ): Follower<D> {
    const logic = followerLogic(space, { ...this.#runtime, channels }, options);
    return this.#start('follower', space, logic, (follower) => {
      this.#discovered.add(follower as AnyParticipant);
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
    const name = typeof space === 'string' ? defineSpace(space, {}).name : requireSpace(space).name;
    this.#requireRoom(true, name);
    const { store, time } = this.#runtime;
    return inRoot(() => removeSpace(store, name, time, timeoutMs));
  }

  /**
   * The logic of the actor that `own` starts, to invoke or spawn in your own machine. Its snapshot has the
   * `owner`.
   */
  ownerLogic<D extends Definition>(
    space: AnySpace<D>,
    options: OwnOptions = {},
  ): ParticipantLogic<'owner', Owner<D>, OwnerEmitted> {
    return ownerLogic(requireSpace(space), this.#runtime, options);
  }

  /**
   * The logic of the actor that `follow` starts, to invoke or spawn in your own machine. Its snapshot has the
   * `follower`.
   */
  followerLogic<D extends Definition>(
    space: AnySpace<D>,
    options: FollowOptions = {},
  ): ParticipantLogic<'follower', Follower<D>, FollowerEmitted> {
    return followerLogic(requireSpace(space), this.#runtime, options);
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
    return [...new Set([...this.#participants].map(({ space }) => space.name))];
  }

  /** The participant of each space, as `get` has it. */
  get participants(): readonly AnyParticipant[] {
    const bySpace = new Map<string, AnyParticipant>();
    for (const participant of this.#participants) {
      const { name } = participant.space;
      if (participant.isOwner || !bySpace.has(name)) bySpace.set(name, participant);
    }
    return [...bySpace.values()];
  }

  /** The names of those that are owned, or followed by name: not of those that a discovery alone follows. */
  get spacesByName(): string[] {
    const byName = [...this.#participants].filter((participant) => !this.#discovered.has(participant));
    return [...new Set(byName.map(({ space }) => space.name))];
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
    const name = typeof space === 'string' ? space : space.name;
    let first: AnyParticipant | undefined;
    for (const participant of this.#participants) {
      if (participant.space.name !== name) continue;
      if (participant.isOwner) return participant;
      first ??= participant;
    }
    return first;
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
    await Promise.all([...this.#discoveries].map((discovery) => discovery.stop()));
    const lists = await Promise.all(
      [...this.#participants].map(async (participant) => {
        const { uncommitted } = await participant.stop({ timeoutMs });
        const list: OfSpace[] = [];
        await this.#runtime.slices.run(addTo(list, participant.space.name, uncommitted));
        return list;
      }),
    );
    await Promise.all(this.#leaving);
    this.#root.stop();
    this.#close();
    this.#log?.end();
    this.#stopMeasuring?.();
    return { uncommitted: [...this.#uncommitted, ...lists.flat()] };
  }

  /** A participant has stopped by itself: what it could not commit is still told by `stop`. */
  #leave(participant: AnyParticipant): void {
    const wasListed = this.#participants.delete(participant);
    if (!wasListed || this.#stopping !== undefined) return;
    const leaving = this.#noteUncommitted(participant).finally(() => this.#leaving.delete(leaving));
    this.#leaving.add(leaving);
  }

  async #noteUncommitted(participant: AnyParticipant): Promise<void> {
    const { uncommitted } = await participant.stop();
    await this.#runtime.slices.run(addTo(this.#uncommitted, participant.space.name, uncommitted));
  }

  #start<R extends Role, T, E extends EventObject>(
    role: R,
    space: AnySpace<Definition>,
    logic: ParticipantLogic<R, T, E>,
    starts: (participant: T) => void = () => {},
  ): T {
    this.#requireRoom(role === 'owner', space.name);
    const actor = createActor(logic, { parent: this.#root, id: `${role}:${space.name}` });
    const snapshot = actor.getSnapshot();
    // XState keeps an error of the participant's constructor, such as an invalid option, in the snapshot.
    if (snapshot.status === 'error') throw snapshot.error;
    starts(snapshot[role]);
    actor.start();
    return snapshot[role];
  }

  #enter(participant: AnyParticipant): void {
    this.#requireRoom(participant.isOwner, participant.space.name);
    // A fenced owner stays listed, as stopped, until another participant replaces it.
    for (const old of this.#participants) {
      if (
        old.mode === 'stopped' &&
        old.isOwner === participant.isOwner &&
        old.space.name === participant.space.name
      )
        this.#participants.delete(old);
    }
    this.#participants.add(participant);
    this.#log?.attach(participant);
    this.#stopMeasuring ??= this.#measure?.(this.#participants, () => this.load);
  }

  #requireRunning(): void {
    if (this.#stopping) throw new TandemError('STOPPED', 'this Tandem is stopped');
  }

  #requireRoom(forOwner: boolean, space: string): void {
    this.#requireRunning();
    const isOwned = [...this.#participants].some(
      (participant) =>
        participant.space.name === space && participant.isOwner && participant.mode !== 'stopped',
    );
    if (forOwner && isOwned)
      throw new TandemError('ALREADY_OWNED', `space "${space}" is owned in this process already`);
  }
}

/**
 * Connects this process to Redis, in the background: Redis may be down now and come up later. With `store` it
 * joins a simulated Redis instead.
 * @throws TandemError `INVALID_OPTION`
 */
export function connect(options: ConnectOptions | MemoryConnectOptions): Tandem {
  requireObject('connect', options);
  const {
    name = `process-${process.pid}`,
    commandTimeoutMs = 500,
    connectTimeoutMs,
    telemetry = true,
    inspect,
  } = options;
  const log = requireLog(options.log);
  if (typeof name !== 'string' || name === '')
    throw new TandemError('INVALID_OPTION', `name: expected a string, got ${kindOf(name)}`);
  const deadlineMs = between('commandTimeoutMs', commandTimeoutMs, 10, 60_000);
  if (connectTimeoutMs !== undefined)
    between('connectTimeoutMs', connectTimeoutMs, LEAST_CONNECT_MS, MOST_CONNECT_MS);
  const observers = new Observers();
  const { store, finder, time, clock, leave } = inRoot(() =>
    isOnMemory(options)
      ? joinMemory(options, { name, deadlineMs, observers })
      : joinRedis(options, { name, deadlineMs, connectTimeoutMs, observers }),
  );
  const path = (space: string, options: DirectOptions, maxStaleMs: number): Path =>
    new DirectPath(space, options, maxStaleMs, time);
  const otel = requireBoolean('telemetry', telemetry) ? openTelemetry : undefined;
  if (inspect !== undefined && typeof inspect !== 'function') requireObject('inspect', inspect);
  const tracer = otel ? new Spans(otel, name, time) : noTracer;
  const runtime = { name, store, clock, time, path, observers, tracer };
  return new Tandem(runtime, leave, {
    finder,
    ...(inspect && { inspect: inspectorInRoot(inspect) }),
    log: new ProcessLog({ name, time, log }),
    measure: (participants, load) => measure(otel, { time, clock, observers, participants, load }),
  });
}

/** @throws TandemError `INVALID_OPTION` where it is unclear which is meant */
function isOnMemory(options: ConnectOptions | MemoryConnectOptions): options is MemoryConnectOptions {
  const { redis, store, time } = options;
  if (redis !== undefined && store !== undefined) {
    const why =
      'redis, store: expected one of them, got both: processes meet in Redis or on a memoryServer()';
    throw new TandemError('INVALID_OPTION', why);
  }
  if (time !== undefined && store === undefined) {
    const why = 'time: expected a memoryServer() as store beside it: with Redis, time is that of the clock';
    throw new TandemError('INVALID_OPTION', why);
  }
  return store !== undefined;
}

function joinMemory(
  { store, time, prefix = DEFAULT_PREFIX }: MemoryConnectOptions,
  process: Pick<Joining, 'name' | 'deadlineMs' | 'observers'>,
): Joined {
  if (time !== undefined) requireTime('time', time);
  return requireStoreServer('store', store)[JOIN]({ ...process, time, prefix: requirePrefix(prefix) });
}

function joinRedis(
  { redis, prefix = DEFAULT_PREFIX, credentials }: ConnectOptions,
  options: Pick<RedisStoreOptions, 'name' | 'deadlineMs' | 'connectTimeoutMs' | 'observers'>,
): Joined {
  const time = systemTime;
  const clock = new ServerClock(time);
  const target = { redis, prefix: requirePrefix(prefix), credentials: requireSource(credentials) };
  const store = new RedisStore({ ...options, ...target, time, clock });
  return { store, finder: store.finder, time, clock, leave: () => store.stop() };
}

/** Actors call an inspector in the async context of whoever sends them something. */
function inspectorInRoot(inspect: NonNullable<ProcessOptions['inspect']>): (event: InspectionEvent) => void {
  return (event) => inRoot(() => (typeof inspect === 'function' ? inspect(event) : inspect.next?.(event)));
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
