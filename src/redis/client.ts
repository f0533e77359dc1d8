/**
 * Makes ioredis clients of the user's target, and turns off what they would do by themselves: queue while
 * offline, send again, subscribe again, reconnect. A client lives as long as its connection.
 *
 * A function of the user's has to make a new client each time. A client that it gives twice, or one that is
 * in use already, is the user's own: nothing of it is changed, and it is never disconnected. What is used in
 * its place is a duplicate, and the user is told `INVALID_OPTION`.
 */
import type { Cluster, ClusterOptions, RedisOptions } from 'ioredis';
import { Redis } from 'ioredis';
import type { TandemError } from '../base/errors.ts';
import { kindOf } from '../base/kind.ts';
import type { Credentials, CredentialsSource } from './credentials.ts';
import { sourceOf } from './credentials.ts';
import type { About } from './connection.ts';
import { CONNECT_TIMEOUT_MS } from './connection.ts';
import { fromFunction } from './errors.ts';
import type { Client, RedisTarget } from './target.ts';
import { hasKeyPrefix, isClient, isOfNodeRedis, ofNodeRedis, readTarget } from './target.ts';
import { noKeyPrefix, refused } from './url.ts';

/** For every connection: also for those that a Cluster client makes to its nodes. */
const NOTHING_TWICE = {
  autoResendUnfulfilledCommands: false,
  autoResubscribe: false,
  maxRetriesPerRequest: 0,
  reconnectOnError: null,
  // An ACL would have to allow it, and nothing needs it: connections bear a name.
  disableClientInfo: true,
  // A client that is thrown away closes its socket after this, ms, also when the other side never answers.
  disconnectTimeout: 100,
} satisfies RedisOptions;

const NOTHING_BY_ITSELF = {
  ...NOTHING_TWICE,
  lazyConnect: true,
  enableOfflineQueue: false,
  retryStrategy: () => null,
  replyMapping: 'legacy' as const,
} satisfies RedisOptions;

/** ioredis's default. A client of a function's has it where the user has set nothing, ms. */
const DEFAULT_OF_IOREDIS_MS = 10_000;
/** The bounds of a try to connect, ms. */
export const LEAST_CONNECT_MS = 50;
export const MOST_CONNECT_MS = 60_000;
/** ioredis gives up later than this client does, which says why. */
const LATER_MS = 500;
/** Of a process in the name of a connection, characters. */
const LONGEST_NAME = 100;
/** The states of a client that a function has just made. */
const NEW: ReadonlySet<string> = new Set(['wait', 'connecting']);

/** The clients that this process was given by functions, and that are in use, or are the user's own. */
const known = new WeakSet<Client>();

export interface MakerOptions {
  /** As the user has set it for all targets, ms. */
  readonly connectTimeoutMs?: number | undefined;
  /** The name of the process: connections bear it, where the user gives them no other. */
  readonly name?: string | undefined;
  /** As the user has set it for all targets. */
  readonly credentials?: CredentialsSource | undefined;
}

/** Makes the clients of one place, one for each connection. */
export interface Clients {
  /** Gives the credentials of each client; `undefined` where the place has its own. */
  readonly credentials: CredentialsSource | undefined;
  /** @throws TandemError `INVALID_OPTION`, or `REDIS_UNAVAILABLE` where a function of the user's failed */
  make(credentials?: Credentials): Client;
  about(client: Client): About;
}

/** What a function of the user's has given. */
interface Given {
  readonly client: Client;
  readonly isOwn: boolean;
}

/** A Cluster as the user describes it. */
export interface ClusterPlan {
  /** Where to ask first: addresses, names or URLs, or options of ioredis. */
  readonly startup: readonly unknown[];
  /** Of the connection to each node. */
  readonly redisOptions: RedisOptions;
  /** Addresses as the nodes tell them, and as this process reaches them. */
  readonly natMap: ClusterOptions['natMap'];
}

export class ClientMaker implements Clients {
  readonly #target: RedisOptions | (() => unknown);
  readonly #connectTimeoutMs: number | undefined;
  readonly #connectionName: string;
  /** Gives the credentials of each client; `undefined` where the target has its own. */
  readonly credentials: CredentialsSource | undefined;
  readonly #about = new WeakMap<Client, About>();
  /** Whether the function was asked for a second client, to compare it with the first. */
  #isCompared = false;
  /** What the function gave when it was looked at, or what it threw. Not used yet. */
  #looked: Given | { readonly error: unknown } | undefined;
  #isOfCluster: boolean | undefined;
  #warning: TandemError | undefined;

  /** @throws TandemError `INVALID_OPTION` */
  constructor(target: RedisTarget, { connectTimeoutMs, name = '', credentials }: MakerOptions = {}) {
    const { place, password } = readTarget(target);
    if (credentials && password)
      throw refused('a password that is a function, and credentials: expected one of the two');
    this.#target = place;
    this.#connectTimeoutMs = connectTimeoutMs;
    this.#connectionName = nameOf(name);
    this.credentials = password ? sourceOf((place as RedisOptions).username, password) : credentials;
  }

  /**
   * @param credentials in the place of those that the target has
   * @throws TandemError `INVALID_OPTION`, or `REDIS_UNAVAILABLE` where the user's function failed
   */
  make(credentials?: Credentials): Client {
    const target = this.#target;
    if (typeof target === 'function') return this.#supplied(target, credentials);
    const connectTimeoutMs = this.#timeoutOf(target, undefined);
    const own = { connectionName: this.#connectionName, ...target, ...credentials };
    return this.#note(new Redis({ ...own, ...restraints(target, connectTimeoutMs) }), connectTimeoutMs);
  }

  /**
   * Whether the target is a function that makes a Cluster: it is called once, and what it gives is kept for `make`.
   * False where it fails.
   */
  get isOfCluster(): boolean {
    const target = this.#target;
    if (typeof target !== 'function') return false;
    this.#isOfCluster ??= this.#look(target);
    return this.#isOfCluster;
  }

  #look(make: () => unknown): boolean {
    try {
      const given = this.#give(make);
      this.#looked = given;
      // Names of SRV records are known to ioredis alone.
      return given.client.isCluster && !(given.client.options as ClusterOptions).useSRVRecords;
    } catch (error) {
      this.#looked = { error };
      return false;
    }
  }

  /**
   * A Cluster as the function describes it now: it may have another password each time. The client that it gives
   * is not used.
   * @throws TandemError as `make`
   */
  plan(): ClusterPlan {
    const { client, isOwn } = this.#take(this.#target as () => unknown);
    if (!client.isCluster) throw refused('expected the function to return a Cluster as before, got a Redis');
    if (isOwn) this.#warning ??= usersOwn();
    else discard(client);
    const { startupNodes = [] } = client as unknown as { startupNodes?: readonly unknown[] };
    const { redisOptions = {}, natMap } = client.options as ClusterOptions;
    return { startup: startupNodes, redisOptions, natMap };
  }

  /** A client of one node of a Cluster. */
  makeOf(options: RedisOptions, credentials?: Credentials): Client {
    const connectTimeoutMs = this.#timeoutOf(options, DEFAULT_OF_IOREDIS_MS);
    const own = { connectionName: this.#connectionName, ...options, ...credentials };
    return this.#note(new Redis({ ...own, ...restraints(options, connectTimeoutMs) }), connectTimeoutMs);
  }

  about(client: Client): About {
    return this.#about.get(client) ?? { connectTimeoutMs: CONNECT_TIMEOUT_MS };
  }

  #supplied(make: () => unknown, credentials?: Credentials): Client {
    const { client: given, isOwn } = this.#take(make);
    const own = given.isCluster ? (given.options as ClusterOptions).redisOptions : given.options;
    const connectTimeoutMs = this.#timeoutOf(own ?? {}, DEFAULT_OF_IOREDIS_MS);
    if (isOwn) this.#warning ??= usersOwn();
    const client = isOwn ? duplicateOf(given) : given;
    // A client that connects has begun with what it had.
    if (credentials && client.status !== 'wait') {
      discard(client);
      throw refused('credentials need a client that waits for them: make it with lazyConnect: true');
    }
    restrain(client, connectTimeoutMs, this.#connectionName, credentials);
    return this.#note(client, connectTimeoutMs);
  }

  #take(make: () => unknown): Given {
    const looked = this.#looked;
    this.#looked = undefined;
    if (looked === undefined) return this.#give(make);
    if ('error' in looked) throw looked.error;
    return looked;
  }

  #give(make: () => unknown): Given {
    const client = requireClient(called(make));
    const isOwn = this.#isUsersOwn(client, make);
    known.add(client);
    return { client, isOwn };
  }

  /** Whether a client is not new, or is what the function gives each time. Changes nothing of it. */
  #isUsersOwn(client: Client, make: () => unknown): boolean {
    if (known.has(client) || !NEW.has(client.status)) return true;
    if (this.#isCompared) return false;
    this.#isCompared = true;
    const second = attempt(make);
    if (second === client) return true;
    if (isClient(second) && !known.has(second) && NEW.has(second.status)) discard(second);
    return false;
  }

  /** @param unset what `connectTimeout` is where the user has not set it */
  #timeoutOf({ connectTimeout }: RedisOptions, unset: number | undefined): number {
    if (this.#connectTimeoutMs !== undefined) return this.#connectTimeoutMs;
    if (connectTimeout === undefined || connectTimeout === unset) return CONNECT_TIMEOUT_MS;
    // 0 is without an end for ioredis.
    const wanted = connectTimeout || MOST_CONNECT_MS;
    return Math.min(Math.max(wanted, LEAST_CONNECT_MS), MOST_CONNECT_MS);
  }

  #note(client: Client, connectTimeoutMs: number): Client {
    this.#about.set(client, { connectTimeoutMs, warning: this.#warning });
    return client;
  }
}

function called(make: () => unknown): unknown {
  try {
    return make();
  } catch (error) {
    throw fromFunction(error);
  }
}

/** What a function gives; `undefined` where it throws. A promise that it gives may reject. */
function attempt(make: () => unknown): unknown {
  try {
    const given = make();
    if (!isClient(given)) quiet(given);
    return given;
  } catch {
    return undefined;
  }
}

/**
 * @throws TandemError `INVALID_OPTION` for what is no client, or has a keyPrefix. Nothing of it is changed.
 */
function requireClient(given: unknown): Client {
  if (isOfNodeRedis(given)) throw ofNodeRedis();
  if (!isClient(given) || typeof given.status !== 'string') {
    quiet(given);
    throw refused(
      `expected the function to return an ioredis client (Redis or Cluster), got ${kindOf(given)}`,
    );
  }
  if (hasKeyPrefix(given)) throw noKeyPrefix();
  return given;
}

/** The function may be async, and what it rejects with may hold a secret. */
function quiet(given: unknown): void {
  void Promise.resolve(given).catch(() => {});
}

/** Closes a new client before it has opened a socket: ioredis does so in the next tick. */
function discard(client: Client): void {
  client.on('error', () => {});
  client.disconnect();
}

/**
 * A client like that of the user, which is not touched.
 * @throws TandemError `INVALID_OPTION` where there can be none
 */
function duplicateOf(client: Client): Client {
  try {
    if (!client.isCluster) return (client as Redis).duplicate({ lazyConnect: true });
    return (client as Cluster).duplicate([], { lazyConnect: true, ...CLUSTER_BY_ITSELF });
  } catch {
    throw usersOwn();
  }
}

/** A replica lags. */
const CLUSTER_BY_ITSELF = {
  enableOfflineQueue: false,
  clusterRetryStrategy: () => null,
  scaleReads: 'master' as const,
};

function restrain(
  client: Client,
  connectTimeoutMs: number,
  connectionName: string,
  credentials?: Credentials,
): void {
  if (!client.isCluster) {
    const options = client.options as RedisOptions;
    options.connectionName ??= connectionName;
    Object.assign(options, restraints(options, connectTimeoutMs), credentials);
    return;
  }
  Object.assign(client.options, CLUSTER_BY_ITSELF);
  // A Cluster has copied the options of its nodes by now: its pool makes the connections.
  const { connectionPool } = client as unknown as { connectionPool?: { redisOptions?: RedisOptions } };
  const options = connectionPool?.redisOptions ?? {};
  options.connectionName ??= connectionName;
  const connectTimeout = connectTimeoutMs + LATER_MS;
  Object.assign(options, NOTHING_TWICE, { connectTimeout }, credentials);
}

/**
 * ioredis's own ready check asks for INFO, which may be forbidden, and waits while Redis loads. The first
 * ping of a connection serves instead. Behind Sentinels the check stays: it makes sure that a master is one.
 */
function restraints({ sentinels }: RedisOptions, connectTimeoutMs: number) {
  const connectTimeout = connectTimeoutMs + LATER_MS;
  return { ...NOTHING_BY_ITSELF, connectTimeout, enableReadyCheck: sentinels != null };
}

/** What a connection may be called: https://redis.io/docs/latest/commands/client-setname/ */
function nameOf(process: string): string {
  return `tandem:${process.replaceAll(/[^!-~]/g, '_').slice(0, LONGEST_NAME)}`;
}

function usersOwn(): TandemError {
  return refused(
    'the function gave a client that is in use already, or gave the same client twice. ' +
      'That client is left alone, and a duplicate of it is used. Make a new client in the function each time',
  );
}

/** The database that a client selects. */
export function databaseOf(client: Client): number {
  return 'db' in client.options ? (client.options.db ?? 0) : 0;
}
