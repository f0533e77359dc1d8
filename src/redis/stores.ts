/**
 * The stores of a process: one for all spaces where Redis is one server, one for each space in a Cluster.
 *
 * Whether a function makes a Cluster is found out when it is first needed: it is called then, and not before.
 */
import { ServerClock } from '../base/clock.ts';
import type { Time } from '../base/time.ts';
import type { DeliverFrom, Finder, Found } from '../ports/finder.ts';
import type { Roster } from '../ports/roster.ts';
import type { Link, Store } from '../ports/store.ts';
import { ClusterFinder } from './cluster/cluster-finder.ts';
import { ClusterNodes } from './cluster/nodes.ts';
import { Shards } from './cluster/shards.ts';
import { SpaceStore } from './cluster/space-store.ts';
import { ClientMaker } from './client.ts';
import { FLEET_TAG } from './keys.ts';
import type { RedisStoreOptions } from './store.ts';
import { RedisStore } from './store.ts';

/** The store of a space, and the clock of its server. */
export interface SpaceSide {
  readonly store: Store;
  readonly clock: ServerClock;
}

export class RedisStores implements Finder {
  /** That of one server; of a Cluster it is the way of a client that any node may answer. */
  readonly store: RedisStore;
  readonly clock: ServerClock;
  readonly #maker: ClientMaker;
  readonly #options: Omit<RedisStoreOptions, 'clock'>;
  #cluster:
    { readonly shards: Shards; readonly finder: ClusterFinder; readonly fleet: SpaceStore } | undefined;

  constructor(options: Omit<RedisStoreOptions, 'clock' | 'clients'>) {
    this.#options = options;
    this.#maker = new ClientMaker(options.redis, options);
    this.clock = new WorstClock(options.time, () => this.#cluster?.shards);
    this.store = new RedisStore({ ...options, clients: this.#maker, clock: this.clock });
  }

  of(space: string): SpaceSide {
    const shards = this.#found?.shards;
    if (shards === undefined) return this;
    const store = new SpaceStore(space, shards);
    return { store, clock: store.clock };
  }

  get bringsFrames(): boolean {
    return this.#found === undefined;
  }

  get links(): { readonly commands: Link; readonly subscriber: Link } {
    return this.#found?.finder.links ?? this.store;
  }

  names(start: string, signal: AbortSignal): Promise<Found> {
    return this.#finder.names(start, signal);
  }

  present(names: readonly string[]): Promise<readonly string[]> {
    return this.#finder.present(names);
  }

  subscribe(start: string, deliver: DeliverFrom): Promise<void> {
    return this.#finder.subscribe(start, deliver);
  }

  unsubscribe(start: string, deliver: DeliverFrom): Promise<void> {
    return this.#finder.unsubscribe(start, deliver);
  }

  /** That of the server; of a Cluster, that of the node which has the fleet. */
  readonly roster: Roster = rosterOf(() => this.#found?.fleet ?? this.store);

  stop(): void {
    this.store.stop();
    this.#cluster?.shards.stop();
  }

  get #finder(): Finder {
    return this.#found?.finder ?? this.store.finder;
  }

  /** The Cluster, where it is one. */
  get #found() {
    if (this.#cluster === undefined && this.#maker.isOfCluster) {
      const shards = this.#shards();
      const fleet = new SpaceStore(FLEET_TAG, shards);
      this.#cluster = { shards, finder: new ClusterFinder(shards), fleet };
    }
    return this.#cluster;
  }

  #shards(): Shards {
    const { time, deadlineMs } = this.#options;
    const nodes = new ClusterNodes(this.#maker);
    const open = (address: string, clock: ServerClock, shardMoved: () => void): RedisStore =>
      new RedisStore({ ...this.#options, clients: nodes.clients(address), clock, shardMoved });
    return new Shards({ nodes, time, deadlineMs, open });
  }
}

/** A roster that is chosen when it is first used. */
function rosterOf(chosen: () => { readonly roster: Roster; readonly commands: Link }): Roster {
  return {
    link: {
      get up() {
        return chosen().commands.up;
      },
      get error() {
        return chosen().commands.error;
      },
      watch: (changed) => chosen().commands.watch(changed),
    },
    write: (id, text, keptMs) => chosen().roster.write(id, text, keptMs),
    read: () => chosen().roster.read(),
  };
}

/** Of the shards of a Cluster, the greatest error counts. */
class WorstClock extends ServerClock {
  readonly #shards: () => Shards | undefined;

  constructor(time: Time, shards: () => Shards | undefined) {
    super(time);
    this.#shards = shards;
  }

  override get errorMs(): number {
    return this.#shards()?.clockErrorMs ?? super.errorMs;
  }
}
