/**
 * One per process: the links to Redis, the server's clock, and the actors of all its spaces in one system.
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
import type { AnyDesk, DeskLogic, Surroundings } from './actor/desk.ts';
import { show, TandemError } from './base/errors.ts';
import type { Follower, FollowerEmitted, FollowOptions } from './follower/follower.ts';
import { followerLogic } from './follower/follower.ts';
import { DirectPath } from './follower/direct-path.ts';
import { between, requireObject } from './base/options.ts';
import type { Observer as Listener } from './ports/observer.ts';
import { Observers } from './ports/observer.ts';
import type { DirectOptions, Path } from './ports/path.ts';
import type { Owner, OwnerEmitted, OwnOptions } from './owner/owner.ts';
import { ownerLogic } from './owner/owner.ts';
import type { RedisTarget } from './redis/client.ts';
import { RedisStore } from './redis/store.ts';
import { Space } from './state/space.ts';
import type { Definition } from './state/space.ts';
import type { Store } from './ports/store.ts';
import { measure } from './telemetry/meters.ts';
import { Spans } from './telemetry/spans.ts';
import { openTelemetry } from './telemetry/open-telemetry.ts';
import type { Time } from './base/time.ts';
import { systemTime } from './base/time.ts';
import type { Tracer } from './ports/tracer.ts';
import { noTracer } from './ports/tracer.ts';

export interface ConnectOptions {
  /** A URL, ioredis options, or a function that makes a new client (TLS, ACL, Sentinel, Cluster). */
  readonly redis: RedisTarget;
  /** What others call this process, as in "owned by". Default `process.pid` behind `process-`. */
  readonly name?: string;
  /** How long Redis may take to answer before it is taken for dead, ms. Default 500. */
  readonly commitTimeoutMs?: number;
  /**
   * Traces and metrics, where the application has `@opentelemetry/api` and an SDK, started before its first `own` or
   * `follow`. Default true.
   */
  readonly telemetry?: boolean;
  /** An XState inspector for all actors and machines. */
  readonly inspect?: Observer<InspectionEvent> | ((event: InspectionEvent) => void);
}

/** The root of the system. It has no state of its own; only a parent may stop an actor. */
const rootLogic: ActorLogic<Snapshot<undefined>, EventObject> = {
  getInitialSnapshot: () => ({ status: 'active', output: undefined, error: undefined }),
  transition: (snapshot) => snapshot,
  getPersistedSnapshot: (snapshot) => snapshot,
};

type TandemOptions = Pick<ActorOptions<typeof rootLogic>, 'inspect' | 'clock'> & {
  /** Begins to measure, once there is something to measure with; returns the way to stop. */
  readonly measure?: (desks: Iterable<AnyDesk>) => (() => void) | undefined;
};

export class Tandem {
  readonly name: string;
  readonly #around: Surroundings;
  readonly #close: () => void;
  readonly #root: Actor<typeof rootLogic>;
  readonly #desks = new Set<AnyDesk>();
  readonly #measure: TandemOptions['measure'];
  #stopMeasuring: (() => void) | undefined;
  #stopping: Promise<void> | undefined;

  /** For `connect()` and for simulations, which bring a store and a time of their own. */
  constructor(
    around: Omit<Surroundings, 'roll' | 'observers' | 'tracer'> &
      Partial<Pick<Surroundings, 'observers' | 'tracer'>>,
    close: () => void,
    { measure, ...options }: TandemOptions = {},
  ) {
    this.name = around.name;
    this.#measure = measure;
    const desks = this.#desks;
    this.#around = {
      observers: new Observers(),
      tracer: noTracer,
      ...around,
      roll: {
        enter: (desk) => this.#enter(desk),
        leave: (desk) => void desks.delete(desk),
        get size() {
          return desks.size;
        },
      },
    };
    this.#close = close;
    this.#root = createActor(rootLogic, { ...options, id: 'tandem' });
    this.#root.start();
  }

  /**
   * Owns a space: this process's memory becomes its truth.
   * @throws TandemError `ALREADY_OWNED`, `INVALID_OPTION`, `INVALID_SPACE` or `STOPPED`
   */
  own<D extends Definition>(space: Space<D>, options: OwnOptions = {}): Owner<D> {
    return this.#start('owner', space, this.ownerLogic(space, options));
  }

  /**
   * Follows a space: keeps a copy in this process, and says how current it is.
   * @throws TandemError `INVALID_OPTION`, `INVALID_SPACE` or `STOPPED`
   */
  follow<D extends Definition>(space: Space<D>, options: FollowOptions = {}): Follower<D> {
    return this.#start('follower', space, this.followerLogic(space, options));
  }

  /** What `own` starts, to be invoked or spawned in a machine of your own: its snapshot holds the `desk`. */
  ownerLogic<D extends Definition>(
    space: Space<D>,
    options: OwnOptions = {},
  ): DeskLogic<Owner<D>, OwnerEmitted> {
    return ownerLogic(space, this.#around, options);
  }

  /** What `follow` starts, to be invoked or spawned in a machine of your own: its snapshot holds the `desk`. */
  followerLogic<D extends Definition>(
    space: Space<D>,
    options: FollowOptions = {},
  ): DeskLogic<Follower<D>, FollowerEmitted> {
    return followerLogic(space, this.#around, options);
  }

  /**
   * Tells whoever measures what happens in this process: names, numbers and codes, never a value. Called at once, in
   * the actors' own turn, so it has to be quick; what it throws is dropped. Returns the way to stop it.
   */
  observe(observer: Listener): () => void {
    return this.#around.observers.add(observer);
  }

  /** Whether anybody measures. */
  get isObserved(): boolean {
    return !this.#around.observers.isEmpty;
  }

  /** Traces, as all actors of this process have them. */
  get tracer(): Tracer {
    return this.#around.tracer;
  }

  /** Time, as all actors of this process have it. */
  get time(): Time {
    return this.#around.time;
  }

  /** Whether `stop` was called. */
  get isStopping(): boolean {
    return this.#stopping !== undefined;
  }

  /** The names of the spaces that are owned or followed here. */
  get spaces(): string[] {
    return [...new Set([...this.#desks].map(({ space }) => space.name))];
  }

  /** The desk of a space: the owner's where it is owned here, else the follower's. */
  desk(space: string): AnyDesk | undefined {
    const desks = [...this.#desks].filter((desk) => desk.space.name === space);
    return desks.find(({ isOwner }) => isOwner) ?? desks[0];
  }

  /**
   * Flushes and gives up what is owned, stops following, closes the connections. Always resolves in time;
   * what could not be done by then is reported as `error` events of the desks.
   * @param options timeoutMs default 2,000
   */
  async stop({ timeoutMs = 2_000 }: { timeoutMs?: number } = {}): Promise<void> {
    between('timeoutMs', timeoutMs, 0, 3_600_000);
    this.#stopping ??= this.#stopNow(timeoutMs);
    await this.#stopping;
  }

  async #stopNow(timeoutMs: number): Promise<void> {
    await Promise.all([...this.#desks].map((desk) => desk.stop({ timeoutMs })));
    this.#root.stop();
    this.#close();
    this.#stopMeasuring?.();
  }

  #start<T, E extends EventObject>(kind: 'owner' | 'follower', space: Space, logic: DeskLogic<T, E>): T {
    if (!(space instanceof Space))
      throw new TandemError('INVALID_SPACE', 'expected a space made by defineSpace');
    this.#requireRoom(kind === 'owner', space.name);
    const actor = createActor(logic, { parent: this.#root, id: `${kind}:${space.name}` });
    const snapshot = actor.getSnapshot();
    // XState keeps what the desk's constructor threw, as a bad option, in the snapshot.
    if (snapshot.status === 'error') throw snapshot.error;
    actor.start();
    return snapshot.desk;
  }

  #enter(desk: AnyDesk): void {
    this.#requireRoom(desk.isOwner, desk.space.name);
    // One that was fenced is listed, as stopped, until another takes its place.
    for (const old of this.#desks) {
      if (old.mode === 'stopped' && old.isOwner === desk.isOwner && old.space.name === desk.space.name)
        this.#desks.delete(old);
    }
    this.#desks.add(desk);
    this.#stopMeasuring ??= this.#measure?.(this.#desks);
  }

  #requireRoom(forOwner: boolean, space: string): void {
    if (this.#stopping) throw new TandemError('STOPPED', 'this Tandem is stopped');
    const isOwned = [...this.#desks].some(
      (desk) => desk.space.name === space && desk.isOwner && desk.mode !== 'stopped',
    );
    if (forOwner && isOwned)
      throw new TandemError('ALREADY_OWNED', `space "${space}" is owned in this process already`);
  }
}

/**
 * Connects this process to Redis, in the background: Redis may be down now, and come later.
 * @throws TandemError `INVALID_OPTION`
 */
export function connect(options: ConnectOptions): Tandem {
  requireObject('connect', options);
  const {
    redis,
    name = `process-${process.pid}`,
    commitTimeoutMs = 500,
    telemetry = true,
    inspect,
  } = options;
  if (typeof name !== 'string' || name === '')
    throw new TandemError('INVALID_OPTION', `name: expected a string, got ${show(name)}`);
  const time: Time = systemTime;
  const clock = new ServerClock(time);
  const deadlineMs = between('commitTimeoutMs', commitTimeoutMs, 10, 60_000);
  const observers = new Observers();
  const redisStore = new RedisStore({ redis, time, clock, deadlineMs, observers });
  const store: Store = redisStore;
  const path = (space: string, options: DirectOptions, silenceMs: number): Path =>
    new DirectPath(space, options, silenceMs, time);
  const otel = telemetry ? openTelemetry : undefined;
  const tracer = otel ? new Spans(otel, name, time) : noTracer;
  const around = { name, store, clock, time, path, observers, tracer };
  return new Tandem(around, () => redisStore.stop(), {
    ...(inspect && { inspect }),
    measure: (desks) => measure(otel, { time, clock, observers, desks }),
  });
}
