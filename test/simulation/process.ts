/** A simulated process: a host, its connections, and the real Tandem. */
import { ServerClock } from '../../src/base/clock.ts';
import { Slices } from '../../src/base/slices.ts';
import type { AnyParticipant } from '../../src/actor/participant.ts';
import type { ErrorEvent, ModeEvent } from '../../src/actor/events.ts';
import { DirectPath } from '../../src/follower/direct-path.ts';
import { noStore } from '../../src/follower/no-store.ts';
import type { PathTarget, UpstreamOptions } from '../../src/ports/path.ts';
import type { Follower, Owner } from '../../src/index.ts';
import { Tandem } from '../../src/tandem.ts';
import type { Environment } from './environment.ts';
import { Host } from './host.ts';
import type { D } from './space.ts';
import { SimStore } from './store.ts';
import { Wire } from './wire.ts';

/** The lengths of a slice, in steps. */
const SLICE_STEPS = [1, 2, 5, 20, 100] as const;
/** The numbers of steps that are done at once. */
const FEW_STEPS = [0, 10, 1_000] as const;

export class SimProcess {
  readonly id: string;
  readonly host: Host;
  readonly wire = new Wire();
  readonly store: SimStore;
  readonly tandem: Tandem;
  protected readonly world: Environment;

  /** @param upstream what it follows, without Redis. Default: it has Redis */
  constructor(id: string, world: Environment, upstream?: UpstreamOptions) {
    this.id = id;
    this.world = world;
    this.host = new Host(id, world.sim);
    const { host } = this;
    const clock = new ServerClock(host);
    this.store = new SimStore(world.redis, host, this.wire, clock, world.size);
    const ask = world.net.askFrom(host);
    const path = (space: string, target: PathTarget, maxStaleMs: number): DirectPath =>
      new DirectPath(space, target, { maxStaleMs, time: host, self: id, askOver: ask });
    // No time passes while work is done here: chance ends a slice instead.
    const { random } = world.sim;
    const steps = (): number => random.pick(SLICE_STEPS);
    const slices = new Slices(host, { steps, fewSteps: random.pick(FEW_STEPS) });
    const { tombstoneLimit } = world.size;
    const store = upstream ? noStore : this.store;
    const runtime = { name: id, store, clock, time: host, path, slices, tombstoneLimit, upstream };
    this.tandem = new Tandem(runtime, () => this.store.stop());
  }

  /** Records each change of mode and each error that the participant reports. */
  protected note(participant: Pick<AnyParticipant, 'on'>): void {
    const note = (what: string): void =>
      this.world.record({ type: 'note', at: this.world.sim.now, participant: this.id, what });
    participant.on('mode', ({ mode, reason }: ModeEvent) => note(`${mode}: ${reason}`));
    participant.on('error', ({ error }: ErrorEvent) => note(`${error.code}: ${error.message}`));
  }

  /** Records what the participant tells of freshness and owner, beside what its readings say. */
  protected hear(participant: Follower<D> | Owner<D>): void {
    const { world, host, id } = this;
    const record = (what: 'freshness' | 'owner', value: string, sinceWall: number, name?: string): void => {
      const said = participant.get('alone')[what];
      const since = world.sim.now - (host.wall() - sinceWall);
      world.record({ type: 'tells', at: world.sim.now, participant: id, what, value, said, name, since });
    };
    const on = (participant as Follower<D>).on.bind(participant as Follower<D>);
    on('freshness', ({ freshness, since }) => record('freshness', freshness, since));
    on('ownerChanged', ({ owner, ownerName, since }) => record('owner', owner, since, ownerName));
  }

  /** Whether a look at the state, now, is one at the whole of it. */
  protected looksAtAll(): boolean {
    const { size, sim } = this.world;
    return size.wholeLooks === 1 || sim.random.chance(size.wholeLooks);
  }

  /** Records what a reading says of freshness and owner. */
  protected says(participant: Follower<D> | Owner<D>): void {
    const { freshness, owner } = participant.get('alone');
    const { sim } = this.world;
    this.world.record({ type: 'says', at: sim.now, participant: this.id, freshness, owner });
  }

  /** Kills the process as SIGKILL does: nothing runs here any more, and the system closes the sockets. */
  kill(): void {
    this.host.kill();
    for (const socket of this.store.sockets) socket.disconnect();
  }

  /** Heals the wire, and delivers everything that it held back. */
  mendWire(): void {
    Object.assign(this.wire, new Wire());
    for (const socket of this.store.sockets) socket.release();
  }

  /** Stops the process in good order, then records which timers are left. */
  async stop(): Promise<void> {
    await this.tandem.stop({ timeoutMs: 1_000 });
    // Calls that were under way have deadlines of their own, which may still be pending.
    this.world.sim.after(1_000, () => {
      this.world.record({ type: 'left', at: this.world.sim.now, process: this.id, timers: this.host.timers });
    });
  }
}
