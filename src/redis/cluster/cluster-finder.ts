/**
 * Finds spaces in all shards of a Cluster. Each master is asked for the names that it has; a claim and a removal are
 * published to all nodes, so each node tells of each space that appears.
 *
 * The frames of a space are published to its shard alone: each follower subscribes to its own.
 */
import type { TandemError } from '../../base/errors.ts';
import { unavailable } from '../errors.ts';
import type { DeliverFrom, Finder, Found } from '../../ports/finder.ts';
import type { Link } from '../../ports/store.ts';
import type { Shard, Shards } from './shards.ts';
import { slotOf } from './slot.ts';

interface Member {
  readonly shard: Shard;
  readonly unwatch: readonly (() => void)[];
  wasUp: boolean;
}

export class ClusterFinder implements Finder {
  readonly bringsFrames = false;
  /** Up while any shard is. They go down for a moment when one more comes up: there is more to be found. */
  readonly links: { readonly commands: Link; readonly subscriber: Link };
  readonly #shards: Shards;
  readonly #members = new Map<string, Member>();
  readonly #watchers = new Set<() => void>();
  #unwatch: (() => void) | undefined;
  #up = false;

  constructor(shards: Shards) {
    this.#shards = shards;
    const isUp = (): boolean => this.#up;
    const why = (): TandemError | undefined => this.#error;
    const link: Link = {
      get up() {
        return isUp();
      },
      get error() {
        return why();
      },
      watch: (changed) => this.#watch(changed),
    };
    this.links = { commands: link, subscriber: link };
  }

  async names(start: string, signal: AbortSignal): Promise<Found> {
    const found = new Set<string>();
    let missing: TandemError | undefined;
    const read = async ({ shard, wasUp }: Member): Promise<void> => {
      try {
        if (!wasUp) throw errorOf(shard);
        for (const name of (await shard.store.finder.names(start, signal)).names) found.add(name);
      } catch (error) {
        missing ??= error as TandemError;
      }
    };
    await Promise.all([...this.#members.values()].map(read));
    signal.throwIfAborted();
    return { names: [...found], missing };
  }

  async present(spaces: readonly string[]): Promise<readonly string[]> {
    const byShard = new Map<Shard, string[]>();
    for (const space of spaces) {
      const member = this.#members.get(this.#shards.masterOf(slotOf(space)) ?? '');
      // When its shard comes up, all its names are read.
      if (!member?.wasUp) continue;
      const some = byShard.get(member.shard) ?? [];
      byShard.set(member.shard, some);
      some.push(space);
    }
    const ask = ([{ store }, some]: [Shard, string[]]): Promise<readonly string[]> =>
      store.finder.present(some).catch(() => []);
    return (await Promise.all([...byShard].map(ask))).flat();
  }

  async subscribe(start: string, deliver: DeliverFrom): Promise<void> {
    await Promise.all(this.#living.map(({ store }) => store.finder.subscribe(start, deliver)));
  }

  async unsubscribe(start: string, deliver: DeliverFrom): Promise<void> {
    const shards = [...this.#members.values()].map(({ shard }) => shard);
    await Promise.allSettled(shards.map(({ store }) => store.finder.unsubscribe(start, deliver)));
  }

  get #living(): Shard[] {
    return [...this.#members.values()].filter(({ wasUp }) => wasUp).map(({ shard }) => shard);
  }

  get #error(): TandemError | undefined {
    if (this.#up) return undefined;
    const [member] = this.#members.values();
    return member === undefined
      ? this.#shards.error
      : (member.shard.store.commands.error ?? this.#shards.error);
  }

  #watch(changed: () => void): () => void {
    this.#watchers.add(changed);
    if (this.#unwatch === undefined) {
      this.#unwatch = this.#shards.watch(() => this.#mapChanged());
      this.#mapChanged();
    }
    return () => {
      this.#watchers.delete(changed);
      if (this.#watchers.size > 0) return;
      this.#unwatch?.();
      this.#unwatch = undefined;
      for (const address of this.#members.keys()) this.#leave(address);
    };
  }

  #mapChanged(): void {
    const masters = this.#shards.masters;
    if (masters === undefined) return this.#tell();
    for (const address of this.#members.keys()) if (!masters.includes(address)) this.#leave(address);
    for (const address of masters) if (!this.#members.has(address)) this.#enter(address);
  }

  #enter(address: string): void {
    const shard = this.#shards.enter(address);
    const { commands, subscriber } = shard.store;
    const changed = (): void => this.#changed(member);
    const member: Member = {
      shard,
      unwatch: [commands.watch(changed), subscriber.watch(changed)],
      wasUp: false,
    };
    this.#members.set(address, member);
    changed();
  }

  #leave(address: string): void {
    const member = this.#members.get(address);
    this.#members.delete(address);
    for (const unwatch of member?.unwatch ?? []) unwatch();
    if (member) this.#shards.leave(member.shard);
  }

  #changed(member: Member): void {
    const { commands, subscriber } = member.shard.store;
    const isUp = commands.up && subscriber.up;
    if (isUp === member.wasUp) return this.#up ? undefined : this.#tell();
    member.wasUp = isUp;
    this.#up = false;
    if (isUp || this.#living.length === 0) this.#tell();
    this.#up = this.#living.length > 0;
    if (isUp) this.#tell();
  }

  #tell(): void {
    for (const changed of this.#watchers) changed();
  }
}

function errorOf({ store }: Shard): TandemError {
  return store.commands.error ?? store.subscriber.error ?? unavailable('not connected to Redis yet');
}
