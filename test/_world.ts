/**
 * The place where faults happen: a real Redis, and a proxy in front of it for the owner and one for the
 * followers.
 */
import type { Cluster } from 'ioredis';
import { Redis } from 'ioredis';
import type { ConnectOptions } from '../src/index.ts';
import { FaultProxy } from './_fault-proxy.ts';
import { RedisServer } from './_redis-server.ts';

/** Access to a space in Redis, for a single server and for a cluster alike. */
export interface Grounds {
  readonly space: string;
  /** The Redis option with which each participant connects. */
  readonly ways: Readonly<Record<'owner' | 'follower' | 'newcomer', ConnectOptions['redis']>>;
  /** The tests' own client. */
  readonly admin: Redis | Cluster;
  key(name: KeyName): string;
}

export type KeyName = 'meta' | 'state' | 'index' | 'lease' | 'frames';

export class World implements Grounds {
  readonly redis: RedisServer;
  /** The proxy between the owner and Redis. */
  readonly owner: FaultProxy;
  /** The proxy between the followers and Redis. */
  readonly followers: FaultProxy;
  /** The space that faults are aimed at. */
  readonly space: string;
  /**
   * The tests' own client. It passes by the proxies, and its user keeps all permissions. Its commands wait
   * while Redis is down.
   */
  readonly admin: Redis;

  private constructor(redis: RedisServer, owner: FaultProxy, followers: FaultProxy, space: string) {
    this.redis = redis;
    this.owner = owner;
    this.followers = followers;
    this.space = space;
    this.admin = new Redis(redis.adminUrl, {
      retryStrategy: () => 20,
      maxRetriesPerRequest: null,
      enableReadyCheck: false,
      replyMapping: 'legacy',
    });
    this.admin.on('error', () => {});
  }

  /** @param args further arguments of redis-server, as for `RedisServer.start` */
  static async start(space: string, ...args: string[]): Promise<World> {
    const redis = await RedisServer.start('--enable-protected-configs', 'yes', ...args);
    const [owner, followers] = await Promise.all([
      FaultProxy.start(redis.port),
      FaultProxy.start(redis.port),
    ]);
    return new World(redis, owner, followers, space);
  }

  get ways(): Grounds['ways'] {
    return { owner: this.owner.url, follower: this.followers.url, newcomer: this.redis.url };
  }

  get proxies(): readonly FaultProxy[] {
    return [this.owner, this.followers];
  }

  /** The name of one of the space's keys in Redis. */
  key(name: KeyName): string {
    return `tandem:{${this.space}}:${name}`;
  }

  async stop(): Promise<void> {
    this.admin.disconnect();
    await Promise.all(this.proxies.map((proxy) => proxy.stop()));
    await this.redis.stop();
  }
}
