/**
 * The shards of a Cluster that this process has spaces on. Each has links of its own, with their own supervision,
 * and a clock of its own: a shard that is dead concerns its own spaces alone.
 *
 * | when                                            | the slot map is asked for                              |
 * | ----------------------------------------------- | ------------------------------------------------------ |
 * | somebody needs it first                         | from the addresses that the user gave                  |
 * | a node says that a slot is elsewhere            | from that node first                                   |
 * | a link is down, or a node serves nothing        | every 50 to 800 ms, from any node                      |
 * | all is well                                     | every 5 s, from any node                               |
 *
 * Of several views the one of the highest epoch counts, of a node that serves: an old master that was cut off
 * still believes that it is one.
 */
import { ServerClock } from '../../base/clock.ts';
import { TandemError } from '../../base/errors.ts';
import type { Cancel, Time } from '../../base/time.ts';
import { backoffMs, jittered } from '../../base/time.ts';
import { Connection } from '../connection.ts';
import { unavailable } from '../errors.ts';
import type { RedisStore } from '../store.ts';
import type { ClusterNodes } from './nodes.ts';
import type { SlotMap } from './slot-map.ts';
import { masterOf } from './slot-map.ts';

/** All is well: a node that was added is found by a slot that moved there, so this is for moves unheard. */
const CALM_MS = 5_000;
/** So long a node may take to answer before another is asked as well. */
const HEDGE_MS = 200;
/** So many nodes are asked in one round. */
const MOST_ASKED = 6;
/** A shard without a user keeps its links for this long: a space may come back. */
const IDLE_MS = 3_000;

export interface Shard {
  readonly address: string;
  readonly store: RedisStore;
  readonly clock: ServerClock;
}

interface Used extends Shard {
  users: number;
  cancelIdle: Cancel | undefined;
  readonly unwatch: () => void;
}

export interface ShardsParts {
  readonly nodes: ClusterNodes;
  readonly time: Time;
  readonly deadlineMs: number;
  /** Makes the store of one shard. */
  readonly open: (address: string, clock: ServerClock, moved: () => void) => RedisStore;
}

export class Shards {
  readonly time: Time;
  readonly deadlineMs: number;
  readonly #nodes: ClusterNodes;
  readonly #open: ShardsParts['open'];
  readonly #used = new Map<string, Used>();
  readonly #watchers = new Set<(moved?: Shard) => void>();
  #map: SlotMap | undefined;
  #error: TandemError | undefined;
  #asking: Promise<void> | undefined;
  #cancelNext: Cancel | undefined;
  #failures = 0;
  #isStopped = false;

  constructor({ nodes, time, deadlineMs, open }: ShardsParts) {
    this.#nodes = nodes;
    this.time = time;
    this.deadlineMs = deadlineMs;
    this.#open = open;
  }

  /** Why there is no slot map. */
  get error(): TandemError | undefined {
    return this.#error;
  }

  /** The addresses of all masters; undefined before the first slot map. */
  get masters(): readonly string[] | undefined {
    return this.#map?.masters;
  }

  /** The greatest error of the clocks that are in use, ms. */
  get clockErrorMs(): number {
    return Math.max(0, ...[...this.#used.values()].map(({ clock }) => clock.errorMs));
  }

  /** The master of a slot; undefined where none is known. */
  masterOf(slot: number): string | undefined {
    return this.#map && masterOf(this.#map, slot);
  }

  /**
   * Calls back when the slot map changes, when there is an error, and when a shard ended subscriptions: then with
   * the shard.
   */
  watch(changed: (moved?: Shard) => void): () => void {
    this.#watchers.add(changed);
    if (this.#map === undefined) void this.refresh();
    else this.#schedule();
    return () => {
      this.#watchers.delete(changed);
      if (this.#watchers.size === 0) this.#cancelNext?.();
    };
  }

  /** The shard of a master, until `leave`. */
  enter(address: string): Shard {
    let shard = this.#used.get(address);
    if (shard === undefined) {
      const clock = new ServerClock(this.time);
      const opened = this.#open(address, clock, () => this.#subscriptionsEnded(address));
      const unwatch = opened.commands.watch(() => this.#linkChanged(opened));
      shard = { address, store: opened, clock, users: 0, cancelIdle: undefined, unwatch };
      this.#used.set(address, shard);
    }
    shard.users += 1;
    shard.cancelIdle?.();
    return shard;
  }

  leave({ address }: Shard): void {
    const shard = this.#used.get(address);
    if (shard === undefined) return;
    shard.users -= 1;
    if (shard.users > 0) return;
    shard.cancelIdle?.();
    shard.cancelIdle = this.time.after(IDLE_MS, () => {
      this.#used.delete(address);
      close(shard);
    });
  }

  /**
   * Asks for the slot map. Resolves once there is an answer, or nobody has one; asked meanwhile, it waits for that.
   * @param first the node to ask first
   */
  refresh(first?: Shard): Promise<void> {
    this.#asking ??= this.#ask(first?.address).finally(() => {
      this.#asking = undefined;
      this.#schedule();
    });
    return this.#asking;
  }

  /** A node serves nothing now: another one may know more. */
  doubt(): void {
    this.#failures = Math.min(this.#failures, 1);
    if (this.#asking === undefined) this.#schedule(true);
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancelNext?.();
    this.#watchers.clear();
    for (const shard of this.#used.values()) {
      shard.cancelIdle?.();
      close(shard);
    }
    this.#used.clear();
  }

  #tell(moved?: Shard): void {
    for (const changed of this.#watchers) changed(moved);
  }

  #subscriptionsEnded(address: string): void {
    const shard = this.#used.get(address);
    if (shard !== undefined) this.#tell(shard);
  }

  #linkChanged({ commands }: RedisStore): void {
    if (commands.up) return;
    this.#failures = 0;
    this.#schedule(true);
  }

  /** @param isTroubled sooner than when all is well */
  #schedule(isTroubled = this.#isTroubled): void {
    this.#cancelNext?.();
    if (this.#isStopped || this.#watchers.size === 0) return;
    const ms = isTroubled ? backoffMs(this.time, 1 + this.#failures) : jittered(this.time, CALM_MS);
    this.#failures += 1;
    if (!isTroubled) this.#failures = 0;
    this.#cancelNext = this.time.after(ms, () => void this.refresh());
  }

  get #isTroubled(): boolean {
    if (this.#map === undefined || !this.#map.isServing) return true;
    return [...this.#used.values()].some(({ users, store }) => users > 0 && !store.commands.up);
  }

  async #ask(first: string | undefined): Promise<void> {
    try {
      const map = await this.#firstOf(this.#candidates(first));
      if (this.#isStopped) return;
      const isNews = this.#error !== undefined || !isSame(this.#map, map);
      this.#error = undefined;
      this.#map = map;
      if (isNews) this.#tell();
    } catch (error) {
      if (this.#isStopped) return;
      const failure = error instanceof TandemError ? error : unavailable('no node of the Cluster answers');
      const isNews = this.#error?.message !== failure.message;
      // What is known stays: nodes that are down may come back as they were.
      if (this.#map !== undefined) return;
      this.#error = failure;
      if (isNews) this.#tell();
    }
  }

  #candidates(first: string | undefined): string[] {
    const isUp = (address: string): boolean => this.#used.get(address)?.store.commands.up ?? false;
    const isDown = (address: string): boolean => this.#used.has(address) && !isUp(address);
    const known = shuffled(this.time, [...new Set([...(this.#map?.nodes ?? []), ...this.#nodes.startup])]);
    const rank = (address: string): number =>
      address === first ? 0 : isUp(address) ? 1 : isDown(address) ? 3 : 2;
    return known.toSorted((a, b) => rank(a) - rank(b)).slice(0, Math.max(MOST_ASKED, first ? 1 : 0));
  }

  /** The first view that is not behind what is known, of a node that serves; else the best of all. */
  #firstOf(addresses: readonly string[]): Promise<SlotMap> {
    return new Promise((resolve, reject) => {
      let waiting = addresses.length;
      let best: SlotMap | undefined;
      let failure: unknown;
      let next = 0;
      let cancel: Cancel = nothing;
      const settle = (): void => {
        waiting -= 1;
        if (waiting > 0) return askNext();
        cancel();
        if (best === undefined) reject(failure);
        else resolve(best);
      };
      const take = (map: SlotMap): void => {
        const isCurrent = map.isServing && map.epoch >= (this.#map?.epoch ?? 0) && map.masters.length > 0;
        if (isCurrent) {
          cancel();
          return resolve(map);
        }
        if (map.masters.length > 0 && isBetter(map, best)) best = map;
        settle();
      };
      const askNext = (): void => {
        cancel();
        const address = addresses[next];
        if (address === undefined) return;
        next += 1;
        cancel = this.time.after(HEDGE_MS, askNext);
        this.#viewOf(address).then(take, (error: unknown) => {
          failure ??= error;
          settle();
        });
      };
      if (waiting === 0) reject(unavailable('the Cluster has no nodes'));
      askNext();
    });
  }

  async #viewOf(address: string): Promise<SlotMap> {
    const shard = this.#used.get(address);
    if (shard?.store.commands.up) return shard.store.commands.call((client) => this.#nodes.view(client));
    const { time, deadlineMs } = this;
    const ping = async (client: { ping: () => Promise<unknown> }): Promise<void> =>
      void (await client.ping());
    const connection = new Connection({ ...this.#nodes.clients(address), time, deadlineMs, ping });
    try {
      await untilKnown(connection);
      return await connection.call((client) => this.#nodes.view(client));
    } finally {
      connection.stop();
    }
  }
}

/** @throws TandemError where it cannot be connected at the first try */
function untilKnown(connection: Connection): Promise<void> {
  return new Promise((resolve, reject) => {
    const look = (): void => {
      if (connection.up) resolve();
      else if (connection.error !== undefined) reject(connection.error);
    };
    connection.watch(look);
    look();
  });
}

function close({ unwatch, store }: Used): void {
  unwatch();
  store.stop();
}

function isSame(a: SlotMap | undefined, b: SlotMap): boolean {
  if (a === undefined || a.masters.length !== b.masters.length) return false;
  return b.bySlot.every((_, slot) => masterOf(a, slot) === masterOf(b, slot));
}

function isBetter(a: SlotMap, b: SlotMap | undefined): boolean {
  if (b === undefined || a.isServing !== b.isServing) return b === undefined || a.isServing;
  return a.epoch > b.epoch;
}

function shuffled<T>(time: Time, list: T[]): T[] {
  for (let at = list.length - 1; at > 0; at -= 1) {
    const other = Math.floor(time.random() * (at + 1));
    [list[at], list[other]] = [list[other]!, list[at]!];
  }
  return list;
}

function nothing(): void {}
