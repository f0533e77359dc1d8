/**
 * Connecting: `connect` composes a process from its store, its clock, telemetry and the log.
 *
 * No other file knows Redis, memory, telemetry and the log together.
 */
import type { InspectionEvent, Observer } from 'xstate';
import { ServerClock } from './base/clock.ts';
import { TandemError } from './base/errors.ts';
import { kindOf } from './base/kind.ts';
import { between, requireBoolean, requireObject } from './base/options.ts';
import { inRoot } from './base/root.ts';
import type { Time } from './base/time.ts';
import { randomId, requireTime, systemTime } from './base/time.ts';
import { DirectPath } from './follower/direct-path.ts';
import { noStore } from './follower/no-store.ts';
import type { Logger } from './log/logger.ts';
import { requireLog } from './log/logger.ts';
import { ProcessLog } from './log/process-log.ts';
import { Observers } from './ports/observer.ts';
import type { Path, PathTarget, UpstreamOptions } from './ports/path.ts';
import type { Joined, Joining, StoreServer } from './ports/store-server.ts';
import { JOIN, requireStoreServer } from './ports/store-server.ts';
import { noTracer } from './ports/tracer.ts';
import { LEAST_CONNECT_MS, MOST_CONNECT_MS } from './redis/client.ts';
import type { CredentialsSource } from './redis/credentials.ts';
import { requireSource } from './redis/credentials.ts';
import { DEFAULT_PREFIX, requirePrefix } from './redis/prefix.ts';
import type { RedisStoreOptions } from './redis/store.ts';
import { RedisStores } from './redis/stores.ts';
import type { RedisTarget } from './redis/target.ts';
import { Tandem } from './tandem.ts';
import { measure } from './telemetry/meters.ts';
import { openTelemetry } from './telemetry/open-telemetry.ts';
import { Spans } from './telemetry/spans.ts';
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
  /** @internal */
  readonly upstream?: undefined;
}

/**
 * Options of a process without Redis: it follows other processes by their `directRouter`s, and can be followed
 * itself. It owns nothing. A reading is as fresh as the owner's proof, aged by each process on the way.
 */
export interface UpstreamConnectOptions extends Omit<
  ProcessOptions,
  'prefix' | 'commandTimeoutMs' | 'connectTimeoutMs'
> {
  /** Where the spaces are followed. */
  readonly upstream: UpstreamOptions;
  /** @internal */
  readonly redis?: undefined;
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
  /** @internal */
  readonly upstream?: undefined;
}

/** Options of `connect`, of each kind of process. */
export type AnyConnectOptions = ConnectOptions | MemoryConnectOptions | UpstreamConnectOptions;

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
  /**
   * Whether this process registers in Redis: what its participants are, and what happened to them last, for
   * `tandem.fleet()` of any process. It is one write each two seconds. Default true.
   */
  readonly fleet?: boolean;
  /** An XState inspector for all actors and machines. Default none. */
  readonly inspect?: Observer<InspectionEvent> | ((event: InspectionEvent) => void);
}

/**
 * Connects this process to Redis, in the background: Redis may be down now and come up later. With `store` it
 * joins a simulated Redis instead, and with `upstream` it follows other processes without Redis.
 * @throws TandemError `INVALID_OPTION`
 */
export function connect(options: AnyConnectOptions): Tandem {
  requireObject('connect', options);
  const {
    name = `process-${process.pid}`,
    commandTimeoutMs = 500,
    connectTimeoutMs,
    telemetry = true,
    fleet = true,
    inspect,
  } = options as ProcessOptions;
  requireOnePlace(options);
  const log = requireLog(options.log);
  if (typeof name !== 'string' || name === '')
    throw new TandemError('INVALID_OPTION', `name: expected a string, got ${kindOf(name)}`);
  const deadlineMs = between('commandTimeoutMs', commandTimeoutMs, 10, 60_000);
  if (connectTimeoutMs !== undefined)
    between('connectTimeoutMs', connectTimeoutMs, LEAST_CONNECT_MS, MOST_CONNECT_MS);
  const observers = new Observers();
  const { store, finder, roster, time, clock, leave, sideOf } = inRoot(() =>
    isUpstream(options)
      ? joinNobody()
      : isOnMemory(options)
        ? joinMemory(options, { name, deadlineMs, observers })
        : joinRedis(options, { name, deadlineMs, connectTimeoutMs, observers }),
  );
  // Two processes may have one name, and frames must not go round between them.
  const id = `${encodeURIComponent(name)}.${randomId(time)}`;
  const path = (space: string, target: PathTarget, maxStaleMs: number): Path =>
    new DirectPath(space, target, { time, maxStaleMs, self: id });
  const otel = requireBoolean('telemetry', telemetry) ? openTelemetry : undefined;
  if (inspect !== undefined && typeof inspect !== 'function') requireObject('inspect', inspect);
  const tracer = otel ? new Spans(otel, name, time) : noTracer;
  const upstream = isUpstream(options) ? checkedUpstream(options.upstream) : undefined;
  const runtime = { name, id, store, clock, time, path, observers, tracer, upstream };
  return new Tandem(runtime, leave, {
    ...(finder && { finder }),
    ...(roster && { roster }),
    registers: requireBoolean('fleet', fleet),
    ...(sideOf && { sideOf }),
    ...(inspect && { inspect: inspectorInRoot(inspect) }),
    log: new ProcessLog({ name, time, log }),
    measure: (participants, load) => measure(otel, { time, clock, observers, participants, load }),
  });
}

/** @throws TandemError `INVALID_OPTION` where it is unclear which is meant */
function requireOnePlace({ redis, store, upstream, time }: AnyConnectOptions): void {
  const places = Object.entries({ redis, store, upstream }).filter(([, place]) => place !== undefined);
  if (places.length > 1) {
    const got = places.map(([name]) => name).join(' and ');
    const why = `redis, store, upstream: expected one of them, got ${got}: processes meet in Redis, on a memoryServer(), or upstream`;
    throw new TandemError('INVALID_OPTION', why);
  }
  if (time !== undefined && store === undefined) {
    const why = 'time: expected a memoryServer() as store beside it: elsewhere, time is that of the clock';
    throw new TandemError('INVALID_OPTION', why);
  }
}

function isOnMemory(options: AnyConnectOptions): options is MemoryConnectOptions {
  return options.store !== undefined;
}

function isUpstream(options: AnyConnectOptions): options is UpstreamConnectOptions {
  return options.upstream !== undefined;
}

/** @throws TandemError `INVALID_OPTION` */
function checkedUpstream(upstream: UpstreamOptions): UpstreamOptions {
  requireObject('upstream', upstream);
  const { urls, token } = upstream;
  if (!Array.isArray(urls) || urls.length === 0)
    throw new TandemError(
      'INVALID_OPTION',
      `upstream.urls: expected at least one address in a list, got ${Array.isArray(urls) ? 'an empty list' : kindOf(urls)}`,
    );
  // A wrong address or token is refused here, and not with the first space.
  void new DirectPath(
    'any',
    { peer: '', option: 'upstream.urls', urls, token },
    { time: systemTime, maxStaleMs: 0 },
  );
  return { urls: [...(urls as readonly string[])], token };
}

/** A process without Redis has its own time, and nobody to ask. */
function joinNobody(): Omit<Joined, 'finder' | 'roster'> & Partial<Joined> {
  const time = systemTime;
  return { store: noStore, time, clock: new ServerClock(time), leave: () => {} };
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
  const target = { redis, prefix: requirePrefix(prefix), credentials: requireSource(credentials) };
  const stores = new RedisStores({ ...options, ...target, time });
  const { store, clock } = stores;
  const ofCluster = typeof redis === 'function' && { sideOf: (space: string) => stores.of(space) };
  return {
    store,
    finder: stores,
    roster: stores.roster,
    time,
    clock,
    leave: () => stores.stop(),
    ...ofCluster,
  };
}

/** Actors call an inspector in the async context of whoever sends them something. */
function inspectorInRoot(inspect: NonNullable<ProcessOptions['inspect']>): (event: InspectionEvent) => void {
  return (event) => inRoot(() => (typeof inspect === 'function' ? inspect(event) : inspect.next?.(event)));
}
