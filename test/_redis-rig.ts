/** Redis for the contract suite: stores, and a client that reads and changes Redis behind their backs. */
import { Redis } from 'ioredis';
import { ServerClock } from '../src/base/clock.ts';
import { keysOf } from '../src/redis/keys.ts';
import { RedisStore } from '../src/redis/store.ts';
import type { Store } from '../src/ports/store.ts';
import { systemTime } from '../src/base/time.ts';
import type { KeyName } from '../src/memory/contents.ts';
import type { Dump, ForeignType, Rig } from './contract/_store-contract.ts';
import { until } from './_wait.ts';

/** Opens one process's store, and resolves once its connections are up. */
export async function openStore(redis: string): Promise<RedisStore> {
  const clock = new ServerClock(systemTime);
  const store = new RedisStore({ redis, time: systemTime, clock, deadlineMs: 10_000 });
  store.prepareToAnnounce();
  for (const link of [store.commands, store.subscriber]) {
    link.start();
    await until(() => link.up, 'a connection', 30_000);
  }
  return store;
}

/** How many scripts this Redis has run by hash (`EVALSHA`). */
export async function evalshas(client: Redis): Promise<number> {
  return Number(/cmdstat_evalsha:calls=(\d+)/.exec(await client.info('commandstats'))?.[1] ?? 0);
}

export class RedisRig implements Rig {
  readonly #url: string;
  readonly #client: Redis;
  readonly #closeServer: () => Promise<unknown>;
  readonly #stores: RedisStore[] = [];

  constructor(url: string, closeServer: () => Promise<unknown>) {
    this.#url = url;
    this.#client = new Redis(url, { replyMapping: 'legacy' });
    this.#closeServer = closeServer;
  }

  async open(): Promise<Store> {
    const store = await openStore(this.#url);
    this.#stores.push(store);
    return store;
  }

  async dump(space: string): Promise<Dump> {
    const [meta, state, index, lease] = keysOf(space).live.names as [string, string, string, string];
    const scores = await held(this.#client.zrange(index, '0', '-1', 'WITHSCORES'), []);
    const indexed: Record<string, number> = {};
    for (let at = 0; at < scores.length; at += 2) indexed[scores[at]!] = Number(scores[at + 1]);
    return {
      meta: await held(this.#client.hgetall(meta), {}),
      state: await held(this.#client.hgetall(state), {}),
      index: indexed,
      lease: (await held(this.#client.get(lease), null))?.replace(/^(\S+ \d+) \d+$/, '$1') ?? null,
    };
  }

  hget(space: string, key: string): Promise<string | null> {
    return this.#client.hget(this.#key(space, 'state'), key);
  }

  async setEpoch(space: string, epoch: number): Promise<void> {
    await this.#client.hset(keysOf(space).live.names[0]!, 'epoch', epoch);
  }

  async hset(space: string, key: string, json: string): Promise<void> {
    await held(this.#client.hset(this.#key(space, 'state'), key, json), 0);
  }

  async hdel(space: string, key: string): Promise<void> {
    await held(this.#client.hdel(this.#key(space, 'state'), key), 0);
  }

  async zrem(space: string, key: string): Promise<void> {
    await held(this.#client.zrem(this.#key(space, 'index'), key), 0);
  }

  async expire(space: string): Promise<void> {
    await this.#client.del(this.#key(space, 'lease'));
  }

  async retype(space: string, name: KeyName, type: ForeignType): Promise<void> {
    const key = this.#key(space, name);
    await this.#client.del(key);
    if (type === 'string') await this.#client.set(key, 'x');
    else if (type === 'list') await this.#client.rpush(key, 'x');
    else if (type === 'set') await this.#client.sadd(key, 'x');
    else await this.#client.xadd(key, '*', 'x', 'x');
  }

  async setLease(space: string, lease: string, forMs: number): Promise<void> {
    const key = this.#key(space, 'lease');
    if (forMs === Infinity) await this.#client.set(key, lease);
    else await this.#client.set(key, lease, 'PX', forMs);
  }

  async wipe(space: string): Promise<void> {
    await this.#client.del(...keysOf(space).all.names);
  }

  async isStaging(space: string): Promise<boolean> {
    const { live, all } = keysOf(space);
    return (await this.#client.exists(...all.names.slice(live.names.length))) > 0;
  }

  async close(): Promise<void> {
    for (const store of this.#stores) store.stop();
    this.#client.disconnect();
    await this.#closeServer();
  }

  #key(space: string, name: KeyName): string {
    return `tandem:{${space}}:${name}`;
  }
}

/** What a key holds; `none` where it is of another type. */
function held<T>(reply: Promise<T>, none: T): Promise<T> {
  return reply.catch((error: Error) => {
    if (error.message.includes('WRONGTYPE')) return none;
    throw error;
  });
}
