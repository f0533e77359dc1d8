/**
 * Where Redis is, as the user says it: a URL, options of ioredis, or a function. What is no target is refused
 * here, when it is given: ioredis would take it for `localhost:6379`. Pure; no error shows any part of it.
 */
import { isIP } from '../base/node.ts';
import type { Cluster, Redis, RedisOptions } from 'ioredis';
import { isPlain, kindOf } from '../base/kind.ts';
import { TandemError } from '../base/errors.ts';
import { noKeyPrefix, optionsOfUrl, refused } from './url.ts';

export type Client = Redis | Cluster;

/**
 * A client of ioredis or iovalkey, as much of it as its type has to show: ioredis 5 and 6 and iovalkey have it,
 * Redis and Cluster alike.
 */
export interface ClientLike {
  /** Whether it is a `Cluster`. */
  readonly isCluster: boolean;
  /** The state of its connection, as ioredis names it. */
  readonly status: string;
  /** The options that it was made with. */
  readonly options: object;
  /** Closes its connection. */
  disconnect(reconnect?: boolean): void;
  /** Sends a command. */
  // oxlint-disable-next-line typescript/no-explicit-any -- each library has a class of its own for commands
  sendCommand(command: any): unknown;
  /** Listens for its errors. */
  on(event: 'error', listener: (error: Error) => void): unknown;
}

/** The options of ioredis. `password` may be a function, which is asked for each connection. */
export type TargetOptions = Omit<RedisOptions, 'password'> & {
  /** The password, or a function that is asked for it. Default: none. */
  readonly password?: string | (() => string | Promise<string>) | undefined;
};

/**
 * Where Redis is: a URL, ioredis options, or a function that makes a new client each time it is called (TLS,
 * ACL, Sentinel, Cluster). Options name a `host`, `port`, `path`, `sentinels` or a `Connector`. A client is one
 * of ioredis or of iovalkey.
 */
export type RedisTarget = string | TargetOptions | (() => ClientLike);

/** What a target stands for. */
export interface Target {
  /** The options of ioredis, or the function that makes clients. */
  readonly place: RedisOptions | (() => unknown);
  /** Where the password is a function. */
  readonly password?: () => unknown;
}

const EXPECTED = 'expected a URL, ioredis options or a function that makes a client';
/** One of these says where Redis is. Without any, ioredis would take its default, localhost. */
const PLACES = ['host', 'port', 'path', 'sentinels', 'Connector'] as const;

/** The options of ioredis 6, so that a misspelt one, or one of another library, is no silent default. */
const KNOWN: ReadonlySet<string> = new Set([
  ...PLACES,
  ...(
    'family tls username password db name role keyPrefix readOnly monitor ' +
    'connectTimeout disconnectTimeout commandTimeout socketTimeout keepAlive noDelay ' +
    'blockingTimeout blockingTimeoutGrace connectionName disableClientInfo clientInfoTag ' +
    'retryStrategy reconnectOnError maxRetriesPerRequest maxLoadingRetryTime lazyConnect ' +
    'autoResubscribe autoResendUnfulfilledCommands enableOfflineQueue enableReadyCheck ' +
    'offlineQueue commandQueue stringNumbers protocol replyMapping scripts ' +
    'enableAutoPipelining autoPipeliningIgnoredCommands showFriendlyErrorStack himportFieldsets ' +
    'sentinelUsername sentinelPassword sentinelRetryStrategy sentinelReconnectStrategy ' +
    'sentinelCommandTimeout enableTLSForSentinelMode sentinelTLS sentinelMaxConnections ' +
    'preferredSlaves natMap updateSentinels failoverDetector'
  ).split(' '),
]);

/** @throws TandemError `INVALID_OPTION` */
export function readTarget(target: unknown): Target {
  try {
    return read(target);
  } catch (error) {
    if (error instanceof TandemError) throw error;
    // A getter or a proxy of the caller's may throw anything, with anything in its text.
    throw refused(`${EXPECTED}, got an object that cannot be read`);
  }
}

function read(target: unknown): Target {
  if (isClass(target)) throw refused(`${EXPECTED}, got a class: pass () => new Redis(…)`);
  if (typeof target === 'function') return { place: target };
  if (typeof target === 'string') return { place: optionsOfUrl(target) };
  if (isOfNodeRedis(target)) throw ofNodeRedis();
  if (isClient(target) && hasKeyPrefix(target)) throw noKeyPrefix();
  if (isClient(target))
    throw refused(`${EXPECTED}, got a client: pass a function that makes a new one each time`);
  if (!isPlain(target)) throw refused(`${EXPECTED}, got ${kindOf(target)}`);
  const { password, ...place } = checkedOptions(target);
  if (typeof password === 'function') return { place, password };
  return { place: { ...place, ...(password !== undefined && { password }) } };
}

/** By shape, too. Its `createClient`, `createCluster` and `createSentinel` have these in common. */
export function isOfNodeRedis(value: unknown): boolean {
  const { isOpen, sendCommand, status } = (value ?? {}) as Partial<Record<string, unknown>>;
  return typeof isOpen === 'boolean' && typeof sendCommand === 'function' && status === undefined;
}

export function ofNodeRedis(): TandemError {
  return refused(
    'a client of node-redis is not supported: pass a URL, or a function that makes a client of ioredis or iovalkey',
  );
}

/** By shape, not by class: the user's copy of ioredis may be another one. */
export function isClient(value: unknown): value is Client {
  const { sendCommand, disconnect, options } = (value ?? {}) as Partial<Record<string, unknown>>;
  return (
    typeof sendCommand === 'function' &&
    typeof disconnect === 'function' &&
    typeof options === 'object' &&
    options !== null
  );
}

/** The user's own name for keys, in the options of a client, or in those of a Cluster's nodes. */
export function hasKeyPrefix({ options }: Client): boolean {
  const { keyPrefix, redisOptions } = options as { keyPrefix?: unknown; redisOptions?: RedisOptions };
  return Boolean(keyPrefix || redisOptions?.keyPrefix);
}

function checkedOptions(given: Readonly<Record<string, unknown>>): RedisOptions & { password?: unknown } {
  const options = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  for (const name of Object.keys(options)) if (!KNOWN.has(name)) throw unknownOption(name);
  if (options.keyPrefix) throw noKeyPrefix();
  if (!PLACES.some((name) => options[name] !== null && options[name] !== undefined))
    throw refused(`${EXPECTED}, got options that name no host, port, path, sentinels or Connector`);
  const { host, path, port, db, sentinels } = options;
  // A URL as `host`, with a password in it, would be looked up as a name.
  if (host !== null && host !== undefined && !isHost(host))
    throw refused(`host: expected the name or the address of a host, got ${kindOf(host)} that is none`);
  if (path !== null && path !== undefined && (typeof path !== 'string' || path === ''))
    throw refused(`path: expected the path of a socket, got ${kindOf(path)}`);
  requireInteger('port', port, 1, 65_535);
  requireInteger('db', db, 0, 2 ** 31);
  if (sentinels !== null && sentinels !== undefined && !(Array.isArray(sentinels) && sentinels.length > 0))
    throw refused(`sentinels: expected a list of addresses, got ${kindOf(sentinels)}`);
  return options;
}

/** A number, or a number as text, such as from the environment: ioredis takes both. */
function requireInteger(name: string, value: unknown, min: number, max: number): void {
  if (value === undefined || value === null) return;
  const number = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
  if (Number.isInteger(number) && (number as number) >= min && (number as number) <= max) return;
  throw refused(`${name}: expected a whole number from ${min} to ${max}, got ${kindOf(value)} that is none`);
}

function isClass(value: unknown): boolean {
  return typeof value === 'function' && /^class\b/.test(Function.prototype.toString.call(value));
}

function isHost(value: unknown): boolean {
  return typeof value === 'string' && (/^[\w.-]{1,255}$/.test(value) || isIP(value) !== 0);
}

function unknownOption(name: string): TandemError {
  const quoted = /^[A-Za-z]{1,32}$/.test(name) ? `"${name}"` : 'one';
  return refused(
    `${EXPECTED}; ioredis has no option ${quoted}. For { url } or { socket }, pass the URL itself`,
  );
}
