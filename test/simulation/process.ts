/** A simulated process: a host, its ways out, and the real Tandem in it. */
import { ServerClock } from '../../src/base/clock.ts';
import type { AnyParticipant } from '../../src/actor/participant.ts';
import type { ErrorEvent, ModeEvent } from '../../src/actor/events.ts';
import { DirectPath } from '../../src/follower/direct-path.ts';
import type { DirectOptions } from '../../src/ports/path.ts';
import { Tandem } from '../../src/tandem.ts';
import { Host } from './host.ts';
import { Wire } from './redis.ts';
import { SimStore } from './store.ts';
import type { World } from './world.ts';

export class SimProcess {
  readonly id: string;
  readonly host: Host;
  readonly wire = new Wire();
  readonly store: SimStore;
  readonly tandem: Tandem;
  protected readonly world: World;

  constructor(id: string, world: World) {
    this.id = id;
    this.world = world;
    this.host = new Host(id, world.sim);
    const { host } = this;
    const clock = new ServerClock(host);
    this.store = new SimStore(world.redis, host, this.wire, clock);
    const ask = world.net.askFrom(host);
    const path = (space: string, options: DirectOptions, maxStaleMs: number): DirectPath =>
      new DirectPath(space, options, maxStaleMs, host, ask);
    const around = { name: id, store: this.store, clock, time: host, path };
    this.tandem = new Tandem(around, () => this.store.stop(), { clock: host.clock });
  }

  /** Writes down what the participant says of itself. */
  protected note(participant: Pick<AnyParticipant, 'on'>): void {
    const note = (what: string): void =>
      this.world.record({ type: 'note', at: this.world.sim.now, participant: this.id, what });
    participant.on('mode', ({ mode, reason }: ModeEvent) => note(`${mode}: ${reason}`));
    participant.on('error', ({ error }: ErrorEvent) => note(`${error.code}: ${error.message}`));
  }

  /** SIGKILL: nothing runs here any more, and its sockets are closed by the system. */
  kill(): void {
    this.host.kill();
    for (const socket of this.store.sockets) socket.disconnect();
  }

  /** Heals the wire, and lets go what it held. */
  mendWire(): void {
    Object.assign(this.wire, new Wire());
    for (const socket of this.store.sockets) socket.release();
  }

  /** Stops as a process does that is asked to; and says what it left behind. */
  async stop(): Promise<void> {
    await this.tandem.stop({ timeoutMs: 1_000 });
    // What was under way has a deadline of its own.
    this.world.sim.after(1_000, () => {
      this.world.record({ type: 'left', at: this.world.sim.now, process: this.id, timers: this.host.timers });
    });
  }
}
