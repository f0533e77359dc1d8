/** A simulated trading process: an owner or a standby, and a loop that sets values. */
import type { Owner } from '../../src/index.ts';
import type { Served } from '../../src/relays.ts';
import { Trader } from '../history/trader.ts';
import type { Environment } from './environment.ts';
import { SimProcess } from './process.ts';
import type { D } from './space.ts';
import { space } from './space.ts';

export const LEASE_MS = 1_000;

/** How an owner starts. */
export type Start = 'plain' | 'standby' | 'takeOver';

export class OwnerProcess extends SimProcess {
  /** The site at which it serves the direct path. */
  readonly site: string;
  readonly owner: Owner<D>;
  readonly #trader: Trader;
  #isBusy = true;
  #hasEnded = false;
  #isStopping = false;

  constructor(site: string, id: string, world: Environment, how: Start) {
    super(id, world);
    this.site = site;
    this.owner = this.tandem.own(space, {
      standby: how === 'standby',
      takeOver: how === 'takeOver',
      announce: world.announces,
      leaseMs: LEASE_MS,
    });
    const { sim, size, paceMs } = world;
    this.#trader = new Trader(id, this.owner, {
      random: sim.random,
      now: () => sim.now,
      record: (event) => world.record(event),
      large: size.isLarge ? { ...size, stepMs: paceMs / 2 } : undefined,
      nextId: () => world.nextId(),
      broken: (what) => world.broken(what),
      flushed: (position) => (world.lastFlushed = position),
      stored: () => {
        const { epoch, revision } = world.redis.model.space(space.name).meta;
        return `${epoch}-${revision}`;
      },
    });
    this.owner.on('fenced', () => this.#ended('fenced'));
    world.net.serve(site, { host: this.host, id, served: () => this.#served() });
    this.host.onResume = (stoppedMs) => {
      if (this.owner.ownership !== 'leading') return;
      const { freshness } = this.owner.get('alone');
      world.record({ type: 'awoke', at: sim.now, owner: id, stoppedMs, freshness });
    };
    this.note(this.owner);
    this.hear(this.owner);
    this.#loop();
  }

  /** True once the owner has ended, or has begun to stop. */
  get hasEnded(): boolean {
    return this.#hasEnded || this.#isStopping;
  }

  /** Whether the owner has begun to stop, and has not ended. */
  get isStopping(): boolean {
    return this.#isStopping && !this.#hasEnded;
  }

  get isLeading(): boolean {
    return !this.hasEnded && this.owner.ownership === 'leading' && this.owner.mode === 'connected';
  }

  override kill(): void {
    super.kill();
    this.world.net.cut(this.site);
    this.#ended('killed');
  }

  override async stop(): Promise<void> {
    this.#isBusy = false;
    this.#isStopping = true;
    await super.stop();
    this.#ended('stopped');
  }

  /** Stops setting values. */
  rest(): void {
    this.#isBusy = false;
  }

  wake(): void {
    this.#isBusy = true;
    this.#loop();
  }

  /** As in the direct router, a standby serves nothing. */
  #served(): Served | undefined {
    const { ownership, feed } = this.owner;
    return ownership === 'standby' || feed.isEnded || feed.isInDoubt ? undefined : { feed, via: [] };
  }

  #ended(how: 'killed' | 'stopped' | 'fenced'): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.world.record({ type: 'ended', at: this.world.sim.now, owner: this.id, how });
  }

  #loop(): void {
    const { random } = this.world.sim;
    this.host.after(random.between(1, this.world.paceMs), () => {
      if (!this.#isBusy || this.#hasEnded) return;
      this.says(this.owner);
      this.#trader.act();
      this.#loop();
    });
  }
}
