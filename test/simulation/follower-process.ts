/** A simulated API process: a follower and its readers. */
import type { Follower } from '../../src/index.ts';
import type { Id } from '../history/event.ts';
import type { DirectOptions, UpstreamOptions } from '../../src/ports/path.ts';
import { decodeFence } from '../_messages.ts';
import type { Environment } from './environment.ts';
import { SimProcess } from './process.ts';
import type { D } from './space.ts';
import { idOf, seen, space } from './space.ts';

/** The probability that a watch callback also reads the whole state. */
const READ_WHEN_TOLD = 0.05;

/** The ways of a follower. */
export interface Way {
  /** Default: none. */
  readonly direct?: DirectOptions | undefined;
  /** Default: it has Redis. */
  readonly upstream?: UpstreamOptions | undefined;
}

export class FollowerProcess extends SimProcess {
  readonly follower: Follower<D>;
  readonly direct: DirectOptions | undefined;
  readonly upstream: UpstreamOptions | undefined;
  #isBusy = true;

  /**
   * @param site at which it serves those that follow it
   * @param way by which frames come besides Redis, or without it
   */
  constructor(site: string, id: string, world: Environment, { direct, upstream }: Way) {
    super(id, world, upstream);
    this.direct = direct;
    this.upstream = upstream;
    this.follower = this.tandem.follow(space, direct === undefined ? {} : { direct });
    world.record({
      type: 'follows',
      at: world.sim.now,
      follower: id,
      direct: (direct ?? upstream) !== undefined,
    });
    world.net.serve(site, { host: this.host, id, served: () => this.tandem.served(space.name) });
    this.follower.on('sync', ({ head }) =>
      world.record({ type: 'sync', at: world.sim.now, follower: id, head }),
    );
    this.follower.watch('*', ({ key, value, position }) => {
      const told = { key, id: idOf(value), position, head: this.follower.head };
      world.record({ type: 'told', at: world.sim.now, follower: id, ...told });
      if (world.sim.random.chance(READ_WHEN_TOLD)) this.#look();
    });
    // The first reading after a stop or a sleep comes before any timer or message.
    this.host.onResume = () => this.read();
    this.note(this.follower);
    this.hear(this.follower);
    if (upstream === undefined) this.#hearFences();
    this.#loop();
  }

  override kill(): void {
    super.kill();
    this.world.record({ type: 'unfollows', at: this.world.sim.now, follower: this.id });
  }

  override async stop(): Promise<void> {
    this.#isBusy = false;
    await super.stop();
    this.world.record({ type: 'unfollows', at: this.world.sim.now, follower: this.id });
  }

  /** Stops reading. */
  rest(): void {
    this.#isBusy = false;
  }

  read(): void {
    const { follower } = this;
    const { head } = follower;
    const { freshness, staleMs, source, ownerAlive } = follower.get('alone');
    this.says(follower);
    this.world.record({
      type: 'read',
      at: this.world.sim.now,
      follower: this.id,
      head,
      freshness,
      staleMs,
      source,
      ownerAlive,
      state: seen(follower.entries()),
      dates: this.#dates(),
    });
  }

  /** When values were set, as readings say. The server's clock goes as that of the history. */
  #dates(): [id: Id, changedAt: number | undefined][] {
    const { sim, redis } = this.world;
    const aheadMs = redis.model.now() - sim.now;
    return [...this.follower.entries()].map(({ value, changedAt }) => [
      idOf(value),
      changedAt === undefined ? undefined : changedAt - aheadMs,
    ]);
  }

  /**
   * Records each claim as its fence reaches this process. The follower subscribes again by itself, for both.
   */
  #hearFences(): void {
    const hear = (message: string): void => {
      const fence = decodeFence(message);
      if (fence !== undefined)
        this.world.record({ type: 'heard', at: this.world.sim.now, follower: this.id, fence });
    };
    this.store.subscribe(space.name, hear).catch(() => {});
  }

  #look(): void {
    if (this.looksAtAll()) this.read();
    else this.says(this.follower);
  }

  #loop(): void {
    const { random } = this.world.sim;
    this.host.after(random.between(5, 60), () => {
      if (!this.#isBusy) return;
      this.#look();
      if (random.chance(0.03)) void this.#wait(this.world.lastFlushed);
      if (random.chance(0.005) && !this.upstream) this.follower.refresh().catch(() => {});
      this.#loop();
    });
  }

  async #wait(position: string): Promise<void> {
    const came = await this.follower.waitFor(position, { timeoutMs: 500 }).then(
      () => true,
      () => false,
    );
    if (!came) return;
    const { head } = this.follower;
    this.world.record({ type: 'waited', at: this.world.sim.now, follower: this.id, position, head });
  }
}
