/**
 * One simulated world, all of it out of one seed: a Redis, owners and standbys, followers with and without the direct
 * path, and what is written down of them.
 */
import type { Event } from '../history/event.ts';
import { History } from '../history/event.ts';
import { FollowerProcess } from './follower-process.ts';
import { Net } from './http.ts';
import { OwnerProcess } from './owner-process.ts';
import { Redis } from './redis.ts';
import { SimTime } from './sim-time.ts';

export const TOKEN = 'a token of sixteen or more';

export class World {
  readonly sim: SimTime;
  readonly redis: Redis;
  readonly net: Net;
  readonly history = new History();
  readonly owners: OwnerProcess[] = [];
  readonly followers: FollowerProcess[] = [];
  /** Owners act this often, ms, at the most seldom. */
  readonly paceMs: number;
  /** Owners are all configured alike: the first to find the space free has it. */
  readonly allStandBy: boolean;
  lastFlushed = '0-0';
  #ids = 0;
  #births = 0;

  constructor(seed: number) {
    this.sim = new SimTime(seed);
    this.redis = new Redis(this.sim);
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

  /** The one who leads now; of two that think so, the one with the higher epoch. */
  get leader(): OwnerProcess | undefined {
    const epochOf = ({ participant }: OwnerProcess): number => Number(participant.head.split('-')[0]);
    return this.owners
      .filter(({ isLeading, host }) => isLeading && host.isRunning)
      .toSorted((a, b) => epochOf(b) - epochOf(a))[0];
  }

  startOwner(site: string, standby: boolean): OwnerProcess {
    this.#births += 1;
    const owner = new OwnerProcess(site, `${site}#${this.#births}`, this, standby);
    this.owners.push(owner);
    this.net.mend(site);
    return owner;
  }

  startFollower(name: string, site: string | undefined, mode: 'fallback' | 'always'): FollowerProcess {
    this.#births += 1;
    const direct = site === undefined ? undefined : { url: `http://${site}`, token: TOKEN, mode };
    const follower = new FollowerProcess(`${name}#${this.#births}`, this, direct);
    this.followers.push(follower);
    return follower;
  }
}
