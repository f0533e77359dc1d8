/**
 * Makes ioredis clients of the user's target, and turns off what they would do by themselves: queue while
 * offline, send again, subscribe again, reconnect. A client lives as long as its connection.
 */
import { Redis } from 'ioredis';
import type { Cluster, RedisOptions } from 'ioredis';
import { TandemError } from '../base/errors.ts';

export type Client = Redis | Cluster;

/**
 * Where Redis is: a URL, ioredis options, or a function that makes a new client each time it is called (TLS,
 * ACL, Sentinel, Cluster).
 */
export type RedisTarget = string | RedisOptions | (() => Client);

/** For every connection: also for those that a Cluster client makes to its nodes. */
const NOTHING_TWICE = {
  autoResendUnfulfilledCommands: false,
  autoResubscribe: false,
  maxRetriesPerRequest: 0,
  reconnectOnError: null,
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

/**
 * ioredis's own ready check asks for INFO, which may be forbidden, and waits while Redis loads. The first
 * ping of a connection serves instead. Behind Sentinels the check stays: it makes sure that a master is one.
 */
function nothingByItself(options: RedisOptions) {
  return { ...NOTHING_BY_ITSELF, enableReadyCheck: options.sentinels != null };
}

/** @throws TandemError `INVALID_OPTION` */
export function clientMaker(target: RedisTarget): () => Client {
  if (typeof target === 'function') return () => restrain(target());
  if (typeof target === 'string') {
    if (!/^(rediss?|unix):\/\/|^\//.test(target)) {
      throw new TandemError(
        'INVALID_OPTION',
        'redis: expected a URL such as "redis://127.0.0.1:6379", got another string',
      );
    }
    return () => new Redis(target, nothingByItself({}));
  }
  if (typeof target === 'object' && target !== null) {
    if (target.keyPrefix) throw noKeyPrefix();
    return () => new Redis({ ...target, ...nothingByItself(target) });
  }
  throw new TandemError(
    'INVALID_OPTION',
    `redis: expected a URL, ioredis options or a function, got ${String(target)}`,
  );
}

function restrain(client: Client): Client {
  // By shape, not by class: the user's copy of ioredis may be another one.
  if (
    typeof client?.sendCommand !== 'function' ||
    typeof client.disconnect !== 'function' ||
    !client.options
  ) {
    (client as Partial<Client> | undefined)?.disconnect?.();
    // The function may be async: the client that it makes later is closed.
    void Promise.resolve(client).then(
      (late: Partial<Client> | undefined) => late?.disconnect?.(),
      () => {},
    );
    throw new TandemError(
      'INVALID_OPTION',
      'redis: expected the function to return an ioredis client (Redis or Cluster)',
    );
  }
  if ('keyPrefix' in client.options && client.options.keyPrefix) {
    client.disconnect();
    throw noKeyPrefix();
  }
  if (client.isCluster) {
    Object.assign(client.options, { enableOfflineQueue: false, clusterRetryStrategy: () => null });
    // A Cluster has copied the options of its nodes by now: its pool makes the connections.
    const { connectionPool } = client as unknown as { connectionPool?: { redisOptions?: RedisOptions } };
    Object.assign(connectionPool?.redisOptions ?? {}, NOTHING_TWICE);
  } else {
    Object.assign(client.options, nothingByItself(client.options as RedisOptions));
  }
  return client;
}

function noKeyPrefix(): TandemError {
  return new TandemError(
    'INVALID_OPTION',
    'redis: keyPrefix is not supported, since ioredis adds it to no channel. Give the space another name instead',
  );
}

/** The database that a client selects. */
export function databaseOf(client: Client): number {
  return 'db' in client.options ? (client.options.db ?? 0) : 0;
}
