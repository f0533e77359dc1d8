/** The store in memory, as the contract suite needs it. */
import type { Store } from '../../src/ports/store.ts';
import type { Time } from '../../src/base/time.ts';
import { RedisModel } from '../../src/memory/redis-model.ts';
import { MemoryStore } from '../../src/memory/store.ts';
import type { KeyName } from '../../src/memory/contents.ts';
import type { Dump, ForeignType, Rig } from './_store-contract.ts';

export class MemoryRig implements Rig {
  readonly #server: RedisModel;
  readonly #time: Time;

  constructor(time: Time) {
    this.#time = time;
    this.#server = new RedisModel(time);
  }

  open(): Promise<Store> {
    return Promise.resolve(new MemoryStore({ server: this.#server, time: this.#time }));
  }

  dump(space: string): Promise<Dump> {
    const { meta, live, lease } = this.#server.space(space);
    return Promise.resolve({
      meta: { ...meta },
      state: Object.fromEntries(live.state),
      index: Object.fromEntries(live.index),
      lease: lease === undefined ? null : `${lease.owner} ${lease.epoch}`,
    });
  }

  hget(space: string, key: string): Promise<string | null> {
    return Promise.resolve(this.#server.space(space).live.state.get(key) ?? null);
  }

  async hset(space: string, key: string, json: string): Promise<void> {
    const { live, foreign } = this.#server.space(space);
    await Promise.resolve(foreign.has('state') || live.state.set(key, json));
  }

  async setEpoch(space: string, epoch: number): Promise<void> {
    const { meta } = this.#server.space(space);
    await Promise.resolve((this.#server.space(space).meta = { ...meta, epoch }));
  }

  async hdel(space: string, key: string): Promise<void> {
    await Promise.resolve(this.#server.space(space).live.state.delete(key));
  }

  async zrem(space: string, key: string): Promise<void> {
    await Promise.resolve(this.#server.space(space).live.index.delete(key));
  }

  async expire(space: string): Promise<void> {
    this.#server.space(space).foreign.delete('lease');
    await Promise.resolve((this.#server.space(space).lease = undefined));
  }

  async retype(space: string, name: KeyName, type: ForeignType): Promise<void> {
    await Promise.resolve(this.#server.space(space).retype(name, type));
  }

  async setLease(space: string, lease: string, forMs: number): Promise<void> {
    const [owner = '', epoch, askedMs] = lease.split(' ');
    const until = this.#server.now() + forMs;
    const held = { owner, epoch: Number(epoch), until, askedMs: Number(askedMs) };
    await Promise.resolve((this.#server.space(space).lease = held));
  }

  async wipe(space: string): Promise<void> {
    await Promise.resolve(this.#server.wipe(space));
  }

  isStaging(space: string): Promise<boolean> {
    return Promise.resolve(this.#server.space(space).next !== undefined);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
