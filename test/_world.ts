/**
 * What faults befall: a real Redis, and the ways to it of an owner and of followers, each through a proxy of its own.
 */
import type { Cluster } from 'ioredis';
import { Redis } from 'ioredis';
import type { ConnectOptions } from '../src/index.ts';
import { FaultProxy } from './_fault-proxy.ts';
import { RedisServer } from './_redis-server.ts';

/** Where a space is, however Redis is laid out. */
export interface Grounds {
  readonly space: string;
  /** How each gets to Redis. */
  readonly ways: Readonly<Record<'owner' | 'follower' | 'newcomer', ConnectOptions['redis']>>;
  /** A hand of the tests' own. */
  readonly admin: Redis | Cluster;
  key(name: KeyName): string;
}

export type KeyName = 'meta' | 'state' | 'index' | 'lease' | 'frames';

export class World implements Grounds {
  readonly redis: RedisServer;
  /** The owner's way to Redis. */
  readonly owner: FaultProxy;
  /** The followers' way to Redis. */
  readonly followers: FaultProxy;
  /** The space that faults are aimed at. */
  readonly space: string;
  /** A hand of the tests' own: no proxy, and rights that no fault takes away. It waits while Redis is out. */
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

  /** @param args of redis-server, as for `RedisServer.start` */
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

  /** A key of the space in Redis. */
  key(name: KeyName): string {
    return `tandem:{${this.space}}:${name}`;
  }

  async stop(): Promise<void> {
    this.admin.disconnect();
    await Promise.all(this.proxies.map((proxy) => proxy.stop()));
    await this.redis.stop();
  }
}
