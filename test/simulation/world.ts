/**
 * One simulated world, made from one seed: a Redis, owners and standbys, followers with and without the
 * direct path, and the history of all of them.
 */
import type { Event } from '../history/event.ts';
import { History } from '../history/event.ts';
import type { Environment } from './environment.ts';
import type { Way } from './follower-process.ts';
import { FollowerProcess } from './follower-process.ts';
import { Net } from './http.ts';
import type { Start } from './owner-process.ts';
import { OwnerProcess } from './owner-process.ts';
import { Redis } from './redis.ts';
import { SimTime } from './sim-time.ts';
import type { Size } from './size.ts';
import { sizeOf } from './size.ts';

export const TOKEN = 'a token of sixteen or more';

export class World implements Environment {
  readonly seed: number;
  readonly sim: SimTime;
  readonly size: Size;
  readonly redis: Redis;
  readonly net: Net;
  readonly history = new History();
  readonly owners: OwnerProcess[] = [];
  readonly followers: FollowerProcess[] = [];
  readonly paceMs: number;
  /** True if every owner starts as a standby. The first of them to find the space free owns it. */
  readonly allStandBy: boolean;
  lastFlushed = '0-0';
  /** Whether a machine has slept, or its wall clock was set: times are then true up to the suspend bound. */
  hasSlept = false;
  #ids = 0;
  #births = 0;

  constructor(seed: number) {
    this.seed = seed;
    this.sim = new SimTime(seed);
    this.size = sizeOf(seed);
    this.redis = new Redis(this.sim, this.size.pageBytes);
    this.net = new Net(this.sim);
    this.allStandBy = this.sim.random.chance(0.3);
    this.paceMs = this.sim.random.pick([10, 30, 60, 120]);
  }

  nextId(): number {
    this.#ids += 1;
    return this.#ids;
  }

  record(event: Event): void {
    this.history.record(event);
  }

  broken(what: string): void {
    this.record({ type: 'broken', at: this.sim.now, what });
  }

  /** The levels of the tree of processes without Redis: in a fourth of the worlds. */
  get levels(): number {
    return this.seed % 4 === 3 ? 2 : 0;
  }

  /** Whether owners announce their changes. In an eighth of the worlds they commit alone. */
  get announces(): boolean {
    return this.seed % 8 !== 6;
  }

  /** The present leader. Of two owners that both believe they lead, the one with the higher epoch. */
  get leader(): OwnerProcess | undefined {
    const epochOf = ({ owner }: OwnerProcess): number => Number(owner.head.split('-')[0]);
    return this.owners
      .filter(({ isLeading, host }) => isLeading && host.isRunning)
      .toSorted((a, b) => epochOf(b) - epochOf(a))[0];
  }

  startOwner(site: string, how: Start): OwnerProcess {
    this.#births += 1;
    const owner = new OwnerProcess(site, `${site}#${this.#births}`, this, how);
    this.owners.push(owner);
    this.net.mend(site);
    return owner;
  }

  startFollower(name: string, site: string | undefined, mode: 'fallback' | 'always'): FollowerProcess {
    const direct = site === undefined ? undefined : { url: `http://${site}`, token: TOKEN, mode };
    return this.#follow(name, { direct });
  }

  /** Starts a follower without Redis behind others, in order of preference. */
  startLeaf(name: string, ...sites: string[]): FollowerProcess {
    const urls = sites.map((site) => `http://${site}`);
    return this.#follow(name, { upstream: { urls, token: TOKEN } });
  }

  #follow(name: string, way: Way): FollowerProcess {
    this.#births += 1;
    const follower = new FollowerProcess(name, `${name}#${this.#births}`, this, way);
    this.followers.push(follower);
    return follower;
  }
}
